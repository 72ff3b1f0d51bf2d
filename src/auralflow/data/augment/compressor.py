"""Less dynamic: a compressor with drawn settings, its threshold below the peak of what it is given."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from auralflow.audio.types import Samples
from auralflow.data.augment._ranges import Range, check_range, draw, draw_octaves
from auralflow.data.augment._tensors import to_samples, to_tensor
from auralflow.dsp.compressor import CompressorConfig, compress

_SILENCE = 1e-6


@dataclass(frozen=True)
class Compressor:
    """The stem through a compressor; the threshold is relative to its peak, so that soft stems are changed as well.

    Source: `auralflow.dsp.compressor`.

    Raises:
        ConfigError: a range that is none.
    """

    SCOPE: ClassVar[Literal["stem", "song"]] = "stem"

    threshold_db: Range = (-30.0, -10.0)
    """Least and greatest threshold, in dB below the peak."""
    ratio: Range = (2.0, 6.0)
    """Decibels in for one decibel out."""
    attack_s: Range = (0.001, 0.03)
    """Time constants of a falling gain, in seconds."""
    release_s: Range = (0.05, 0.3)
    """Time constants of a rising gain, in seconds."""
    keep_peak: bool = True
    """Bring the peak back to where it was; without it the stem gets softer."""

    def __post_init__(self) -> None:
        check_range("threshold_db", self.threshold_db, -80, 0)
        check_range("ratio", self.ratio, 1, 100)
        check_range("attack_s", self.attack_s, 1e-5, 1)
        check_range("release_s", self.release_s, 1e-4, 10)

    def __call__(self, samples: Samples, sample_rate: int, random: np.random.Generator) -> Samples:
        below_db, ratio = draw(random, self.threshold_db), draw(random, self.ratio)
        attack_s, release_s = draw_octaves(random, self.attack_s), draw_octaves(random, self.release_s)
        peak = float(np.abs(samples).max(initial=0))
        if peak < _SILENCE:
            return samples.copy()
        threshold_db = 20 * math.log10(peak) + below_db
        config = CompressorConfig(threshold_db, ratio, attack_s=attack_s, release_s=release_s)
        compressed = to_samples(compress(to_tensor(samples), config, sample_rate))
        return compressed * np.float32(peak / np.abs(compressed).max()) if self.keep_peak else compressed
