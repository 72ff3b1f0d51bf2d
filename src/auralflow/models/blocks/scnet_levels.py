"""One level of SCNet on the way down and on the way up.

Tong et al. (2024, "SCNet: sparse compression network for music source separation", arXiv 2401.13276). Attributes have
the names of public state dicts.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from auralflow.models.blocks.scnet_bands import Bands, BandSpread, BandSqueeze


class ConvModule(nn.Module):
    """Layers of gated convolutions along time, each added to its input.

    Args:
        width: features that come in and go out.
        n_hidden: features inside.
        depth: layers.
        kernel: frames that each of a layer's two convolutions sees, odd.

    Shape:
        `[batch, feature, frame]` to the same.
    """

    def __init__(self, width: int, n_hidden: int, depth: int, kernel: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_make_layer(width, n_hidden, kernel) for _ in range(depth))

    def forward(self, features: Float[Tensor, "batch feature frame"]) -> Float[Tensor, "batch feature frame"]:
        for layer in self.layers:
            features = features + layer(features)
        return features


def _make_layer(width: int, n_hidden: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.GroupNorm(1, width),
        nn.Conv1d(width, 2 * n_hidden, kernel, padding=kernel // 2),
        nn.GLU(dim=1),
        nn.Conv1d(n_hidden, n_hidden, kernel, padding=kernel // 2, groups=n_hidden),
        nn.GroupNorm(1, n_hidden),
        nn.SiLU(),
        nn.Conv1d(n_hidden, width, 1),
    )


class LevelDown(nn.Module):
    """Squeeze bands, look along the frames of each of their bins, and mix neighbours.

    Args:
        depths: layers of `ConvModule` in each band.

    Shape:
        `[batch, feature, freq, frame]` to a pair of `[batch, feature, freq, frame]`: what goes further down, and what
        goes straight to the same level on the way up.
    """

    def __init__(
        self, n_in: int, n_out: int, bands: Bands, n_hidden: int, depths: tuple[int, ...], kernel: int
    ) -> None:
        super().__init__()
        self.SDlayer = BandSqueeze(n_in, n_out, bands)
        self.conv_modules = nn.ModuleList(ConvModule(n_out, n_hidden, depth, kernel) for depth in depths)
        self.globalconv = nn.Conv2d(n_out, n_out, 3, padding=1)

    def forward(self, features: Float[Tensor, "batch feature freq frame"]) -> tuple[Tensor, Tensor]:
        bands = zip(self.conv_modules, self.SDlayer(features), strict=True)
        skip = torch.cat([F.gelu(_look_along_time(module, band)) for module, band in bands], dim=2)
        return self.globalconv(skip), skip


def _look_along_time(module: nn.Module, band: Float[Tensor, "batch feature freq frame"]) -> Tensor:
    """Each bin by itself."""
    rows: Tensor = module(band.transpose(1, 2).flatten(0, 1))
    return rows.reshape(band.shape[0], -1, *rows.shape[1:]).transpose(1, 2)


class Fusion(nn.Module):
    """The sum of what comes from below and from the same level on the way down, through a gated convolution.

    Shape:
        two of `[batch, feature, freq, frame]` to the same.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        # Public weights see the sum twice, side by side, which is the sum once with the sum of their halves.
        self.conv = nn.Conv2d(2 * width, 2 * width, 3, padding=1)

    def forward(
        self, features: Float[Tensor, "batch feature freq frame"], skip: Float[Tensor, "batch feature freq frame"]
    ) -> Float[Tensor, "batch feature freq frame"]:
        both = features + skip
        if type(self.conv) is nn.Conv2d:
            first, second = self.conv.weight.chunk(2, dim=1)
            gated = F.conv2d(both, first + second, self.conv.bias, padding=1)
        else:  # something in its place, such as an adapter, whose weights are not known
            gated = self.conv(torch.cat([both, both], dim=1))
        return F.glu(gated, dim=1)


class LevelUp(nn.Sequential):
    """`Fusion`, then bands spread out.

    Shape:
        two of `[batch, feature, freq, frame]` to `[batch, feature, freq, frame]`.
    """

    def __init__(self, n_in: int, n_out: int, bands: Bands) -> None:
        super().__init__(Fusion(n_in), BandSpread(n_in, n_out, bands))

    def forward(self, features: Tensor, skip: Tensor) -> Tensor:  # type: ignore[override]
        fuse, spread = self
        spread_out: Tensor = spread(fuse(features, skip))
        return spread_out
