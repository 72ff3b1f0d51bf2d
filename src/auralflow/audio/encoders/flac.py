"""FLAC by libsndfile (libFLAC), with metadata blocks of our own.

Source of the block layout: RFC 9639, section 8. libFLAC writes its stream behind a gap as large as our blocks; when it
is done its STREAMINFO (length, MD5) is moved to the front, and a padding block covers what is left of its header.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
import soundfile

from auralflow.audio.encoders.frames import interleave
from auralflow.audio.formats import OutputDepth
from auralflow.audio.pending import PendingFile
from auralflow.audio.vorbis_comment import MAX_FLAC_BLOCK, comment_block, comment_fields, picture_block
from auralflow.errors import OutputError

COMPRESSION_LEVEL = 4
"""Of libFLAC's 0 to 8. The last that is nearly free: see docs/formats.md."""

_SUBTYPES = {"int16": "PCM_16", "int24": "PCM_24"}
_BITS = {"int16": 16, "int24": 24}
_MARKER = b"fLaC"
_STREAMINFO, _PADDING, _COMMENT, _PICTURE = 0, 1, 4, 6
_LAST = 0x80
_STREAMINFO_SIZE = 34
_MD5_OF_NOTHING = bytes.fromhex("d41d8cd98f00b204e9800998ecf8427e")


class FlacEncoder:
    """Takes integers only."""

    def __init__(
        self,
        pending: PendingFile,
        depth: OutputDepth,
        sample_rate: int,
        channels: int,
        tags: Mapping[str, str],
        cover: bytes | None,
    ) -> None:
        self._pending = pending
        self._blocks = _block(_COMMENT, comment_block(comment_fields(tags)))
        if cover is not None:
            self._blocks += _block(_PICTURE, picture_block(cover))
        self._empty_info = _streaminfo_of_nothing(sample_rate, channels, _BITS[depth])
        pending.start_at(len(_MARKER) + 4 + _STREAMINFO_SIZE + len(self._blocks))
        self._file = soundfile.SoundFile(
            pending,
            "w",
            sample_rate,
            channels,
            _SUBTYPES[depth],
            format="FLAC",
            compression_level=COMPRESSION_LEVEL / 8,
        )

    def write(self, block: npt.NDArray[Any]) -> None:
        self._file.write(interleave(block))

    def finish(self) -> None:
        self._file.close()
        self._pending.check()
        streaminfo, gap = self._read_header()
        head = _MARKER + _block(_STREAMINFO, streaminfo) + self._blocks
        padding = gap - len(head) - 4
        self._pending.start_at(0)
        self._pending.write(head + _block(_PADDING, bytes(padding), is_last=True))

    def abandon(self) -> None:
        self._file.close()

    def _read_header(self) -> tuple[bytes, int]:
        """libFLAC's STREAMINFO, and where in the file its first audio frame begins."""
        start = len(_MARKER) + 4 + _STREAMINFO_SIZE + len(self._blocks)
        file = self._pending.file
        file.seek(start)
        if file.read(4) != _MARKER:  # libFLAC writes nothing at all before the first sample
            return self._empty_info, start + 4
        streaminfo = b""
        while True:
            kind, size = struct.unpack(">B3x", head := file.read(4))[0], int.from_bytes(head[1:], "big")
            body = file.read(size)
            streaminfo = body if kind & ~_LAST == _STREAMINFO else streaminfo
            if kind & _LAST:
                return streaminfo, file.tell()


def _block(kind: int, body: bytes, is_last: bool = False) -> bytes:
    if len(body) > MAX_FLAC_BLOCK:
        raise OutputError(f"flac holds at most 16 MiB of tags and of cover, got {len(body)} bytes; leave them out")
    return bytes([kind | _LAST * is_last]) + len(body).to_bytes(3, "big") + body


def _streaminfo_of_nothing(sample_rate: int, channels: int, bits: int) -> bytes:
    # 20 bits rate, 3 channels - 1, 5 bits - 1, 36 length.
    packed = sample_rate << 44 | (channels - 1) << 41 | (bits - 1) << 36
    return struct.pack(">HH6xQ", 4096, 4096, packed) + _MD5_OF_NOTHING
