"""Which of the accepted formats a file is, from its content alone.

FFmpeg left to itself would also take playlists, scripts and image patterns, which make it open other files. So the
demuxer is chosen here, from this list and by magic bytes, and handed to FFmpeg by name; a file name never decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from auralflow.audio._frames import find_first_frame, parse_adts, parse_mpeg

_W64_MAGIC = bytes.fromhex("72696666 2e91cf11 a5d628db 04c10000")
_MATROSKA_MAGIC = bytes.fromhex("1a45dfa3")
_QUICKTIME_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
_M4A_BRANDS = (b"M4A ", b"M4B ", b"M4P ")
_MAX_ID3_TAGS = 8


@dataclass(frozen=True)
class Format:
    """A container format and how to open it."""

    container: str
    """Short name, as in `AudioInfo.container`."""
    demuxer: str
    """FFmpeg's name of the demuxer."""
    offset: int = 0
    """Byte at which the format begins, behind ID3v2 tags."""


def sniff(file: BinaryIO) -> Format | None:
    """The format of an open file, or None when it is none of the accepted ones."""
    offset = _skip_id3v2(file)
    file.seek(offset)
    names = _by_magic(file.read(64)) or _by_frames(file, offset)
    return Format(*names, offset) if names else None


def is_text(file: BinaryIO) -> bool:
    """Whether the first bytes of a file read as plain text."""
    file.seek(0)
    head = file.read(512)
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return False
        text = head[: error.start].decode()
    return bool(text) and all(letter.isprintable() or letter in "\t\n\r\f\ufeff" for letter in text)


def _by_magic(head: bytes) -> tuple[str, str] | None:
    if head[:4] in (b"RIFF", b"RF64", b"BW64", b"RIFX") and head[8:12] == b"WAVE":
        return "wav", "wav"
    if head[:16] == _W64_MAGIC:
        return "w64", "w64"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff", "aiff"
    if head[:4] == b"fLaC":
        return "flac", "flac"
    if head[:4] == b"OggS":
        return "ogg", "ogg"
    if head[:4] == _MATROSKA_MAGIC:
        return "webm" if b"webm" in head else "mkv", "matroska"
    if head[4:8] in _QUICKTIME_BOXES:
        return _quicktime_name(head), "mov"
    return None


def _quicktime_name(head: bytes) -> str:
    if head[4:8] != b"ftyp" or head[8:12] == b"qt  ":
        return "mov"
    return "m4a" if head[8:12] in _M4A_BRANDS else "mp4"


def _by_frames(file: BinaryIO, offset: int) -> tuple[str, str] | None:
    if find_first_frame(file, offset, parse_adts) == offset:
        return "aac", "aac"
    if find_first_frame(file, offset, parse_mpeg) is not None:
        return "mp3", "mp3"
    return None


def _skip_id3v2(file: BinaryIO) -> int:
    offset = 0
    for _ in range(_MAX_ID3_TAGS):
        file.seek(offset)
        head = file.read(10)
        if head[:3] != b"ID3" or len(head) < 10 or max(head[6:10]) > 127:
            break
        # Four bytes of seven bits each, so that no sync word appears; a footer repeats the header's ten bytes.
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        offset += 10 + size + (10 if head[5] & 0x10 else 0)
    return offset
