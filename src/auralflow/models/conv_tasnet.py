"""ConvTasNet: masks on a learned basis of short filters take the place of masks on a spectrogram.

Origin: Luo and Mesgarani (2019, "Conv-TasNet: surpassing ideal time-frequency magnitude masking for speech separation",
IEEE/ACM TASLP 27(8)), for music as in Défossez et al. (2019, "Music source separation in the waveform domain"): the
filters see all channels at once, and there is a mask for each stem of the spec.

    mixture --encoder (convolution, ReLU)--> features --norm, 1x1, temporal network, 1x1, activation--> masks
                                                |                                                         |
                                                +------------------- masks * features <-------------------+
                                                                            |
                                                     decoder (transposed convolution) --> stems

Masks come from normalised features, and nothing on the way of the signal has a bias: the stems follow the level of the
mixture, and silence gives exact zeros. That way stays in float32 under autocast; only masks are computed in less.

Shape:
    `[batch, channel, time]` to `[batch, stem, channel, time]`; in between features of `[batch, feature, frame]` and
    masks of `[batch, stem, feature, frame]`.

The default has 5,264,433 parameters. It is the paper's best network, with filters about as long in time at 44100 Hz (80
samples, 1.8 ms) as 16 are at the paper's 8000 Hz.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from auralflow.errors import ConfigError
from auralflow.models.blocks.norms import Norm, make_norm
from auralflow.models.blocks.temporal import TemporalConvNet
from auralflow.models.blocks.waveform import check_mixture
from auralflow.spec import ModelSpec


@dataclass(frozen=True)
class ConvTasNetConfig:
    """Options of `ConvTasNet`; the letters are those of the paper.

    Raises:
        ConfigError: a field has a value it cannot have, or `causal` with global normalisation.
    """

    n_filters: int = 512
    """Filters of the encoder and of the decoder (N)."""
    filter_samples: int = 80
    """Length of a filter, even; they are placed every half of it (L)."""
    n_bottleneck: int = 128
    """Features that the blocks hand on (B)."""
    n_hidden: int = 512
    """Features inside a block (H)."""
    n_skip: int = 128
    """Features that every block sends straight to the masks (Sc); 0 makes the masks from the last block alone."""
    kernel: int = 3
    """Frames that the convolution of a block sees, odd (P)."""
    n_blocks: int = 8
    """Blocks of one repeat, with dilations 1, 2, 4, ... (X)."""
    n_repeats: int = 3
    """Repeats of all blocks (R)."""
    norm: Norm = "global"
    """Frames that features are normalised over: global (all) or cumulative (those so far)."""
    causal: bool = False
    """Look at no later frame; needs cumulative normalisation."""
    mask: Literal["sigmoid", "relu"] = "sigmoid"
    """Range of the masks: sigmoid (0 to 1) or relu (0 and up)."""
    encoder_activation: Literal["relu", "none"] = "relu"
    """What follows the encoder's filters: relu (features are never negative) or none."""

    def __post_init__(self) -> None:
        for name in ("n_filters", "n_bottleneck", "n_hidden", "n_blocks", "n_repeats"):
            if getattr(self, name) < 1:
                raise ConfigError(f"config.{name}: expected 1 or more, got {getattr(self, name)!r}")
        if self.n_skip < 0:
            raise ConfigError(f"config.n_skip: expected 0 or more, got {self.n_skip!r}")
        if self.filter_samples < 2 or self.filter_samples % 2:
            raise ConfigError(f"config.filter_samples: expected an even number, 2 or more, got {self.filter_samples!r}")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ConfigError(f"config.kernel: expected an odd number, 1 or more, got {self.kernel!r}")
        self._check_choices()

    def _check_choices(self) -> None:
        choices = {
            "norm": ("global", "cumulative"),
            "mask": ("sigmoid", "relu"),
            "encoder_activation": ("relu", "none"),
        }
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise ConfigError(f"config.{name}: expected '{known[0]}' or '{known[1]}', got {getattr(self, name)!r}")
        if self.causal and self.norm != "cumulative":
            raise ConfigError("config.norm: expected 'cumulative' for a causal model, got 'global', which hears all")

    @property
    def hop_samples(self) -> int:
        """Distance of neighbouring frames."""
        return self.filter_samples // 2

    @property
    def reach_samples(self) -> int:
        """How far an output sample looks to either side (causal: back), what the normalisation hears left aside.

        In each repeat a frame sees `(kernel - 1) / 2 * (1 + 2 + 4 + ...)` frames to either side, or twice as many back.
        The frames that hold a sample begin up to L - 1 before it, and end L - 1 after they begin.
        """
        aside = (self.kernel - 1) // (1 if self.causal else 2)
        n_frames = self.n_repeats * sum(aside << block for block in range(self.n_blocks))
        return n_frames * self.hop_samples + self.filter_samples - 1


