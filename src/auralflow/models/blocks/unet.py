"""A convolutional U-Net from spectrogram features to masks.

Jansson et al. (2017, "Singing voice separation with deep U-Net convolutional networks") brought the U-Net of
Ronneberger et al. (2015) to spectrograms. Here each level has three 3 x 3 convolutions, as in the first Auralflow:

    features -> [3 conv] ---------------- skip ----------------> [3 conv] -> 1 x 1 -> masks
                    | pool                                up |
                [3 conv] ------------ skip ------------> [3 conv]
                       | pool                       up |
                        ...  [3 conv, bottleneck] ...
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from auralflow.errors import ConfigError


@dataclass(frozen=True)
class UNetConfig:
    """Size and layers of a `MaskUNet`.

    Raises:
        ConfigError: a field has a value it cannot have.
    """

    widths: tuple[int, ...] = (16, 32, 64, 128, 256)
    """Feature maps of each level, from the top down; each level halves the number of bins."""
    n_frame_levels: int = 5
    """Levels, from the top, that halve the number of frames too."""
    activation: Literal["leaky_relu", "selu"] = "leaky_relu"
    """`leaky_relu` with batch normalisation, or `selu`, which normalises itself."""
    dropout: float = 0.1
    """Share of features dropped in training, in the bottleneck and at each level on the way up."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        if not self.widths or min(self.widths) < 1:
            raise ConfigError(f"unet.widths: expected one or more positive whole numbers, got {list(self.widths)}")
        if not 0 <= self.n_frame_levels <= len(self.widths):
            raise ConfigError(
                f"unet.n_frame_levels: expected 0 to {len(self.widths)} (the levels), got {self.n_frame_levels!r}"
            )
        if self.activation not in ("leaky_relu", "selu"):
            raise ConfigError(f"unet.activation: expected 'leaky_relu' or 'selu', got {self.activation!r}")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"unet.dropout: expected 0 to below 1, got {self.dropout!r}")

    @property
    def stride(self) -> tuple[int, int]:
        """Multiples of bins and frames that the network needs."""
        return 2 ** len(self.widths), 2**self.n_frame_levels

    def bottom_freqs(self, n_freqs: int) -> int:
        """Bins left at the bottom of `n_freqs` (padded to the stride) at the top."""
        return -(-n_freqs // self.stride[0])


class MaskUNet(nn.Module):
    """Features of a mixture to one mask per stem and channel, not yet activated.

    Args:
        bottleneck: what stands at the bottom, from (batch, width, freq, frame) to the same; it may return a pair
            `(features, latent)`, and the network then returns `(masks, latent)`.

    Shape:
        `[batch, channel, freq, frame]` to `[batch, stem, channel, freq, frame]`; freq and frame multiples of
        `config.stride`.
    """

    def __init__(self, n_channels: int, n_stems: int, config: UNetConfig, bottleneck: nn.Module | None = None) -> None:
        super().__init__()
        self.n_stems = n_stems
        widths = config.widths
        strides = [(2, 2 if level < config.n_frame_levels else 1) for level in range(len(widths))]
        above = (n_channels, *widths[:-1])
        self.down = nn.ModuleList(_ThreeConvolutions(i, o, config) for i, o in zip(above, widths, strict=True))
        self.pool = nn.ModuleList(nn.MaxPool2d(stride) for stride in strides)
        self.bottom = _ThreeConvolutions(widths[-1], widths[-1], config)
        self.bottleneck = bottleneck or nn.Identity()
        below = (*widths[1:], widths[-1])
        self.unpool = nn.ModuleList(
            nn.ConvTranspose2d(i, o, stride, stride) for i, o, stride in zip(below, widths, strides, strict=True)
        )
        self.up = nn.ModuleList(_ThreeConvolutions(2 * width, width, config) for width in widths)
        self.dropout = nn.AlphaDropout(config.dropout) if config.activation == "selu" else nn.Dropout(config.dropout)
        self.head = nn.Conv2d(widths[0], n_stems * n_channels, 1)

    def forward(
        self, features: Float[Tensor, "batch channel freq frame"]
    ) -> Float[Tensor, "batch stem channel freq frame"] | tuple[Tensor, tuple[Tensor, Tensor]]:
        skips = []
        for convolve, pool in zip(self.down, self.pool, strict=True):
            features = convolve(features)
            skips.append(features)
            features = pool(features)
        output = self.bottleneck(self.dropout(self.bottom(features)))
        features, latent = output if isinstance(output, tuple) else (output, None)
        for convolve, unpool in zip(reversed(self.up), reversed(self.unpool), strict=True):
            features = self.dropout(convolve(torch.cat([unpool(features), skips.pop()], dim=1)))
        masks: Tensor = self.head(features)
        masks = masks.reshape(masks.shape[0], self.n_stems, -1, *masks.shape[2:])
        return masks if latent is None else (masks, latent)


class _ThreeConvolutions(nn.Sequential):
    """Three times 3 x 3 convolution, normalisation where the activation needs it, and the activation."""

    def __init__(self, n_in: int, n_out: int, config: UNetConfig) -> None:
        layers: list[nn.Module] = []
        for n in (n_in, n_out, n_out):
            if config.activation == "selu":
                convolution = nn.Conv2d(n, n_out, 3, padding=1)
                # Self-normalisation holds for weights of variance 1 / inputs (Klambauer et al. 2017).
                nn.init.kaiming_normal_(convolution.weight, nonlinearity="linear")
                layers += [convolution, nn.SELU()]
            else:
                layers += [nn.Conv2d(n, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.LeakyReLU(0.2)]
        super().__init__(*layers)
