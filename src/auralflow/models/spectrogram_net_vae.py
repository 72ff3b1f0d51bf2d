"""SpectrogramNetVAE: the U-Net of `spectrogram_net_lstm` with a sampled latent before its LSTM.

Origin: Auralflow 0.1; the latent is that of Kingma and Welling (2014, "Auto-encoding variational Bayes"). A frame at
the bottom of the U-Net becomes a Gaussian with a mean and a variance per latent number. In training mode a sample of
it goes on to the LSTM (torch's global random generator), in eval mode the mean, so that inference is deterministic.
`estimate` gives `latent = (mean, log_variance)`, from which a loss can compute the divergence from a unit Gaussian.

Shape:
    `[batch, channel, time]` to `[batch, stem, channel, time]`; in between features of `[batch, channel, freq, frame]`
    and masks of `[batch, stem, channel, freq, frame]`. The latent's two tensors are `[batch, frame, feature]`.

The default has 10.3 million parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from auralflow.dsp.phase import PhaseConfig
from auralflow.dsp.stft import STFTConfig
from auralflow.errors import ConfigError
from auralflow.models.blocks.recurrent import VariationalLSTMBottleneck
from auralflow.models.blocks.spectrogram import MaskActivation, SpectrogramMaskModel
from auralflow.models.blocks.unet import MaskUNet, UNetConfig
from auralflow.spec import ModelSpec

SPEC = ModelSpec(("vocals", "drums", "bass", "other"), 44100, 2, segment_samples=6 * 44100, context_samples=22050)


@dataclass(frozen=True)
class SpectrogramNetVAEConfig:
    """Options of `SpectrogramNetVAE`.

    Raises:
        ConfigError: a size below 1.
    """

    stft: STFTConfig = field(default_factory=STFTConfig)
    """Spectrogram that the network sees."""
    unet: UNetConfig = field(default_factory=lambda: UNetConfig(n_frame_levels=3))
    """Size and layers of the network; few frame levels leave the LSTM a fine grid of frames."""
    squeezed_width: int = 16
    """Feature maps that the latent sees of the last of `unet.widths`."""
    n_latent: int = 128
    """Numbers in the latent of a frame."""
    n_hidden: int = 256
    """Units of the LSTM in each direction."""
    n_layers: int = 2
    """Layers of the LSTM."""
    mask: MaskActivation = "sigmoid"
    """Range of the masks: sigmoid (0 to 1), relu (0 and up), softmax (stems sum to the mixture) or none (any)."""
    scale: Literal["linear", "log"] = "log"
    """What the network sees: the magnitude, or log(1 + magnitude)."""
    normalise: bool = True
    """Learn a gain and a shift per bin before and after the network."""
    phase: PhaseConfig = field(default_factory=PhaseConfig)
    """Where the stems' phase comes from at inference."""

    def __post_init__(self) -> None:
        for name in ("squeezed_width", "n_latent", "n_hidden", "n_layers"):
            if getattr(self, name) < 1:
                raise ConfigError(f"config.{name}: expected 1 or more, got {getattr(self, name)!r}")


TINY = SpectrogramNetVAEConfig(STFTConfig(256, 64), UNetConfig((4, 6, 8), 2), squeezed_width=2, n_latent=3, n_hidden=5)


class SpectrogramNetVAE(SpectrogramMaskModel):
    """U-Net mask estimator with a variational, recurrent bottleneck; see the head of this file."""

    def __init__(self, spec: ModelSpec, config: SpectrogramNetVAEConfig) -> None:
        bottleneck = VariationalLSTMBottleneck(
            config.unet.widths[-1],
            config.unet.bottom_freqs(config.stft.n_freqs),
            config.squeezed_width,
            config.n_latent,
            config.n_hidden,
            config.n_layers,
        )
        super().__init__(
            spec,
            config.stft,
            MaskUNet(spec.channels, len(spec.stems), config.unet, bottleneck),
            stride=config.unet.stride,
            scale=config.scale,
            normalise=config.normalise,
            activation=config.mask,
            phase=config.phase,
        )
