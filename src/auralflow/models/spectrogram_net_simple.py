"""SpectrogramNetSimple: a U-Net on the mixture's magnitude gives one mask per stem and channel.

Origin: Jansson et al. (2017, "Singing voice separation with deep U-Net convolutional networks", ISMIR), in the form of
Auralflow 0.1: five levels of three 3 x 3 convolutions, learnable normalisation of what goes in and comes out. There the
network knew one stem and one length; here it gives all stems of its spec at once, for any length.

Shape:
    `[batch, channel, time]` to `[batch, stem, channel, time]`; in between features of `[batch, channel, freq, frame]`
    and masks of `[batch, stem, channel, freq, frame]`.

The default has 7.3 million parameters. `unet.widths` of (32, 64, 128, 256, 512) makes four times as many.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from auralflow.dsp.phase import PhaseConfig
from auralflow.dsp.stft import STFTConfig
from auralflow.models.blocks.spectrogram import MaskActivation, SpectrogramMaskModel
from auralflow.models.blocks.unet import MaskUNet, UNetConfig
from auralflow.spec import ModelSpec

SPEC = ModelSpec(("vocals", "drums", "bass", "other"), 44100, 2, segment_samples=6 * 44100, context_samples=22050)


@dataclass(frozen=True)
class SpectrogramNetSimpleConfig:
    """Options of `SpectrogramNetSimple`."""

    stft: STFTConfig = field(default_factory=STFTConfig)
    """Spectrogram that the network sees."""
    unet: UNetConfig = field(default_factory=UNetConfig)
    """Size and layers of the network."""
    mask: MaskActivation = "sigmoid"
    """Range of the masks: sigmoid (0 to 1), relu (0 and up), softmax (stems sum to the mixture) or none (any)."""
    scale: Literal["linear", "log"] = "log"
    """What the network sees: the magnitude, or log(1 + magnitude)."""
    normalise: bool = True
    """Learn a gain and a shift per bin before and after the network."""
    phase: PhaseConfig = field(default_factory=PhaseConfig)
    """Where the stems' phase comes from at inference."""


TINY = SpectrogramNetSimpleConfig(STFTConfig(256, 64), UNetConfig((4, 6, 8), 2))


class SpectrogramNetSimple(SpectrogramMaskModel):
    """U-Net mask estimator; see the head of this file."""

    def __init__(self, spec: ModelSpec, config: SpectrogramNetSimpleConfig) -> None:
        super().__init__(
            spec,
            config.stft,
            MaskUNet(spec.channels, len(spec.stems), config.unet),
            stride=config.unet.stride,
            scale=config.scale,
            normalise=config.normalise,
            activation=config.mask,
            phase=config.phase,
        )