# The context is the reach of the convolutions (0.7 s). The global statistics hear the whole segment, but are means over
# so many frames that a shift of it changes them little.
SPEC = ModelSpec(
    ("vocals", "drums", "bass", "other"),
    44100,
    2,
    segment_samples=6 * 44100,
    context_samples=ConvTasNetConfig().reach_samples,
)
TINY = ConvTasNetConfig(n_filters=24, filter_samples=16, n_bottleneck=8, n_hidden=12, n_skip=6, n_blocks=3, n_repeats=2)


class ConvTasNet(nn.Module):
    """Masks on a learned basis; see the head of this file.

    Raises:
        ConfigError: the spec promises a latency, and so a stream.
        ShapeError: another number of channels than `spec.channels` (when called).
    """

    def __init__(self, spec: ModelSpec, config: ConvTasNetConfig) -> None:
        super().__init__()
        _check_latency(spec)
        self.spec, self.config = spec, config
        n_filters, n_stems = config.n_filters, len(spec.stems)
        length, hop = config.filter_samples, config.hop_samples
        self.encoder = nn.Conv1d(spec.channels, n_filters, length, hop, bias=False)
        self.normalise = make_norm(config.norm, n_filters)
        self.bottleneck = nn.Conv1d(n_filters, config.n_bottleneck, 1)
        self.temporal = TemporalConvNet(
            config.n_bottleneck,
            config.n_hidden,
            config.n_skip,
            kernel=config.kernel,
            n_blocks=config.n_blocks,
            n_repeats=config.n_repeats,
            norm=config.norm,
            causal=config.causal,
        )
        self.head = nn.Sequential(nn.PReLU(), nn.Conv1d(self.temporal.n_out, n_stems * n_filters, 1))
        self.decoder = nn.ConvTranspose1d(n_filters, spec.channels, length, hop, bias=False)

    def forward(self, mixture: Float[Tensor, "batch channel time"]) -> Float[Tensor, "batch stem channel time"]:
        check_mixture(mixture, self.spec)
        features = self.encode(mixture)
        stems = self.decode(self.compute_masks(features) * features.unsqueeze(1), mixture.shape[-1])
        return stems.to(mixture.dtype)

    def encode(self, mixture: Float[Tensor, "batch channel time"]) -> Float[Tensor, "batch feature frame"]:
        """Features of frames that begin one hop before the mixture; each sample is in two of them."""
        n_samples, hop = mixture.shape[-1], self.config.hop_samples
        n_hops = -(-n_samples // hop)
        with torch.autocast(mixture.device.type, enabled=False):
            padded = F.pad(mixture.to(self.encoder.weight.dtype), (hop, (n_hops + 1) * hop - n_samples))
            features: Tensor = self.encoder(padded)
            return features.relu() if self.config.encoder_activation == "relu" else features

    def compute_masks(
        self, features: Float[Tensor, "batch feature frame"]
    ) -> Float[Tensor, "batch stem feature frame"]:
        """A mask for each stem, feature and frame."""
        narrow = self.bottleneck(self.normalise(features)).to(features.dtype)
        masks: Tensor = self.head(self.temporal(narrow))
        masks = masks.reshape(masks.shape[0], len(self.spec.stems), *features.shape[1:])
        return masks.sigmoid() if self.config.mask == "sigmoid" else masks.relu()

    def decode(
        self, features: Float[Tensor, "batch stem feature frame"], n_samples: int
    ) -> Float[Tensor, "batch stem channel time"]:
        """Overlap-add of the decoder's filters, cut to the samples that `encode` saw."""
        hop = self.config.hop_samples
        with torch.autocast(features.device.type, enabled=False):
            padded: Tensor = self.decoder(features.flatten(0, 1))
        stems = padded[..., hop : hop + n_samples]
        return stems.reshape(*features.shape[:2], self.spec.channels, n_samples)


def _check_latency(spec: ModelSpec) -> None:
    if spec.latency_samples is not None:
        raise ConfigError(
            f"spec.latency_samples: expected None, got {spec.latency_samples}; conv_tasnet has no step for streams, "
            "even where it is causal: take spectrogram_net_causal"
        )
