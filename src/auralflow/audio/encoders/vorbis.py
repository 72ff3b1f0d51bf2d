"""Ogg Vorbis by libsndfile (libvorbis), with a comment header of our own.

Sources: RFC 3533 (Ogg pages), the Vorbis I specification, sections 4.2 (headers) and 4.3.9 (channel order). libvorbis
writes its stream behind a gap that is larger than our comment header; then the pages move to the front, with new
numbers and checksums. Copying pages keeps their granule positions, and with them the exact length.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy.typing as npt
import soundfile

from auralflow.audio.encoders.frames import interleave
from auralflow.audio.pending import PendingFile
from auralflow.audio.vorbis_comment import comment_block, comment_fields

QUALITY = 0.8
"""libvorbis' quality 8 of 10: about 256 kbit/s for 44.1 kHz stereo."""

# libvorbis keeps a block on the stack: some ten thousand samples at once would overflow it.
_N_AT_ONCE = 2048
# The order that Vorbis gives channels, taken from that of WAV and FLAC (L R C LFE ...).
_ORDERS = {
    3: [0, 2, 1],
    5: [0, 2, 1, 3, 4],
    6: [0, 2, 1, 4, 5, 3],
    7: [0, 2, 1, 5, 6, 4, 3],
    8: [0, 2, 1, 6, 7, 4, 5, 3],
}
_MAX_SEGMENTS = 255
_CONTINUED = 1
_REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class VorbisEncoder:
    """Takes float32."""

    def __init__(
        self, pending: PendingFile, sample_rate: int, channels: int, tags: Mapping[str, str], cover: bytes | None
    ) -> None:
        self._pending = pending
        self._order = _ORDERS.get(channels)
        # 3: the packet's number. The last bit frames the comments.
        self._comments = b"\x03vorbis" + comment_block(comment_fields(tags, cover)) + b"\x01"
        self._gap = 2 * len(self._comments) + 64
        pending.start_at(self._gap)
        self._file = soundfile.SoundFile(
            pending, "w", sample_rate, channels, "VORBIS", format="OGG", compression_level=1 - QUALITY
        )

    def write(self, block: npt.NDArray[Any]) -> None:
        frames = interleave(block if self._order is None else block[self._order])
        for start in range(0, block.shape[1], _N_AT_ONCE):
            self._file.write(frames[start : start + _N_AT_ONCE])

    def finish(self) -> None:
        self._file.close()
        self._pending.check()
        self._pending.start_at(0)
        size = 0
        for page in _with_comments(_read_pages(self._pending.file, self._gap), self._comments):
            self._pending.seek(size)
            size += self._pending.write(page)
        self._pending.truncate(size)

    def abandon(self) -> None:
        self._file.close()


@dataclass
class _Page:
    flags: int
    granule: int
    serial: int
    number: int
    lacing: bytes
    body: bytes

    def to_bytes(self) -> bytes:
        head = struct.pack("<4sBBqII", b"OggS", 0, self.flags, self.granule, self.serial, self.number)
        tail = bytes([len(self.lacing)]) + self.lacing + self.body
        return head + struct.pack("<I", ogg_checksum(head + bytes(4) + tail)) + tail


def ogg_checksum(page: bytes) -> int:
    """CRC-32 of a page whose checksum field is zero.

    Ogg's polynomial is that of zlib, but bits enter from the other end, and neither start nor end is inverted.

    Example:
        >>> hex(ogg_checksum(b"\\x01"))
        '0x4c11db7'
    """
    mirrored = zlib.crc32(page.translate(_REVERSED_BITS), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_REVERSED_BITS), "big")


def _read_pages(file: BinaryIO, position: int) -> Iterator[_Page]:
    while True:
        file.seek(position)  # between two reads the writer moved it
        if not (head := file.read(27)):
            return
        flags, granule, serial, number, n_segments = struct.unpack("<5xBqII4xB", head)
        lacing = file.read(n_segments)
        body = file.read(sum(lacing))
        position = file.tell()
        yield _Page(flags, granule, serial, number, lacing, body)


def _with_comments(pages: Iterator[_Page], comments: bytes) -> Iterator[bytes]:
    """The same stream with another comment header: its second packet of three."""
    first = next(pages)
    yield first.to_bytes()
    number = first.number
    setup = _third_packet(pages)
    for page in _pages_of([comments, setup], first.serial):
        number = page.number
        yield page.to_bytes()
    for page in pages:
        number += 1
        page.number = number
        yield page.to_bytes()


def _third_packet(pages: Iterator[_Page]) -> bytes:
    """Read the pages of the second and third packet, which end together with a page, and give the third."""
    lacing, body = b"", b""
    while sum(size < _MAX_SEGMENTS for size in lacing) < 2:
        page = next(pages)
        lacing, body = lacing + page.lacing, body + page.body
    n_segments = next(index for index, size in enumerate(lacing) if size < _MAX_SEGMENTS) + 1
    return body[sum(lacing[:n_segments]) :]


def _pages_of(packets: list[bytes], serial: int) -> Iterator[_Page]:
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    body, position = b"".join(packets), 0
    for number, start in enumerate(range(0, len(lacing), _MAX_SEGMENTS), 1):
        part = lacing[start : start + _MAX_SEGMENTS]
        is_continued = start > 0 and lacing[start - 1] == 255
        ends_packet = min(part) < 255
        data = body[position : position + sum(part)]
        position += len(data)
        yield _Page(_CONTINUED * is_continued, 0 if ends_packet else -1, serial, number, part, data)
