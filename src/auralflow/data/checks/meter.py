"""Measure one sound as it streams by: level, silence, offset, clipping, and how its two channels go together."""

from __future__ import annotations

import math

import numpy as np

from auralflow.audio.types import Samples

FRAME_S = 0.1
"""Silence is judged in frames of this length."""
SILENCE_DB = -60.0
"""A frame below this, in dB relative to full scale, is silent."""
FULL_SCALE = 32767 / 32768
"""The highest sample of 16-bit files; what clips in deeper ones is above it too."""
_ALIKE = 1e-8  # side to whole: -80 dB


class SoundMeter:
    """Takes blocks, each but the last a whole number of frames long (`frame_samples`).

    Clipping is a run of three or more equal samples at full scale in a channel: a loud note reaches it for a sample,
    a limiter comes near it, but only a clipped wave stays there.

    Example:
        >>> meter = SoundMeter(8000, 1)
        >>> meter.update(np.array([[0.5, 1.0, 1.0, 1.0, -0.5]], np.float32))
        >>> meter.n_clips, meter.peak
        (1, 1.0)
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self.frame_samples = frame_samples(sample_rate)
        self.sample_rate, self.channels = sample_rate, channels
        self.n_samples = self.n_frames = self.n_silent = self.n_clips = 0
        self.peak = 0.0
        self._sums = np.zeros(channels)
        self._energies = np.zeros(channels)
        self._cross = self._side = 0.0
        self._tail = np.full((channels, 3), np.nan, np.float32)

    @property
    def duration_s(self) -> float:
        return self.n_samples / self.sample_rate

    @property
    def energy(self) -> float:
        """Sum of the squares of all samples."""
        return float(self._energies.sum())

    @property
    def n_values(self) -> int:
        """Samples of all channels."""
        return self.n_samples * self.channels

    @property
    def dc_offset(self) -> float:
        """Largest mean of a channel, as a share of full scale."""
        return float(np.abs(self._sums).max()) / max(1, self.n_samples)

    @property
    def is_silent(self) -> bool:
        """Whether no frame reaches -60 dBFS."""
        return self.n_silent == self.n_frames

    @property
    def correlation(self) -> float | None:
        """Of left and right, -1 to 1; None unless there are two channels and both sound."""
        norm = math.sqrt(float(np.prod(self._energies)))
        return self._cross / norm if self.channels == 2 and norm > 0 else None

    @property
    def is_mono_in_stereo(self) -> bool:
        """Whether left and right differ by less than -80 dB."""
        return self.channels == 2 and self._side <= _ALIKE * self.energy

    def update(self, block: Samples) -> None:
        """Take the next samples, axes (channel, time)."""
        squares = np.square(block)
        peak = float(np.max(np.abs(block), initial=0.0))
        self.n_samples += block.shape[1]
        self.peak = max(self.peak, peak)
        self._sums += block.sum(axis=1)
        self._energies += squares.sum(axis=1)
        self._count_silence(squares)
        if self.channels == 2:
            self._cross += float(np.dot(block[0], block[1]))
            self._side += float(np.square(block[0] - block[1]).sum())
        self._count_clips(block, peak)

    def _count_silence(self, squares: Samples) -> None:
        n_whole = squares.shape[1] // self.frame_samples * self.frame_samples
        whole = squares[:, :n_whole].reshape(self.channels, -1, self.frame_samples)
        powers = whole.mean(axis=2).mean(axis=0)
        if n_whole < squares.shape[1]:
            powers = np.append(powers, squares[:, n_whole:].mean())
        self.n_frames += len(powers)
        self.n_silent += int(np.count_nonzero(powers < 10 ** (SILENCE_DB / 10)))

    def _count_clips(self, block: Samples, peak: float) -> None:
        # A run begins where two neighbouring pairs are flat and the pair before them is not. Four samples decide that,
        # so three are kept from block to block.
        joined = np.concatenate([self._tail, block], axis=1)
        if max(peak, float(np.nan_to_num(np.abs(self._tail)).max())) >= FULL_SCALE:
            flat = (joined[:, 1:] == joined[:, :-1]) & (np.abs(joined[:, 1:]) >= FULL_SCALE)
            self.n_clips += int(np.count_nonzero(~flat[:, :-2] & flat[:, 1:-1] & flat[:, 2:]))
        self._tail = joined[:, -3:]


def frame_samples(sample_rate: int) -> int:
    """Length of a frame."""
    return max(1, round(FRAME_S * sample_rate))


def to_db(ratio: float) -> float | None:
    """A ratio of amplitudes in dB; None for zero.

    Example:
        >>> to_db(0.1), to_db(0.0)
        (-20.0, None)
    """
    return 20 * math.log10(ratio) if ratio > 0 else None
