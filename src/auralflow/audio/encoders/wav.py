"""WAV: RIFF, which becomes RF64 when it grows beyond 4 GiB.

Sources: "Multiple channel audio data and WAVE files" (Microsoft), EBU Tech 3306 (RF64). A `JUNK` chunk in front keeps
the place of the 64-bit sizes, as EBU Tech 3306 proposes, so that no length need be known at the start. Tags stand
behind the samples: a `LIST INFO` chunk, which everything reads but holds few names, and an `id3 ` chunk, which
holds all of them and the cover.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy.typing as npt

from auralflow.audio.encoders.frames import interleave, pack_int24
from auralflow.audio.formats import OutputDepth
from auralflow.audio.id3 import id3_tag
from auralflow.audio.pending import PendingFile

RIFF_LIMIT = 2**32 - 1
"""Bytes behind the first eight that a RIFF file can have."""

_UNSTATED = 2**32 - 1

_BYTES = {"int16": 2, "int24": 3, "float32": 4}
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
# Speakers by number of channels, in FLAC's order: L R C LFE BL BR BC SL SR are bits 0 1 2 3 4 5 8 9 10.
_SPEAKERS = {3: 0x7, 4: 0x33, 5: 0x37, 6: 0x3F, 7: 0x70F, 8: 0x63F}
_INFO_CHUNKS = {
    "title": "INAM",
    "artist": "IART",
    "album": "IPRD",
    "track": "IPRT",
    "date": "ICRD",
    "genre": "IGNR",
    "comment": "ICMT",
    "copyright": "ICOP",
}
_JUNK_SIZE = 28


class WavEncoder:
    """Writes interleaved samples as they are."""

    def __init__(
        self,
        pending: PendingFile | BytesIO,
        depth: OutputDepth,
        sample_rate: int,
        channels: int,
        tags: Mapping[str, str],
        cover: bytes | None,
    ) -> None:
        self._pending, self._depth = pending, depth
        self._frame_size = _BYTES[depth] * channels
        self._tail = _info_list(tags) + _chunk(b"id3 ", id3_tag(tags, cover))
        self._header_format = _fmt_chunk(depth, sample_rate, channels)
        self._n_samples = 0
        pending.write(self._header(0))

    def write(self, block: npt.NDArray[Any]) -> None:
        self._n_samples += block.shape[1]
        frames = interleave(block)
        self._pending.write((pack_int24(frames) if self._depth == "int24" else frames).data)

    def finish(self) -> None:
        if self._n_samples:  # FFmpeg would take what follows an empty data chunk for samples
            self._pending.write(b"\0" * (self._data_size % 2) + self._tail)
        size = self._pending.tell()
        self._pending.seek(0)
        self._pending.write(self._header(size))

    def abandon(self) -> None:
        """Nothing to free."""

    @property
    def _data_size(self) -> int:
        return self._n_samples * self._frame_size

    def _header(self, file_size: int) -> bytes:
        is_riff = file_size - 8 <= RIFF_LIMIT
        riff_size = max(file_size - 8, 0)
        if is_riff:
            head = struct.pack("<4sI4s4sI28x", b"RIFF", riff_size, b"WAVE", b"JUNK", _JUNK_SIZE)
        else:
            head = struct.pack("<4sI4s4sI", b"RF64", _UNSTATED, b"WAVE", b"ds64", _JUNK_SIZE)
            head += struct.pack("<QQQI", riff_size, self._data_size, self._n_samples, 0)
        n_samples, data_size = (self._n_samples, self._data_size) if is_riff else (_UNSTATED, _UNSTATED)
        fact = struct.pack("<4sII", b"fact", 4, n_samples) if self._depth == "float32" else b""
        return head + self._header_format + fact + struct.pack("<4sI", b"data", data_size)


def _fmt_chunk(depth: OutputDepth, sample_rate: int, channels: int) -> bytes:
    code = _FLOAT if depth == "float32" else _PCM
    frame_size = _BYTES[depth] * channels
    is_plain = channels <= 2
    body = struct.pack(
        "<HHIIHH",
        code if is_plain else _EXTENSIBLE,
        channels,
        sample_rate,
        sample_rate * frame_size,
        frame_size,
        8 * _BYTES[depth],
    )
    if not is_plain:
        body += struct.pack("<HHIH", 22, 8 * _BYTES[depth], _SPEAKERS.get(channels, 0), code) + _GUID_TAIL
    return _chunk(b"fmt ", body)


def _info_list(tags: Mapping[str, str]) -> bytes:
    entries = b"".join(
        _chunk(_INFO_CHUNKS[name].encode(), value.encode(errors="replace") + b"\0")
        for name, value in tags.items()
        if name in _INFO_CHUNKS
    )
    return _chunk(b"LIST", b"INFO" + entries) if entries else b""


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2) if body else b""
