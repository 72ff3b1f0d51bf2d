"""Read chunks from anywhere in many files: what a trainer does all day.

WAV, AIFF, W64 and FLAC are kept open and sought by libsndfile, exact to the sample. Every other format, and what
libsndfile cannot read of these, is opened for each chunk and decoded from the packet before it.
"""

from __future__ import annotations

import os
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from auralflow.audio._demux import shown
from auralflow.audio.read import BLOCK_SAMPLES, AudioReader
from auralflow.audio.types import Samples
from auralflow.errors import AudioError

_FLOATS = ("FLOAT", "DOUBLE")
_INTEGERS = ("PCM_U8", "PCM_S8", "PCM_16", "PCM_24", "PCM_32", "ULAW", "ALAW")
_FULL_SCALE = np.float32(1 / 32768)
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
        file = self._open(path) if path.suffix.lower() in _SEEKABLE else None
        try:
            if file is None:
                chunk = _decode(path, sample_rate, start, n_samples, stream)
            else:
                chunk = _seek(file, path, sample_rate, start, n_samples)
            if chunk.shape[1] < n_samples:
                raise AudioError(
                    f"{shown(path)}: expected {n_samples} samples from sample {start}, got {chunk.shape[1]}"
                )
        except AudioError:
            self._forget(path)
            raise
        return chunk

    def _open(self, path: Path) -> soundfile.SoundFile | None:
        if self._process != os.getpid():
            self._files, self._process = OrderedDict(), os.getpid()
        if path in self._files:
            self._files.move_to_end(path)
            return self._files[path]
        file = _open_seekable(path)
        if file is not None:
            self._files[path] = file
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


def _open_seekable(path: Path) -> soundfile.SoundFile | None:
    """The file in libsndfile, or None where only FFmpeg reads it, or reads it better."""
    try:
        # In bytes where names may be any bytes.
        file = soundfile.SoundFile(str(path) if os.name == "nt" else os.fsencode(path))
    except soundfile.LibsndfileError:
        return None
    if file.frames and file.subtype in (*_INTEGERS, *_FLOATS):
        return file
    file.close()
    return None


def _seek(file: soundfile.SoundFile, path: Path, sample_rate: int, start: int, n_samples: int) -> Samples:
    _check_rate(path, sample_rate, file.samplerate)
    try:
        chunk = read_frames(file, start, n_samples)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{shown(path)}: cannot be decoded at sample {start}: {error}") from None
    if file.subtype in _FLOATS and not np.isfinite(chunk).all():
        raise AudioError(f"{shown(path)}: holds samples that are NaN or infinite, from sample {start} on")
    return chunk


def read_frames(file: soundfile.SoundFile, start: int, n_samples: int) -> Samples:
    """Samples from `start` on of a file that is open; fewer where it ends.

    Shape:
        (channel, time)
    """
    file.seek(min(start, file.frames))
    if file.subtype == "PCM_16":
        return _scale(file.read(n_samples, dtype="int16", always_2d=True))
    frames: Samples = file.read(n_samples, dtype="float32", always_2d=True)
    return frames.T


def _scale(frames: npt.NDArray[np.int16]) -> Samples:
    """As libsndfile scales, bit for bit, in a quarter of the time: a stereo frame is taken apart as one 32-bit number.

    Shape:
        (time, channel) to (channel, time)
    """
    samples = np.empty(frames.shape[::-1], np.float32)
    if frames.shape[1] == 2 and sys.byteorder == "little":
        pairs = frames.reshape(-1).view(np.int32)
        samples[0], samples[1] = pairs.astype(np.int16), pairs >> 16
    else:
        samples[:] = frames.T
    samples *= _FULL_SCALE
    return samples


def _decode(path: Path, sample_rate: int, start: int, n_samples: int, stream: int) -> Samples:
    start_s, duration_s = start / sample_rate, n_samples / sample_rate
    block_samples = max(n_samples, BLOCK_SAMPLES)  # all of it in one; Vorbis is passed over in blocks up to the start
    with AudioReader(
        path, start_s=start_s, duration_s=duration_s, block_samples=block_samples, stream=stream
    ) as reader:
        _check_rate(path, sample_rate, reader.sample_rate)
        (chunk,) = reader  # to its end, for only then are the warnings complete
        if reader.warnings:
            raise AudioError(f"{shown(path)}: {reader.warnings[0]}, in the chunk from sample {start} on")
        return chunk


def _check_rate(path: Path, expected: int, got: int) -> None:
    if got != expected:
        raise AudioError(f"{shown(path)}: expected {expected} Hz as when the data set was listed, got {got}")
