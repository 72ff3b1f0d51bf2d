"""Spectrograms in dB of full scale: a sine of amplitude 1 reads 0 dB."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch

from auralflow.audio.types import Audio, Samples
from auralflow.dsp.stft import STFTConfig, stft
from auralflow.plots.columns import N_COLUMNS, Columns, Floats, cut_blocks
from auralflow.plots.frequency import FrequencyScale, find_edges_hz

RANGE_DB = (-90.0, -10.0)
"""Of the colours of a spectrogram, in dB of full scale."""
_FLOOR_DB = -120.0
_FRAME_S = 2048 / 44100


class Levels(NamedTuple):
    """A spectrogram as it is drawn."""

    level_db: Floats
    """Level in dB of full scale, axes (row, column), -120 or more."""
    times_s: Floats
    """Edges of the columns in seconds."""
    edges_hz: Floats
    """Edges of the rows in Hz."""


class LevelMeter:
    """The spectrogram of a stream; memory does not grow with it.

    A row has the loudest of the bins in it; where bins are wider, several rows share one. A column has the loudest of
    its frames. Channels are averaged in power, so that what is out of phase is seen as well.

    Args:
        n_samples: how many there will be, as far as known. What is short gets frames that lie closer together.
    """

    def __init__(
        self, sample_rate: int, channels: int, n_samples: int | None = None, scale: FrequencyScale = "log"
    ) -> None:
        self._config, self._sample_rate = choose_frames(sample_rate, n_samples), sample_rate
        self._edges_hz = find_edges_hz(sample_rate, scale)
        bins = np.round(self._edges_hz[:-1] * self._config.n_fft / sample_rate).astype(int)
        self._bins = np.minimum(bins, self._config.n_freqs - 1)
        self._columns = Columns(len(bins))
        self._held = torch.zeros(channels, self._config.n_fft // 2)
        self._n_samples = 0

    def add(self, block: Samples) -> None:
        """Append samples.

        Shape:
            block: (channel, time)
        """
        self._n_samples += block.shape[1]
        self._measure(torch.from_numpy(np.ascontiguousarray(block)))

    def find_levels(self) -> Levels:
        """What was measured; nothing may be added after this."""
        hop, half = self._config.hop_samples, self._config.n_fft // 2
        self._measure(torch.zeros(len(self._held), half + -self._n_samples % hop))
        power = self._columns.values / (self._config.n_fft / 4) ** 2
        column_s = self._columns.width * hop / self._sample_rate
        times_s = np.arange(power.shape[1] + 1) * column_s - 0.5 * hop / self._sample_rate
        # Bounded twice: a logarithm of the floor itself may come out a rounding below it.
        level_db = np.maximum(10 * np.log10(np.maximum(power, 10 ** (_FLOOR_DB / 10))), _FLOOR_DB)
        return Levels(level_db, times_s, self._edges_hz)

    def _measure(self, samples: torch.Tensor) -> None:
        """Measure the frames that are complete. What is held begins half a frame before the next frame's centre."""
        held = torch.cat([self._held, samples], dim=1)
        hop, half = self._config.hop_samples, self._config.n_fft // 2
        n_frames = max(0, (held.shape[1] - 2 * half) // hop + 1)
        if n_frames:
            power = stft(held, self._config)[..., half // hop :][..., :n_frames].abs().square().mean(0)
            self._columns.add(np.maximum.reduceat(power.numpy(), self._bins, axis=0))
        self._held = held[:, n_frames * hop :]


def choose_frames(sample_rate: int, n_samples: int | None) -> STFTConfig:
    """Frames of about 46 ms, and as many of them as a picture has columns, if that many make sense."""
    n_fft = 2 ** round(math.log2(_FRAME_S * sample_rate))
    if n_samples is None:
        return STFTConfig(n_fft, n_fft // 4)
    wanted = 2 ** math.ceil(math.log2(max(1, n_samples / N_COLUMNS)))
    return STFTConfig(n_fft, min(max(wanted, n_fft // 16), n_fft // 2))


def find_levels(audio: Audio, scale: FrequencyScale = "log") -> Levels:
    """The spectrogram of a sound.

    Example:
        >>> find_levels(Audio(np.zeros((1, 44100)), 44100)).level_db.max().item()
        -120.0
    """
    meter = LevelMeter(audio.sample_rate, audio.channels, audio.n_samples, scale)
    for block in cut_blocks(audio.samples):
        meter.add(block)
    return meter.find_levels()
