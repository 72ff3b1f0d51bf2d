"""Read any part of a packed sound, from a disk or from a store."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from auralflow.audio.in_memory import decode_part
from auralflow.audio.types import Samples
from auralflow.data.packs.index import PackedSound
from auralflow.errors import AudioError
from auralflow.storage.address import Address
from auralflow.storage.store import Store


class PieceReader:
    """Reads pieces, and checks that they are what was written.

    Each process opens shards for itself: an open file or connection cannot be shared by forked processes.
    """

    def __init__(self) -> None:
        self._process = os.getpid()
        self._maps: dict[Path, np.memmap[tuple[int], np.dtype[np.uint8]]] = {}
        self._stores: dict[Address, Store] = {}

    def read(self, sound: PackedSound, start: int, n_samples: int) -> Samples:
        """Samples `start` to `start + n_samples`; the sound must have them.

        Shape:
            (channel, time), float32

        Raises:
            AudioError: a piece cannot be fetched, or is damaged.
        """
        end, length = start + n_samples, sound.piece_samples
        first = start // length
        numbers = range(first, -(-end // length))
        chunk = np.empty((sound.channels, n_samples), np.float32)
        for number, data in zip(numbers, self._fetch(sound, numbers), strict=True):
            begin = max(start, number * length)
            n_read = min(end, (number + 1) * length) - begin
            part = _decode(data, sound, number, begin - number * length, n_read)
            chunk[:, begin - start : begin - start + n_read] = part
        return chunk

    def _fetch(self, sound: PackedSound, numbers: range) -> Sequence[bytes]:
        if self._process != os.getpid():
            self.__init__()  # type: ignore[misc]
        ranges = [(int(at), int(size)) for at, size, _ in sound.pieces[numbers.start : numbers.stop]]
        if isinstance(sound.shard, Address):
            return self._open_store(sound.shard).read_ranges(ranges)
        shard = self._open_file(sound.shard)
        return [shard[at : at + size].tobytes() for at, size in ranges]

    def _open_file(self, path: Path) -> np.memmap[tuple[int], np.dtype[np.uint8]]:
        if path not in self._maps:
            try:
                self._maps[path] = np.memmap(path, np.uint8, "r")
            except (OSError, ValueError) as error:
                raise AudioError(f"{path}: cannot be opened: {error}") from None
        return self._maps[path]

    def _open_store(self, shard: Address) -> Store:
        if shard not in self._stores:
            self._stores[shard] = Store(shard)
        return self._stores[shard]

    def __getstate__(self) -> dict[str, object]:
        return {}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__init__()  # type: ignore[misc]


def _decode(data: bytes, sound: PackedSound, number: int, start: int, n_samples: int) -> Samples:
    _, size, crc = sound.pieces[number].tolist()
    if len(data) != size or zlib.crc32(data) != crc:
        raise AudioError(f"{sound.shard}: piece {sound.stream + number} is not what was packed; pack it again")
    try:
        return decode_part(data, start, n_samples, sample_rate=sound.sample_rate, channels=sound.channels)
    except AudioError as error:
        raise AudioError(f"{sound.shard}: piece {sound.stream + number}: {error}; pack it again") from None


class PackedBlocks:
    """A packed sound in blocks, as `AudioReader` gives those of a file."""

    n_not_finite = 0

    def __init__(self, sound: PackedSound, block_samples: int) -> None:
        self.warnings: list[str] = []
        self._blocks = self._read(sound, block_samples)

    def _read(self, sound: PackedSound, block_samples: int) -> Iterator[Samples]:
        reader = PieceReader()
        for start in range(0, sound.n_samples, block_samples):
            yield reader.read(sound, start, min(block_samples, sound.n_samples - start))

    def __iter__(self) -> Iterator[Samples]:
        return self

    def __next__(self) -> Samples:
        return next(self._blocks)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._blocks = iter(())
