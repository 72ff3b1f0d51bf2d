"""Reading and growing the boxes of an MP4 file.

Sources: ISO/IEC 14496-12 (boxes); "iTunes Metadata" (`ilst`: `covr` and the freeform box `----`), as described in the
QuickTime File Format documentation. A file is only grown when `moov` is its last box: chunk offsets, which count from
the start of the file, then stay true.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple

from auralflow.audio.pending import PendingFile
from auralflow.audio.vorbis_comment import picture_type

# `meta` is a full box: version and flags stand before its children.
_PREFIX = {b"meta": 4}
_UTF8, _JPEG, _PNG = 1, 13, 14


class Box(NamedTuple):
    """Where a box lies: `start` to `end`, its content from `body` on."""

    name: bytes
    start: int
    body: int
    end: int


def file_boxes(file: BinaryIO) -> Iterator[Box]:
    """The outermost boxes of a file; a broken size ends the walk."""
    length = file.seek(0, os.SEEK_END)
    start = 0
    while start + 8 <= length:
        file.seek(start)
        box = _parse(file.read(16), start, length)
        if box is None:
            return
        yield box
        start = box.end


def child_boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes that stand one after the other in `data`."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        box = _parse(data[start : start + 16], start, end)
        if box is None:
            return
        yield box
        start = box.end


def make_box(name: bytes, body: bytes) -> bytes:
    """A box with its size in front, in 64 bits where 32 are too few."""
    if len(body) + 8 < 2**32:
        return struct.pack(">I4s", len(body) + 8, name) + body
    return struct.pack(">I4sQ", 1, name, len(body) + 16) + body


def find_box(data: bytes, path: Sequence[bytes]) -> bytes | None:
    """Content of the box at `path` (`[b"moov", b"udta"]`), or None."""
    start, end = 0, len(data)
    for name in path:
        box = next((box for box in child_boxes(data, start, end) if box.name == name), None)
        if box is None:
            return None
        start, end = box.body + _PREFIX.get(name, 0), box.end
    return data[start:end]


def append_child(data: bytes, path: Sequence[bytes], child: bytes) -> bytes:
    """`data` with `child` added at the end of the box at `path`; boxes on the way that are missing are made."""
    if not path:
        return data + child
    for box in child_boxes(data):
        if box.name == path[0]:
            inner = box.body + _PREFIX.get(box.name, 0)
            body = data[box.body : inner] + append_child(data[inner : box.end], path[1:], child)
            return data[: box.start] + make_box(box.name, body) + data[box.end :]
    return data + make_box(path[0], bytes(_PREFIX.get(path[0], 0)) + append_child(b"", path[1:], child))


def append_to_movie(pending: PendingFile, additions: Mapping[Sequence[bytes], bytes]) -> None:
    """Add boxes below `moov`, the last box of a file that is complete but for them."""
    pending.check()
    *_, last = file_boxes(pending.file)
    assert last.name == b"moov"
    pending.file.seek(last.start)
    movie = pending.file.read()
    for path, child in additions.items():
        movie = append_child(movie, (b"moov", *path), child)
    pending.seek(last.start)
    pending.write(movie)


def item_list(tags: Mapping[str, str], cover: bytes | None) -> bytes:
    """Entries for `ilst`: a cover and tags that have no box of their own."""
    entries = b"".join(_freeform(name.upper(), value) for name, value in tags.items())
    if cover is not None:
        kind = _PNG if picture_type(cover) == "image/png" else _JPEG
        entries += make_box(b"covr", _data(kind, cover))
    return entries


def _freeform(name: str, value: str) -> bytes:
    mean = make_box(b"mean", bytes(4) + b"com.apple.iTunes")
    title = make_box(b"name", bytes(4) + name.encode(errors="replace"))
    return make_box(b"----", mean + title + _data(_UTF8, value.encode(errors="replace")))


def _data(kind: int, value: bytes) -> bytes:
    return make_box(b"data", struct.pack(">II", kind, 0) + value)


def _parse(head: bytes, start: int, end: int) -> Box | None:
    size, name = struct.unpack(">I4s", head[:8])
    header = 8
    if size == 1 and len(head) == 16:
        size, header = struct.unpack(">8xQ", head)[0], 16
    elif size == 0:
        size = end - start
    if size < header or start + size > end:
        return None
    return Box(name, start, start + header, start + size)
