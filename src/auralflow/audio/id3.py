"""An ID3v2.4 tag, as MP3 carries it in front and WAV in a chunk.

Source: the informal standards "ID3 tag version 2.4.0 - Main Structure" and "- Native Frames" (M. Nilsson, 2000). Text
is UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from auralflow.audio.vorbis_comment import FRONT_COVER, picture_type

MAX_TAG = 2**28 - 1
"""Bytes that the header's 28-bit size can state."""

_UTF8 = b"\x03"
_FRAMES = {
    "title": "TIT2",
    "artist": "TPE1",
    "album": "TALB",
    "album_artist": "TPE2",
    "composer": "TCOM",
    "performer": "TPE3",
    "track": "TRCK",
    "disc": "TPOS",
    "date": "TDRC",
    "genre": "TCON",
    "grouping": "TIT1",
    "copyright": "TCOP",
    "publisher": "TPUB",
    "language": "TLAN",
    "isrc": "TSRC",
    "bpm": "TBPM",
    "initialkey": "TKEY",
    "mood": "TMOO",
    "compilation": "TCMP",
    "album-sort": "TSOA",
    "artist-sort": "TSOP",
    "title-sort": "TSOT",
}
# Frames that FFmpeg has no name for and reads as their code.
_CODES = re.compile("td(ly|or|tg)|text|tflt|tipl|tit3|tm(cl|ed)|to(al|fn|ly|pe|wn)|tpe4|tpro|trs[no]|tsst")


def id3_tag(tags: Mapping[str, str], cover: bytes | None = None) -> bytes:
    """The whole tag; empty when there is nothing to say.

    Names without a frame of their own become `TXXX` frames, which carry any name.
    """
    frames = b"".join(_text_frame(name, value) for name, value in tags.items())
    if cover is not None:
        mime = picture_type(cover).encode()
        frames += _frame("APIC", _UTF8 + mime + b"\0" + bytes([FRONT_COVER]) + b"\0" + cover)
    return b"ID3\x04\0\0" + _synchsafe(len(frames)) + frames if frames else b""


def _text_frame(name: str, value: str) -> bytes:
    text = value.encode(errors="replace")
    if name == "comment":
        return _frame("COMM", _UTF8 + b"XXX\0" + text)
    if name == "lyrics":
        return _frame("USLT", _UTF8 + b"XXX\0" + text)
    if name in _FRAMES:
        return _frame(_FRAMES[name], _UTF8 + text)
    if _CODES.fullmatch(name):
        return _frame(name.upper(), _UTF8 + text)
    return _frame("TXXX", _UTF8 + name.encode(errors="replace") + b"\0" + text)


def _frame(code: str, body: bytes) -> bytes:
    return code.encode() + _synchsafe(len(body)) + b"\0\0" + body


def _synchsafe(size: int) -> bytes:
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
