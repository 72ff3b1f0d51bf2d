"""HarmonicPercussive: steady sounds and hits, by median filtering of the spectrogram.

Fitzgerald (2010, "Harmonic/percussive separation using median filtering", DAFx): a steady tone is a horizontal line of
the spectrogram and survives a median along time, a hit is a vertical line and survives a median along frequency; the
two medians share each bin out. With a margin (Driedger, Mueller and Disch 2014, "Extending harmonic-percussive
separation of audio signals") only what is clearly one of them goes there, and the stems no longer sum to the mixture.

Works on any number of channels. A voice is neither steady nor a hit and falls to both.

Shape:
    `[batch, channel, time]` to `[batch, stem, channel, time]`, stems harmonic and percussive.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from auralflow.dsp.median import running_median
from auralflow.dsp.stft import STFTConfig
from auralflow.errors import ConfigError
from auralflow.models.blocks.cues import loudness, wiener_share
from auralflow.models.blocks.spectrogram import SpectrogramMaskModel
from auralflow.spec import ModelSpec

STEMS = ("harmonic", "percussive")
SPEC = ModelSpec(STEMS, 44100, 2, segment_samples=30 * 44100, context_samples=44100)


@dataclass(frozen=True)
class HarmonicPercussiveConfig:
    """Options of `HarmonicPercussive`."""

    stft: STFTConfig = field(default_factory=STFTConfig)
    """Spectrogram that is filtered."""
    steady_s: float = 0.4
    """Length of the median along time, in seconds."""
    wide_hz: float = 200.0
    """Length of the median along frequency, in hertz."""
    margin: float = 1.0
    """How many times one must outweigh the other to count; 1 shares everything out."""

    def __post_init__(self) -> None:
        for name in ("steady_s", "wide_hz"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name}: expected more than 0, got {getattr(self, name)}")
        if not self.margin >= 1:
            raise ConfigError(f"margin: expected 1 or more, got {self.margin}")


class HarmonicPercussive(SpectrogramMaskModel):
    """Median-filtering separation; see the head of this file."""

    def __init__(self, spec: ModelSpec, config: HarmonicPercussiveConfig) -> None:
        if spec.stems != STEMS:
            raise ConfigError(f"spec.stems: this model gives {list(STEMS)}, got {list(spec.stems)}")
        super().__init__(spec, config.stft, _Masks(spec, config), domain="complex")


class _Masks(nn.Module):
    def __init__(self, spec: ModelSpec, config: HarmonicPercussiveConfig) -> None:
        super().__init__()
        self.margin = config.margin
        self.n_frames = round(config.steady_s * spec.sample_rate / config.stft.hop_samples)
        self.n_bins = round(config.wide_hz * config.stft.n_fft / spec.sample_rate)

    def forward(self, spectrogram: Tensor) -> Tensor:
        magnitude = loudness(spectrogram)
        harmonic = running_median(magnitude, self.n_frames, dim=-1)
        percussive = running_median(magnitude, self.n_bins, dim=-2)
        masks = [
            wiener_share(harmonic, self.margin * percussive),
            wiener_share(percussive, self.margin * harmonic),
        ]
        if self.margin == 1.0:
            masks[1] = 1 - masks[0]
        return torch.stack(masks, 1)[:, :, None].expand(-1, -1, spectrogram.shape[1], -1, -1)
