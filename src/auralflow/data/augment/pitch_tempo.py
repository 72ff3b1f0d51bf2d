"""Another key and another tempo, the same for all stems of a song."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from auralflow.audio.resample import resample
from auralflow.audio.types import Samples
from auralflow.data.augment._lengths import n_given, n_taken
from auralflow.data.augment._ranges import Range, check_range, draw, draw_octaves
from auralflow.data.augment._tensors import to_samples, to_tensor
from auralflow.dsp.time_stretch import time_stretch

_SPARE_SAMPLES = 8
"""Silence behind the sound, for lengths that are rounded twice."""


@dataclass(frozen=True)
class PitchTempo:
    """The song transposed and played faster or slower, one independent of the other.

    A song that is to sound `p` times as high and to last `1 / t` times as long is stretched to `p / t` times its length
    at the same pitch and then resampled to `1 / p` of that.

    It takes `n_input(n)` samples and returns the first `n` of the result, however fast the drawn tempo is.

    Source: `auralflow.dsp.time_stretch`; the idea of transposing training songs is Cohen-Hadria et al. (2019,
    "Improving singing voice separation using deep U-Net and Wave-U-Net with data augmentation").

    Raises:
        ConfigError: a range that is none.
    """

    SCOPE: ClassVar[Literal["stem", "song"]] = "song"

    semitones: Range = (-2.0, 2.0)
    """Least and greatest transposition, drawn evenly (not only whole semitones)."""
    tempo: Range = (0.9, 1.1)
    """Least and greatest speed, 1 for none; every ratio is equally likely."""

    def __post_init__(self) -> None:
        check_range("semitones", self.semitones, -12, 12)
        check_range("tempo", self.tempo, 0.5, 2)

    def n_input(self, n_output: int) -> int:
        """Samples from which `n_output` can be made at the greatest speed; at least as many."""
        return n_taken(n_output, self.tempo[1])

    def __call__(self, samples: Samples, sample_rate: int, random: np.random.Generator) -> Samples:
        """The result, `n` samples long for the greatest `n` whose `n_input` was given."""
        pitch = 2 ** (draw(random, self.semitones) / 12)
        tempo = draw_octaves(random, self.tempo)
        n_output = n_given(samples.shape[1], self.tempo[1])
        used = np.zeros((samples.shape[0], math.ceil(n_output * tempo) + _SPARE_SAMPLES), np.float32)
        given = samples[:, : used.shape[1]]
        used[:, : given.shape[1]] = given
        # The resampler takes whole numbers; the stretch makes good for the rounding, so that the tempo is exact.
        rate_played = round(pitch * sample_rate)
        stretched = time_stretch(to_tensor(used), rate_played / sample_rate / tempo, sample_rate)
        resampled = resample(to_samples(stretched), rate_played, sample_rate)
        return np.ascontiguousarray(resampled[:, :n_output])
