"""Mean and deviation of a whole track, as a model that wants it normalised hears it."""

from __future__ import annotations

import numpy as np

from auralflow.audio.layout import ChannelLayout
from auralflow.audio.ops import Conform
from auralflow.audio.types import Samples
from auralflow.separation.runner import TrackStatistics


class StatisticsMeter:
    """Adds up the mono mixture of each group of channels, block after block, at the model's rate.

    Shape:
        blocks (channel, time)
    """

    def __init__(self, model_rate: int, model_channels: int, sample_rate: int, channels: int) -> None:
        layout = ChannelLayout(channels, model_channels)
        self._conform = Conform(sample_rate, model_rate, layout)
        self._n_samples, self._total, self._power = 0, np.zeros(len(layout.groups)), np.zeros(len(layout.groups))

    def add(self, block: Samples) -> None:
        """Hear the next block."""
        self._add_conformed(self._conform.process(block))

    def finish(self) -> TrackStatistics:
        """The statistics; there are no more blocks."""
        self._add_conformed(self._conform.flush())
        mean = self._total / max(self._n_samples, 1)
        variance = np.maximum(self._power - self._n_samples * mean**2, 0) / max(self._n_samples - 1, 1)
        return TrackStatistics(tuple(mean.tolist()), tuple(np.sqrt(variance).tolist()))

    def _add_conformed(self, block: Samples) -> None:
        mono = block.mean(axis=1, dtype=np.float64)
        self._n_samples += mono.shape[-1]
        self._total += mono.sum(-1)
        self._power += (mono**2).sum(-1)
