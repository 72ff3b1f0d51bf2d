"""CentreChannel: what lies in the middle of the stereo image, which mostly holds the voice.

The similarity of the channels (Avendano and Jot 2004, "A frequency-domain approach to multichannel upmix") around each
bin says how central it is; its power sets how sharp the middle is. Below 100 Hz, where kick and bass share the middle,
nothing counts as voice.

Works on stereo mixes with a centred voice. Bass and snare stay with it; a mono recording is all middle, so everything
above the lowest frequencies comes out as vocals.

Shape:
    `[batch, channel, time]` to `[batch, stem, channel, time]`, stems vocals and other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from auralflow.dsp.stft import STFTConfig
from auralflow.errors import ConfigError
from auralflow.models.blocks.cues import below, centre_share
from auralflow.models.blocks.spectrogram import SpectrogramMaskModel
from auralflow.spec import ModelSpec

STEMS = ("vocals", "other")
SPEC = ModelSpec(STEMS, 44100, 2, segment_samples=30 * 44100, context_samples=8192)


@dataclass(frozen=True)
class CentreChannelConfig:
    """Options of `CentreChannel`."""

    stft: STFTConfig = field(default_factory=STFTConfig)
    """Spectrogram whose channels are compared."""
    sharpness: float = 3.0
    """Power of the similarity; higher takes a narrower middle."""
    lowest_hz: float = 100.0
    """Frequency below which there is no voice."""

    def __post_init__(self) -> None:
        if not self.sharpness > 0:
            raise ConfigError(f"sharpness: expected more than 0, got {self.sharpness}")
        if not self.lowest_hz >= 0:
            raise ConfigError(f"lowest_hz: expected 0 or more, got {self.lowest_hz}")


class CentreChannel(SpectrogramMaskModel):
    """Separation by place in the stereo image; see the head of this file."""

    def __init__(self, spec: ModelSpec, config: CentreChannelConfig) -> None:
        if spec.stems != STEMS:
            raise ConfigError(f"spec.stems: this model gives {list(STEMS)}, got {list(spec.stems)}")
        super().__init__(spec, config.stft, _Masks(spec, config), domain="complex")


class _Masks(nn.Module):
    def __init__(self, spec: ModelSpec, config: CentreChannelConfig) -> None:
        super().__init__()
        self.config, self.sample_rate = config, spec.sample_rate

    def forward(self, spectrogram: Tensor) -> Tensor:
        vocals = centre_share(spectrogram) ** self.config.sharpness
        vocals = vocals * (1 - below(self.config.lowest_hz, 10.0, vocals.shape[1], self.sample_rate, vocals))
        return torch.stack([vocals, 1 - vocals], 1)[:, :, None].expand(-1, -1, spectrogram.shape[1], -1, -1)
