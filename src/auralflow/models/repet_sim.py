"""RepetSim: the voice over a background that repeats.

Rafii and Pardo (2012, "Music/voice separation using the similarity matrix", ISMIR): each frame is compared with all
others; what it has in common with the ones most like it (their median) is the background, the rest is the voice.
Below 100 Hz everything is background.

Works where the accompaniment recurs within a segment and the voice does not: loops, verses over chords. A sung line
that is repeated note for note falls to the background, a solo instrument to the voice.

Shape:
    `[batch, channel, time]` to `[batch, stem, channel, time]`, stems vocals and other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from auralflow.dsp.stft import STFTConfig
from auralflow.errors import ConfigError
from auralflow.models.blocks.cues import below, loudness, repeating_part, wiener_share
from auralflow.models.blocks.spectrogram import SpectrogramMaskModel
from auralflow.spec import ModelSpec

STEMS = ("vocals", "other")
SPEC = ModelSpec(STEMS, 44100, 2, segment_samples=30 * 44100)


@dataclass(frozen=True)
class RepetSimConfig:
    """Options of `RepetSim`."""

    stft: STFTConfig = field(default_factory=STFTConfig)
    """Spectrogram whose frames are compared."""
    n_similar: int = 25
    """Frames that the background is made from."""
    min_distance_s: float = 1.0
    """Seconds between two of them, at least."""
    lowest_hz: float = 100.0
    """Frequency below which there is no voice."""

    def __post_init__(self) -> None:
        if self.n_similar < 1:
            raise ConfigError(f"n_similar: expected 1 or more, got {self.n_similar}")
        for name in ("min_distance_s", "lowest_hz"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name}: expected 0 or more, got {getattr(self, name)}")


class RepetSim(SpectrogramMaskModel):
    """Separation by self-similarity; see the head of this file."""

    def __init__(self, spec: ModelSpec, config: RepetSimConfig) -> None:
        if spec.stems != STEMS:
            raise ConfigError(f"spec.stems: this model gives {list(STEMS)}, got {list(spec.stems)}")
        super().__init__(spec, config.stft, _Masks(spec, config), domain="complex")


class _Masks(nn.Module):
    def __init__(self, spec: ModelSpec, config: RepetSimConfig) -> None:
        super().__init__()
        self.config, self.sample_rate = config, spec.sample_rate
        self.min_distance = round(config.min_distance_s * spec.sample_rate / config.stft.hop_samples)

    def forward(self, spectrogram: Tensor) -> Tensor:
        magnitude = loudness(spectrogram)
        background = repeating_part(magnitude, self.config.n_similar, self.min_distance)
        vocals = wiener_share(magnitude - background, background)
        vocals = vocals * (1 - below(self.config.lowest_hz, 10.0, magnitude.shape[1], self.sample_rate, magnitude))
        return torch.stack([vocals, 1 - vocals], 1)[:, :, None].expand(-1, -1, spectrogram.shape[1], -1, -1)
