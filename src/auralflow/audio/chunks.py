"""Read chunks from anywhere in many files: what a trainer does all day.

WAV, AIFF, W64 and FLAC are kept open and sought by libsndfile, exact to the sample. Every other format is opened for
each chunk and decoded from the packet before it.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path

import numpy as np
import soundfile

from auralflow.audio.read import AudioReader
from auralflow.audio.types import Samples
from auralflow.errors import AudioError

_FLOATS = ("FLOAT", "DOUBLE")
_SEEKABLE = {".wav", ".flac", ".aiff", ".aif", ".w64"}


class ChunkReader:
    """Keeps files open between reads, each process its own (an open file cannot be shared by forked processes).

    Args:
        n_open: files kept open at once.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     soundfile.write(f"{folder}/ramp.wav", np.arange(100) / 128, 8000, subtype="FLOAT")
        ...     chunk = ChunkReader().read(Path(folder, "ramp.wav"), sample_rate=8000, start=3, n_samples=2)
        >>> (128 * chunk).tolist()
        [[3.0, 4.0]]
    """

    def __init__(self, n_open: int = 128) -> None:
        self._n_open = n_open
        self._files: OrderedDict[Path, soundfile.SoundFile] = OrderedDict()
        self._process = os.getpid()

    def read(self, path: Path, *, sample_rate: int, start: int, n_samples: int, stream: int = 0) -> Samples:
        """Samples `start` to `start + n_samples`; the file must have them.

        Shape:
            (channel, time), float32

        Raises:
            AudioError: the file is gone, damaged, shorter than it said, or has another rate.
        """
        try:
            if path.suffix.lower() in _SEEKABLE:
                chunk = self._seek(path, sample_rate, start, n_samples)
            else:
                chunk = _decode(path, sample_rate, start, n_samples, stream)
        except soundfile.LibsndfileError as error:
            self._forget(path)
            raise AudioError(f"{path}: cannot be decoded at sample {start}: {error}") from None
        if chunk.shape[1] < n_samples:
            self._forget(path)
            raise AudioError(f"{path}: expected {n_samples} samples from sample {start}, got {chunk.shape[1]}")
        return chunk

    def _seek(self, path: Path, sample_rate: int, start: int, n_samples: int) -> Samples:
        file = self._open(path)
        if file.samplerate != sample_rate:
            raise AudioError(
                f"{path}: expected {sample_rate} Hz as when the data set was listed, got {file.samplerate}"
            )
        file.seek(min(start, file.frames))
        frames: Samples = file.read(n_samples, dtype="float32", always_2d=True)
        if file.subtype in _FLOATS and not np.isfinite(frames).all():
            raise AudioError(f"{path}: holds samples that are NaN or infinite, from sample {start} on")
        return frames.T

    def _open(self, path: Path) -> soundfile.SoundFile:
        if self._process != os.getpid():
            self._files, self._process = OrderedDict(), os.getpid()
        if path in self._files:
            self._files.move_to_end(path)
            return self._files[path]
        file = self._files[path] = soundfile.SoundFile(path)
        if len(self._files) > self._n_open:
            self._files.popitem(last=False)[1].close()
        return file

    def _forget(self, path: Path) -> None:
        if file := self._files.pop(path, None):
            file.close()

    def __getstate__(self) -> dict[str, int]:
        return {"_n_open": self._n_open}

    def __setstate__(self, state: dict[str, int]) -> None:
        self.__init__(state["_n_open"])  # type: ignore[misc]


def _decode(path: Path, sample_rate: int, start: int, n_samples: int, stream: int) -> Samples:
    with AudioReader(
        path, start_s=start / sample_rate, duration_s=n_samples / sample_rate, block_samples=n_samples, stream=stream
    ) as reader:
        if reader.sample_rate != sample_rate:
            raise AudioError(
                f"{path}: expected {sample_rate} Hz as when the data set was listed, got {reader.sample_rate}"
            )
        chunk = next(reader, np.zeros((reader.channels, 0), np.float32))
        if any(text.startswith("damaged") for text in reader.warnings):
            raise AudioError(f"{path}: {reader.warnings[0]}")
        return chunk
