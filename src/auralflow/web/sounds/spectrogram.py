"""The picture of a sound: time across, frequency up on a logarithmic scale, level as colour."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from auralflow.audio.read import AudioReader
from auralflow.errors import AudioError
from auralflow.workers.serve import Beat

_WINDOW = 4096
_MAX_IN_COLUMN = 16
"""Windows that a column of a long sound is the mean of."""
_LOWEST_HZ, _HIGHEST_HZ = 30.0, 20_000.0
_FLOOR_DB = -90.0
# From silence to full scale: dark blue, violet, red, orange, pale yellow. Equal steps look equal, in grey too.
_COLOURS = np.array(
    [(3, 4, 18), (46, 15, 96), (113, 31, 129), (182, 54, 121), (241, 96, 93), (254, 176, 120), (252, 253, 191)], float
)

Picture = npt.NDArray[np.uint8]


def write_spectrogram(
    path: str, to: str, from_s: float, for_s: float | None, width: int, height: int, beat: Beat
) -> None:
    """Draw a stretch of a sound as a PNG file; each column is the mean power of the windows in it.

    Raises:
        AudioError: the sound cannot be read, or holds nothing there.
    """
    with AudioReader(path, start_s=from_s, duration_s=for_s) as reader:
        length_s = for_s if for_s is not None else (reader.info.duration_s or 0.0) - from_s
        columns = _Columns(width, max(1, round(length_s * reader.sample_rate)))
        for block in reader:
            columns.add(block.mean(axis=0))
            beat(min(1.0, reader.n_read / columns.n_samples))
        columns.add(np.zeros(_WINDOW, np.float32))
        if not reader.n_read:
            raise AudioError("the sound holds no samples there")
        level = _level(columns.power, columns.n_windows, reader.sample_rate, height)
    unfinished = Path(f"{to}.{os.getpid()}")
    unfinished.write_bytes(encode_png(paint(level)))
    os.replace(unfinished, to)


class _Columns:
    """Power in each column of the picture, from samples as they come."""

    def __init__(self, width: int, n_samples: int) -> None:
        self.n_samples = n_samples
        self.power, self.n_windows = np.zeros((width, _WINDOW // 2 + 1)), np.zeros(width)
        self._hop = max(1, min(_WINDOW // 2, n_samples // width), n_samples // (width * _MAX_IN_COLUMN))
        self._window = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
        # Half a window of silence, so that the window at a sample is centred on it.
        self._held, self._start, self._next = np.zeros(_WINDOW // 2, np.float32), 0, 0

    def add(self, samples: npt.NDArray[np.float32]) -> None:
        """Take the next samples, and all windows that are complete with them."""
        self._held = np.concatenate([self._held, samples])
        last = min(self.n_samples - 1, self._start + len(self._held) - _WINDOW)
        places = np.arange(self._next, last + 1, self._hop)
        for first in range(0, len(places), 64):
            self._transform(places[first : first + 64])
        self._next += len(places) * self._hop
        n_done = min(len(self._held), self._next - self._start)
        self._held, self._start = self._held[n_done:], self._start + n_done

    def _transform(self, places: npt.NDArray[np.int64]) -> None:
        windows = np.stack([self._held[place : place + _WINDOW] for place in places - self._start]) * self._window
        columns = places * len(self.power) // self.n_samples
        np.add.at(self.power, columns, np.abs(np.fft.rfft(windows)) ** 2)
        np.add.at(self.n_windows, columns, 1)


def _level(
    power: npt.NDArray[np.float64], n_windows: npt.NDArray[np.float64], sample_rate: int, height: int
) -> npt.NDArray[np.float64]:
    """Decibels below a sine wave of full scale, highest frequency first, axes (row, column)."""
    mean = power / np.maximum(1, n_windows)[:, None] / (_WINDOW / 4) ** 2
    filled = np.flatnonzero(n_windows)
    if len(filled):  # a column narrower than a hop looks like the one before
        mean = mean[filled[np.maximum(0, np.searchsorted(filled, np.arange(len(mean)), "right") - 1)]]
    highest = min(_HIGHEST_HZ, sample_rate / 2)
    edges = _LOWEST_HZ * (highest / _LOWEST_HZ) ** (np.arange(height + 1) / height) * _WINDOW / sample_rate
    first = np.minimum(edges[:-1].astype(int), mean.shape[1] - 1)
    last = np.clip(np.ceil(edges[1:]).astype(int), first + 1, mean.shape[1])
    rows = np.stack([mean[:, a:b].max(axis=1) for a, b in zip(first, last, strict=True)])
    level: npt.NDArray[np.float64] = 10 * np.log10(np.maximum(rows[::-1], 1e-12))
    return level


def paint(level_db: npt.NDArray[np.float64]) -> Picture:
    """Levels as colours, axes (row, column, colour)."""
    part = np.clip(1 - level_db / _FLOOR_DB, 0, 1) * (len(_COLOURS) - 1)
    steps = np.arange(len(_COLOURS))
    return np.stack([np.interp(part, steps, _COLOURS[:, c]) for c in range(3)], axis=-1).astype(np.uint8)


def encode_png(picture: Picture) -> bytes:
    """A picture as a PNG file ("Portable Network Graphics (PNG) Specification", W3C, 8 bits of red, green and blue).

    Shape:
        picture (row, column, 3)
    """
    height, width = picture.shape[:2]
    rows = np.concatenate([np.zeros((height, 1), np.uint8), picture.reshape(height, -1)], axis=1)
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows.tobytes(), 6)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
