"""Upside down: every sample changes its sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from auralflow.audio.types import Samples


@dataclass(frozen=True)
class Polarity:
    """The stem with its polarity inverted, in all channels: it sounds the same, and mixes otherwise.

    Source: definition.
    """

    SCOPE: ClassVar[Literal["stem", "song"]] = "stem"

    def __call__(self, samples: Samples, sample_rate: int, random: np.random.Generator) -> Samples:
        return -samples
