"""Tags and cover as FLAC, Ogg Vorbis and Opus store them.

Sources: the Vorbis comment header specification (Xiph.org) and RFC 9639, section 8 (FLAC metadata blocks).
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Mapping

VENDOR = "auralflow"
FRONT_COVER = 3
MAX_FLAC_BLOCK = 2**24 - 1

_FIELD_NAMES = {"album_artist": "ALBUMARTIST", "track": "TRACKNUMBER", "disc": "DISCNUMBER"}


def comment_fields(tags: Mapping[str, str], cover: bytes | None = None) -> list[tuple[str, str]]:
    """Field names (upper case, ASCII without `=`) and values; a cover becomes a base64 field."""
    fields = [(_field_name(name), value) for name, value in tags.items()]
    if cover is not None:
        fields.append(("METADATA_BLOCK_PICTURE", base64.b64encode(picture_block(cover)).decode()))
    return fields


def comment_block(fields: list[tuple[str, str]], vendor: str = VENDOR) -> bytes:
    """The comment header: vendor, number of fields, fields; without framing bit."""
    entries = [f"{name}={value}".encode(errors="replace") for name, value in fields]
    return _counted(vendor.encode()) + struct.pack("<I", len(entries)) + b"".join(map(_counted, entries))


def picture_block(cover: bytes) -> bytes:
    """The body of a FLAC picture block: a front cover whose size in pixels is not stated."""
    mime = picture_type(cover).encode()
    head = struct.pack(">II", FRONT_COVER, len(mime)) + mime
    return head + struct.pack(">IIIIII", 0, 0, 0, 0, 0, len(cover)) + cover


def picture_type(cover: bytes) -> str:
    """Media type of a picture, by its first bytes.

    Example:
        >>> picture_type(bytes.fromhex("ffd8ffe0"))
        'image/jpeg'
    """
    return "image/png" if cover.startswith(b"\x89PNG") else "image/jpeg"


def _field_name(name: str) -> str:
    return _FIELD_NAMES.get(name) or re.sub(r"[^ -<>-}]", "_", name.upper())


def _counted(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data
