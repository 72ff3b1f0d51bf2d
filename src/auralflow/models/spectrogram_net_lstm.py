"""SpectrogramNetLSTM: the U-Net of `spectrogram_net_simple` with a bidirectional LSTM at its bottom.

Origin: Auralflow 0.1. The convolutions see some frames to either side; the LSTM sees the whole segment. Its features
are all feature maps and bins of a frame, after a 1 x 1 convolution has squeezed the maps to `squeezed_width`: all 256
maps of the 65 bins at the bottom would make an LSTM of 36 million parameters.

Shape:
    `[batch, channel, time]` to `[batch, stem, channel, time]`; in between features of `[batch, channel, freq, frame]`
    and masks of `[batch, stem, channel, freq, frame]`. The LSTM sees `[batch, frame, feature]`.

The default has 11.9 million parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from auralflow.dsp.phase import PhaseConfig
from auralflow.dsp.stft import STFTConfig
from auralflow.errors import ConfigError
from auralflow.models.blocks.recurrent import LSTMBottleneck
from auralflow.models.blocks.spectrogram import MaskActivation, SpectrogramMaskModel
from auralflow.models.blocks.unet import MaskUNet, UNetConfig
from auralflow.spec import ModelSpec

SPEC = ModelSpec(("vocals", "drums", "bass", "other"), 44100, 2, segment_samples=6 * 44100, context_samples=22050)


@dataclass(frozen=True)
class SpectrogramNetLSTMConfig:
    """Options of `SpectrogramNetLSTM`.

    Raises:
        ConfigError: a size below 1.
    """

    stft: STFTConfig = field(default_factory=STFTConfig)
    """Spectrogram that the network sees."""
    unet: UNetConfig = field(default_factory=lambda: UNetConfig(n_frame_levels=3))
    """Size and layers of the network; few frame levels leave the LSTM a fine grid of frames."""
    squeezed_width: int = 16
    """Feature maps that the LSTM sees of the last of `unet.widths`."""
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
        for name in ("squeezed_width", "n_hidden", "n_layers"):
            if getattr(self, name) < 1:
                raise ConfigError(f"config.{name}: expected 1 or more, got {getattr(self, name)!r}")


TINY = SpectrogramNetLSTMConfig(STFTConfig(256, 64), UNetConfig((4, 6, 8), 2), squeezed_width=2, n_hidden=5)


class SpectrogramNetLSTM(SpectrogramMaskModel):
    """U-Net mask estimator with a recurrent bottleneck; see the head of this file."""

    def __init__(self, spec: ModelSpec, config: SpectrogramNetLSTMConfig) -> None:
        n_freqs = config.unet.bottom_freqs(config.stft.n_freqs)
        width = config.unet.widths[-1]
        bottleneck = LSTMBottleneck(width, n_freqs, config.squeezed_width, config.n_hidden, config.n_layers)
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
