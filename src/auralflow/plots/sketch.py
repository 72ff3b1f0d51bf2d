"""What is drawn of a sound: its outline and its spectrogram, from a stream."""

from __future__ import annotations

from dataclasses import dataclass

from auralflow.audio.types import Audio, Samples
from auralflow.plots.columns import Floats, cut_blocks
from auralflow.plots.envelope import EnvelopeMeter
from auralflow.plots.frequency import FrequencyScale
from auralflow.plots.levels import LevelMeter, Levels


@dataclass(frozen=True)
class Sketch:
    """A sound as it is drawn."""

    low: Floats
    """Lowest sample of each column of the waveform; full scale is from -1 to 1."""
    high: Floats
    """Highest sample of each column."""
    column_s: float
    """Seconds in a column of the waveform."""
    levels: Levels
    n_samples: int
    sample_rate: int

    @property
    def duration_s(self) -> float:
        return self.n_samples / self.sample_rate


class Sketcher:
    """Makes a sketch of a stream of blocks; memory does not grow with it.

    Args:
        n_samples: how many there will be, as far as known.

    Example:
        >>> import numpy as np
        >>> sketcher = Sketcher(44100, 2)
        >>> for _ in range(10):
        ...     sketcher.add(np.zeros((2, 4410), np.float32))
        >>> sketcher.finish().duration_s
        1.0
    """

    def __init__(
        self, sample_rate: int, channels: int, n_samples: int | None = None, scale: FrequencyScale = "log"
    ) -> None:
        self._sample_rate, self._n_samples = sample_rate, 0
        self._envelope = EnvelopeMeter()
        self._levels = LevelMeter(sample_rate, channels, n_samples, scale)

    def add(self, block: Samples) -> None:
        """Append samples.

        Shape:
            block: (channel, time)
        """
        self._n_samples += block.shape[1]
        self._envelope.add(block)
        self._levels.add(block)

    def finish(self) -> Sketch:
        """The sketch; nothing may be added after this."""
        low, high = self._envelope.find_ends()
        column_s = self._envelope.column_samples / self._sample_rate
        return Sketch(low, high, column_s, self._levels.find_levels(), self._n_samples, self._sample_rate)


def sketch_audio(audio: Audio, scale: FrequencyScale = "log") -> Sketch:
    """The sketch of a sound in memory."""
    sketcher = Sketcher(audio.sample_rate, audio.channels, audio.n_samples, scale)
    for block in cut_blocks(audio.samples):
        sketcher.add(block)
    return sketcher.finish()
