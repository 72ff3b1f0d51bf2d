"""A tape that runs faster or slower: pitch, tempo and colour change together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from auralflow.audio.resample import resample
from auralflow.audio.types import Samples
from auralflow.data.augment._lengths import n_given, n_taken
from auralflow.data.augment._ranges import Range, check_range, draw_octaves


@dataclass(frozen=True)
class Speed:
    """The song played faster and higher, or slower and lower, by resampling alone.

    Formants move with the pitch, so that a voice becomes that of a smaller or a larger singer and a drum one of another
    size, which `pitch_tempo` leaves as they are; and it takes a fraction of that one's time. Stems of one song share
    the speed; in remix mode, where each comes from another song, each has its own.

    It takes `n_input(n)` samples and returns the first `n` of the result, however fast the drawn speed is.

    Source: Ko et al. (2015, "Audio augmentation for speech recognition"), speed perturbation.

    Raises:
        ConfigError: a range that is none.

    Example:
        >>> speed = Speed((2.0, 2.0))  # an octave up, and half as long
        >>> second = np.zeros((2, speed.n_input(22050)), np.float32)
        >>> second.shape[1], speed(second, 44100, np.random.default_rng(0)).shape[1]
        (44100, 22050)
    """

    SCOPE: ClassVar[Literal["stem", "song"]] = "song"

    ratio: Range = (0.8, 1.25)
    """Least and greatest speed, 1 for none; every ratio is equally likely. A semitone is 1.0595."""

    def __post_init__(self) -> None:
        check_range("ratio", self.ratio, 0.5, 2)

    def n_input(self, n_output: int) -> int:
        """Samples from which `n_output` can be made at the greatest speed; at least as many."""
        return n_taken(n_output, self.ratio[1])

    def __call__(self, samples: Samples, sample_rate: int, random: np.random.Generator) -> Samples:
        """The result, `n` samples long for the greatest `n` whose `n_input` was given."""
        rate_played = round(draw_octaves(random, self.ratio) * sample_rate)
        n_output = n_given(samples.shape[1], self.ratio[1])
        n_used = math.ceil(n_output * rate_played / sample_rate)
        played = resample(samples[:, :n_used], rate_played, sample_rate)
        # Rounding may leave the last sample out.
        return np.pad(played, ((0, 0), (0, 1)))[:, :n_output].copy()
