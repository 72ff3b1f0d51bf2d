"""Louder or softer: a gain, drawn in decibels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from auralflow.audio.types import Samples
from auralflow.data.augment._ranges import Range, check_range, draw


@dataclass(frozen=True)
class Gain:
    """The stem times a gain.

    Source: Uhlich et al. (2017, "Improving music source separation based on deep neural networks through data
    augmentation and network blending"), whose factors 0.25 to 1.25 are -12 to 2 dB.

    Raises:
        ConfigError: a range that is none.
    """

    SCOPE: ClassVar[Literal["stem", "song"]] = "stem"

    range_db: Range = (-12.0, 2.0)
    """Least and greatest gain in dB, drawn evenly."""

    def __post_init__(self) -> None:
        check_range("range_db", self.range_db, -60, 60)

    def __call__(self, samples: Samples, sample_rate: int, random: np.random.Generator) -> Samples:
        return samples * np.float32(10 ** (draw(random, self.range_db) / 20))
