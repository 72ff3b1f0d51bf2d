"""Left and right exchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from auralflow.audio.types import Samples


@dataclass(frozen=True)
class ChannelSwap:
    """The stem with its two channels exchanged; what is not stereo stays as it is.

    Source: Uhlich et al. (2017, "Improving music source separation based on deep neural networks through data
    augmentation and network blending").
    """

    SCOPE: ClassVar[Literal["stem", "song"]] = "stem"

    def __call__(self, samples: Samples, sample_rate: int, random: np.random.Generator) -> Samples:
        return np.ascontiguousarray(samples[::-1]) if samples.shape[0] == 2 else samples.copy()
