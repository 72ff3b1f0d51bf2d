"""From a compressed file: the stem after a lossy codec at a drawn bit rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from auralflow.audio.codec_trip import MAX_KBPS, MIN_KBPS, LossyCodec, codec_trip
from auralflow.audio.types import Samples
from auralflow.data.augment._ranges import Range, check_range, draw_octaves
from auralflow.errors import ConfigError


@dataclass(frozen=True)
class Codec:
    """The stem encoded and decoded again, in its place to the sample.

    Source: `auralflow.audio.codec_trip`.

    Raises:
        ConfigError: an unknown codec or none, or a range that is none.
    """

    SCOPE: ClassVar[Literal["stem", "song"]] = "stem"

    codecs: tuple[LossyCodec, ...] = ("mp3", "aac", "opus", "vorbis")
    """Codecs to draw from, all equally likely."""
    bitrate_kbps: Range = (64.0, 192.0)
    """Least and greatest bit rate for two channels, in kbit/s; every doubling is equally likely."""

    def __post_init__(self) -> None:
        known = get_args(LossyCodec)
        if not self.codecs or not set(self.codecs) <= set(known):
            raise ConfigError(f"codecs: expected some of {', '.join(known)}, got {self.codecs!r}")
        check_range("bitrate_kbps", self.bitrate_kbps, MIN_KBPS, MAX_KBPS)

    def __call__(self, samples: Samples, sample_rate: int, random: np.random.Generator) -> Samples:
        codec = self.codecs[int(random.integers(len(self.codecs)))]
        return codec_trip(samples, sample_rate, codec, draw_octaves(random, self.bitrate_kbps))
