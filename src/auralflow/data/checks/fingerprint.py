"""A fingerprint of a song that survives another gain, codec, rate or start, in 32 bits every 11.6 ms.

After J. Haitsma, T. Kalker, "A Highly Robust Audio Fingerprinting System", ISMIR 2002. Of the energies E[n, m] of frame
n in 33 bands of equal width on a log scale from 300 to 2000 Hz, only a sign is kept: whether the step from one band to
the next has grown since the frame before,

    bit[n, m] = E[n, m] - E[n, m + 1] - (E[n - 1, m] - E[n - 1, m + 1]) > 0

Gain and polarity drop out of a sign. Frames are 0.41 s long, 35 times their hop, so that a copy which begins anywhere
has frames at nearly the same places. All of it happens at 5 kHz, for files of every rate alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auralflow.audio.resample import Resampler
from auralflow.audio.types import Samples

SAMPLE_RATE = 5000
HOP_SAMPLES = 58
HOP_S = HOP_SAMPLES / SAMPLE_RATE
FRAME_SAMPLES = 2048
N_BITS = 32
_BAND_LOW_HZ, _BAND_HIGH_HZ = 300.0, 2000.0
_LOUD = 1e-6  # to the loudest frame: -60 dB

_EDGES_HZ = np.geomspace(_BAND_LOW_HZ, _BAND_HIGH_HZ, N_BITS + 2)
_EDGES = np.round(_EDGES_HZ * FRAME_SAMPLES / SAMPLE_RATE).astype(np.int64)
_WINDOW = np.hanning(FRAME_SAMPLES).astype(np.float32)
_BIT_VALUES = np.uint32(1) << np.arange(N_BITS, dtype=np.uint32)

Codes = npt.NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """One code for each hop; 20 KB a minute."""

    codes: Codes
    is_loud: npt.NDArray[np.bool_]
    """Where a code means something: the frame is within 60 dB of the loudest one."""

    @property
    def n_loud(self) -> int:
        return int(np.count_nonzero(self.is_loud))


class Fingerprinter:
    """Takes blocks (channel, time) of one sound; `finish` gives its fingerprint. Memory: that of the codes.

    Example:
        >>> fingerprinter = Fingerprinter(8000)
        >>> fingerprinter.update(np.random.default_rng(0).standard_normal((2, 80000), np.float32))
        >>> len(fingerprinter.finish().codes)
        827
    """

    def __init__(self, sample_rate: int) -> None:
        self._resampler = Resampler(sample_rate, SAMPLE_RATE, 1)
        self._held = np.zeros(0, np.float32)
        self._last_steps: npt.NDArray[np.float32] | None = None
        self._codes: list[Codes] = []
        self._energies: list[npt.NDArray[np.float32]] = []

    def update(self, block: Samples) -> None:
        """Take the next samples."""
        self._take(self._resampler.process(block.mean(axis=0, keepdims=True)))

    def finish(self) -> Fingerprint:
        """The fingerprint of all that came; no blocks after this."""
        self._take(self._resampler.flush())
        energies = np.concatenate([np.zeros(0, np.float32), *self._energies])
        codes = np.concatenate([np.zeros(0, np.uint32), *self._codes])
        return Fingerprint(codes, energies > max(_LOUD * energies.max(initial=0.0), 1e-9))

    def _take(self, samples: Samples) -> None:
        self._held = np.concatenate([self._held, samples[0]])
        for bands in self._pop_frames():
            steps = bands[:, :-1] - bands[:, 1:]
            before = steps[:1] if self._last_steps is None else self._last_steps
            grown = np.diff(np.concatenate([before, steps]), axis=0) > 0
            self._codes.append((grown * _BIT_VALUES).sum(axis=1, dtype=np.uint32))
            self._energies.append(bands.sum(axis=1))
            self._last_steps = steps[-1:]

    def _pop_frames(self) -> Iterator[npt.NDArray[np.float32]]:
        """Energies (frame, band) of the frames that are complete."""
        n_frames = (len(self._held) - FRAME_SAMPLES) // HOP_SAMPLES + 1
        if n_frames <= 0:
            return
        frames = np.lib.stride_tricks.sliding_window_view(self._held, FRAME_SAMPLES)[::HOP_SAMPLES]
        powers = np.square(np.abs(np.fft.rfft(frames * _WINDOW)), dtype=np.float32)
        yield np.add.reduceat(powers[:, : _EDGES[-1]], _EDGES[:-1], axis=1)
        self._held = self._held[n_frames * HOP_SAMPLES :]
