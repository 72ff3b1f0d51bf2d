"""Another tone colour: two shelves and some bells, all drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from auralflow.audio.types import Samples
from auralflow.data.augment._ranges import Range, check_range, check_value, draw, draw_octaves
from auralflow.data.augment._tensors import to_samples, to_tensor
from auralflow.dsp.equalizer import Band, equalize

_LOW_SHELF_HZ, _HIGH_SHELF_HZ = (60.0, 300.0), (3000.0, 12000.0)
_HIGHEST_SHARE = 0.45
"""Of the sample rate: higher bands would be cut by the end of the spectrum."""


@dataclass(frozen=True)
class Equalizer:
    """The stem through a low shelf (60 to 300 Hz), a high shelf (3 to 12 kHz) and `n_bells` bells.

    Source: the filters are those of `auralflow.dsp.equalizer`.

    Raises:
        ConfigError: a range that is none, or a number of bells outside 0 to 16.
    """

    SCOPE: ClassVar[Literal["stem", "song"]] = "stem"

    gain_db: Range = (-6.0, 6.0)
    """Least and greatest gain of each filter in dB, drawn evenly."""
    n_bells: int = 3
    """Bells between the shelves."""
    freq_hz: Range = (80.0, 10000.0)
    """Where bells stand; every octave is equally likely."""
    q: Range = (0.5, 2.0)
    """Sharpness of bells: centre over bandwidth."""

    def __post_init__(self) -> None:
        check_range("gain_db", self.gain_db, -30, 30)
        check_value("n_bells", self.n_bells, 0, 16)
        check_range("freq_hz", self.freq_hz, 20, 24000)
        check_range("q", self.q, 0.1, 10)

    def __call__(self, samples: Samples, sample_rate: int, random: np.random.Generator) -> Samples:
        highest_hz = _HIGHEST_SHARE * sample_rate
        bands = [band for band in self._draw_bands(random) if band.freq_hz <= highest_hz]
        return to_samples(equalize(to_tensor(samples), bands, sample_rate))

    def _draw_bands(self, random: np.random.Generator) -> list[Band]:
        return [
            Band("low_shelf", draw_octaves(random, _LOW_SHELF_HZ), draw(random, self.gain_db)),
            Band("high_shelf", draw_octaves(random, _HIGH_SHELF_HZ), draw(random, self.gain_db)),
            *(
                Band("peak", draw_octaves(random, self.freq_hz), draw(random, self.gain_db), draw(random, self.q))
                for _ in range(self.n_bells)
            ),
        ]
