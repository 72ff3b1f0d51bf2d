"""Sounds decoded and resampled once, as plain samples on disk that are mapped into memory.

A file of the cache is named by what it was made from (path, size, time of change, stream) and for (rate, channels), so
that a changed source is never served. It holds one channel after the other: 16-bit where the source has no more, else
floats, so that chunks are bit for bit those of the source.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from auralflow.audio.resample import Resampler, resampled_length
from auralflow.audio.types import Samples
from auralflow.data.blocks import open_sound, stored_depth
from auralflow.data.channels import fit_channels
from auralflow.data.track import Sound
from auralflow.errors import AudioError, OutputError

_VERSION = 2
_TYPES: dict[str, np.dtype[Any]] = {"i16": np.dtype("<i2"), "f32": np.dtype("<f4")}
_FULL_SCALE = np.float32(1 / 32768)


class PcmCache:
    """Decoded sounds in a folder.

    Args:
        folder: made when it is not there; files that no longer fit may be deleted by anyone at any time.
        sample_rate: of what is stored.
        channels: of what is stored.
    """

    def __init__(self, folder: Path, sample_rate: int, channels: int) -> None:
        self.folder, self.sample_rate, self.channels = folder, sample_rate, channels
        self._maps: dict[Sound, npt.NDArray[np.generic]] = {}

    def build(self, sounds: Sequence[Sound], report: Callable[[int, int], None] | None = None) -> int:
        """Store what is not there yet; what cannot be decoded is left out, and is read (and reported) in training.

        Args:
            report: called with how many of the sounds are done, and how many there are.

        Returns:
            How many were stored now.

        Raises:
            OutputError: the disk is full, or the like; what is complete stays.
        """
        missing = [sound for sound in dict.fromkeys(sounds) if self._find(sound) is None]
        n_stored = 0
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                for n_done, is_stored in enumerate(pool.map(self._store, missing), 1):
                    n_stored += is_stored
                    if report:
                        report(n_done, len(missing))
        except OSError as error:
            raise OutputError(
                f"{self.folder}: cannot write the cache there: {error.strerror or error}; "
                "make room, or set data.cache_folder"
            ) from None
        return n_stored

    def read_into(self, chunk: Samples, sound: Sound, start: int) -> bool:
        """Fill a chunk (channel, time) from sample `start`; False when the sound is not here."""
        stored = self._map(sound)
        if stored is None:
            return False
        part = stored[:, start : start + chunk.shape[1]]
        if stored.dtype == np.int16:
            np.multiply(part, _FULL_SCALE, out=chunk, dtype=np.float32)
        else:
            chunk[:] = part
        return True

    def _map(self, sound: Sound) -> npt.NDArray[np.generic] | None:
        if sound not in self._maps:
            path = self._find(sound)
            if path is None:
                return None
            self._maps[sound] = np.memmap(path, _TYPES[path.suffix[1:]], "r").reshape(self.channels, -1)
        return self._maps[sound]

    def _find(self, sound: Sound) -> Path | None:
        """The stored file, if it is as long as it must be."""
        try:
            key = self._key(sound)
        except OSError:
            return None
        n_values = self.channels * resampled_length(sound.n_samples, sound.sample_rate, self.sample_rate)
        for suffix, kind in _TYPES.items():
            path = self.folder / f"{key}.{suffix}"
            if path.is_file() and path.stat().st_size == n_values * kind.itemsize:
                return path
        return None

    def _key(self, sound: Sound) -> str:
        text = repr((_VERSION, *sound.version, self.sample_rate, self.channels))
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]

    def _store(self, sound: Sound) -> bool:
        """Whether the sound could be decoded."""
        try:
            depth = stored_depth(sound)
            is_plain = sound.sample_rate == self.sample_rate and sound.channels in (1, self.channels)
            kind = "i16" if is_plain and depth in ("int16", "uint8") else "f32"
            # Named by what the source was before it was read: if it changes meanwhile, the file is never found.
            path = self.folder / f"{self._key(sound)}.{kind}"
            unfinished = self.folder / f".{secrets.token_hex(8)}.part"
            try:
                self._write(sound, unfinished, kind)
                os.replace(unfinished, path)
            finally:
                unfinished.unlink(missing_ok=True)
        except AudioError:
            return False
        return True

    def _write(self, sound: Sound, path: Path, kind: str) -> None:
        length = resampled_length(sound.n_samples, sound.sample_rate, self.sample_rate)
        position = 0
        with path.open("xb") as file:
            for block in self._blocks(sound):
                samples = _to_kind(fit_channels(block[:, : length - position], self.channels), kind)
                for index, channel in enumerate(samples):
                    file.seek((index * length + position) * samples.itemsize)
                    file.write(np.ascontiguousarray(channel).data)
                position += samples.shape[1]
        if position < length:
            raise AudioError(f"{sound.path}: ends {length - position} samples early")

    def _blocks(self, sound: Sound) -> Iterator[Samples]:
        resampler = Resampler(sound.sample_rate, self.sample_rate, sound.channels)
        with open_sound(sound) as reader:
            for block in reader:
                yield resampler.process(block)
            if reader.warnings:
                raise AudioError(reader.warnings[0])
        yield resampler.flush()

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_maps": {}}


def _to_kind(samples: Samples, kind: str) -> npt.NDArray[np.generic]:
    if kind == "f32":
        return samples.astype("<f4", copy=False)
    rounded: Samples = np.clip(np.rint(samples * np.float32(32768)), -32768, 32767)
    return rounded.astype("<i2")
