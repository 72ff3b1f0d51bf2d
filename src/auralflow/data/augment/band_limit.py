"""An old or a small recording: nothing below one frequency and nothing above another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from auralflow.audio.types import Samples
from auralflow.data.augment._ranges import Range, check_range, draw_octaves
from auralflow.data.augment._tensors import to_samples, to_tensor
from auralflow.dsp.equalizer import butterworth, equalize

_ORDER = 4
_HIGHEST_SHARE = 0.45
"""Of the sample rate: a higher low-pass would change nothing."""


@dataclass(frozen=True)
class BandLimit:
    """All stems of a song through the same high-pass and low-pass, 24 dB per octave each.

    Source: Butterworth (1930, "On the theory of filter amplifiers"), by `auralflow.dsp.equalizer`.

    Raises:
        ConfigError: a range that is none.
    """

    SCOPE: ClassVar[Literal["stem", "song"]] = "song"

    low_hz: Range = (20.0, 150.0)
    """Least and greatest corner of the high-pass; every octave is equally likely."""
    high_hz: Range = (4000.0, 16000.0)
    """Least and greatest corner of the low-pass, likewise."""

    def __post_init__(self) -> None:
        check_range("low_hz", self.low_hz, 10, 2000)
        check_range("high_hz", self.high_hz, 500, 48000)

    def __call__(self, samples: Samples, sample_rate: int, random: np.random.Generator) -> Samples:
        low_hz, high_hz = draw_octaves(random, self.low_hz), draw_octaves(random, self.high_hz)
        highest_hz = _HIGHEST_SHARE * sample_rate
        bands = butterworth("high_pass", min(low_hz, highest_hz), _ORDER)
        if high_hz < highest_hz:
            bands += butterworth("low_pass", high_hz, _ORDER)
        return to_samples(equalize(to_tensor(samples), bands, sample_rate))
