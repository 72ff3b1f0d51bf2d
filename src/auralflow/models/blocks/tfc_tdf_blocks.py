"""Blocks of TFC-TDF networks: convolutions over frames and bins, and dense layers over all bins of a frame.

Choi et al. (2020, "Investigating U-Nets with various intermediate blocks for spectrogram-based singing voice
separation", arXiv 1912.02591), residual as in Kim et al. (2023, "Sound demixing challenge 2023 music demixing track
technical report: TFC-TDF-UNet v3", arXiv 2306.09382).

Attributes have the names of public state dicts. Frames come before bins, so that a dense layer is over the last axis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn


@dataclass(frozen=True)
class TFCTDFSizes:
    """What all blocks of a network have in common."""

    n_blocks: int
    """Blocks of one `TFCTDFStack`."""
    bottleneck: int
    """Factor by which the two dense layers of a block have fewer bins between them."""
    stride: tuple[int, int]
    """Frames and bins that become one from scale to scale."""
    make_norm: Callable[[int], nn.Module]
    """Normalisation of so many features."""
    make_activation: Callable[[], nn.Module]

    def before(self, width: int, layer: nn.Module) -> tuple[nn.Module, nn.Module, nn.Module]:
        """Every layer comes after a normalisation and an activation."""
        return self.make_norm(width), self.make_activation(), layer


class TFCTDFBlock(nn.Module):
    """Convolution, dense layers added to it, convolution; and the input, by a convolution of one point, added to that.

    Shape:
        `[batch, feature, frame, freq]` to the same, with `n_out` features.
    """

    def __init__(self, n_in: int, n_out: int, n_freqs: int, sizes: TFCTDFSizes) -> None:
        super().__init__()
        n_between = n_freqs // sizes.bottleneck
        self.tfc1 = nn.Sequential(*sizes.before(n_in, nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)))
        self.tdf = nn.Sequential(
            *sizes.before(n_out, nn.Linear(n_freqs, n_between, bias=False)),
            *sizes.before(n_out, nn.Linear(n_between, n_freqs, bias=False)),
        )
        self.tfc2 = nn.Sequential(*sizes.before(n_out, nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)))
        self.shortcut = nn.Conv2d(n_in, n_out, 1, bias=False)

    def forward(self, features: Float[Tensor, "batch feature frame freq"]) -> Float[Tensor, "batch out frame freq"]:
        near = self.tfc1(features)
        changed: Tensor = self.tfc2(near + self.tdf(near)) + self.shortcut(features)
        return changed


class TFCTDFStack(nn.Module):
    """`TFCTDFBlock` a few times.

    Shape:
        `[batch, feature, frame, freq]` to the same, with `n_out` features.
    """

    def __init__(self, n_in: int, n_out: int, n_freqs: int, sizes: TFCTDFSizes) -> None:
        super().__init__()
        widths = (n_in, *(n_out for _ in range(sizes.n_blocks - 1)))
        self.blocks = nn.ModuleList(TFCTDFBlock(width, n_out, n_freqs, sizes) for width in widths)

    def forward(self, features: Float[Tensor, "batch feature frame freq"]) -> Float[Tensor, "batch out frame freq"]:
        for block in self.blocks:
            features = block(features)
        return features


class Rescale(nn.Module):
    """To the next scale down (several points become one), or up.

    Shape:
        `[batch, feature, frame, freq]` to the same, with `n_out` features.
    """

    def __init__(self, n_in: int, n_out: int, sizes: TFCTDFSizes, *, is_up: bool) -> None:
        super().__init__()
        kind = nn.ConvTranspose2d if is_up else nn.Conv2d
        self.conv = nn.Sequential(*sizes.before(n_in, kind(n_in, n_out, sizes.stride, sizes.stride, bias=False)))

    def forward(self, features: Float[Tensor, "batch feature frame freq"]) -> Float[Tensor, "batch out frames freqs"]:
        changed: Tensor = self.conv(features)
        return changed


class ScaleDown(nn.Module):
    """A scale on the way down.

    Shape:
        `[batch, feature, frame, freq]` to a pair: what goes further down, and what goes to the same scale on
        the way up.
    """

    def __init__(self, width: int, n_below: int, n_freqs: int, sizes: TFCTDFSizes) -> None:
        super().__init__()
        self.tfc_tdf = TFCTDFStack(width, width, n_freqs, sizes)
        self.downscale = Rescale(width, n_below, sizes, is_up=False)

    def forward(self, features: Float[Tensor, "batch feature frame freq"]) -> tuple[Tensor, Tensor]:
        skip = self.tfc_tdf(features)
        return self.downscale(skip), skip


class ScaleUp(nn.Module):
    """A scale on the way up; what comes from the way down stands beside what comes from below.

    Shape:
        two of `[batch, feature, frame, freq]` to one of the size of the second.
    """

    def __init__(self, width: int, n_below: int, n_freqs: int, sizes: TFCTDFSizes) -> None:
        super().__init__()
        self.upscale = Rescale(n_below, width, sizes, is_up=True)
        self.tfc_tdf = TFCTDFStack(2 * width, width, n_freqs, sizes)

    def forward(
        self, features: Float[Tensor, "batch below frames freqs"], skip: Float[Tensor, "batch feature frame freq"]
    ) -> Float[Tensor, "batch feature frame freq"]:
        changed: Tensor = self.tfc_tdf(torch.cat([self.upscale(features), skip], dim=1))
        return changed
