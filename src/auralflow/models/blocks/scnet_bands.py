"""Convolutions along frequency that squeeze bands of bins each by its own factor, and spread them out again.

Tong et al. (2024, "SCNet: sparse compression network for music source separation", arXiv 2401.13276): low bins, where
most of the music is, stay as they are; the higher a band, the more of its bins become one.

Attributes have the names of public state dicts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Bands:
    """How a level cuts its bins into bands and squeezes them.

    Example:
        >>> bands = Bands.cut(20, shares=(0.3, 0.7), strides=(1, 4), kernels=(3, 4))
        >>> bands.widths, bands.squeezed, bands.paddings
        ((6, 14), (6, 4), (2, 2))
    """

    widths: tuple[int, ...]
    """Bins of each band, from low to high."""
    strides: tuple[int, ...]
    """So many of them become one."""
    kernels: tuple[int, ...]
    """So many of them that one is made of."""

    @classmethod
    def cut(cls, n_freqs: int, shares: Sequence[float], strides: Sequence[int], kernels: Sequence[int]) -> Bands:
        """Bands of `n_freqs` bins that begin where the shares before them end, rounded up; the last one takes the
        rest."""
        starts = [0, *(ceil(n_freqs * share) for share in accumulate(shares[:-1]))]
        widths = tuple(stop - start for start, stop in zip(starts, [*starts[1:], n_freqs], strict=True))
        return cls(widths, tuple(strides), tuple(kernels))

    @property
    def squeezed(self) -> tuple[int, ...]:
        """Bins of each band when squeezed."""
        return tuple(-(-width // stride) for width, stride in zip(self.widths, self.strides, strict=True))

    @property
    def paddings(self) -> tuple[int, ...]:
        """Zeros that a band needs, half of them below it, for its kernels to fit; cut off when it is spread out."""
        sizes = zip(self.squeezed, self.strides, self.kernels, self.widths, strict=True)
        return tuple((n - 1) * stride + kernel - width for n, stride, kernel, width in sizes)


class BandSqueeze(nn.Module):
    """A convolution with a stride along the bins of each band.

    Shape:
        `[batch, feature, freq, frame]` to a list of `[batch, feature, freq, frame]`, one for each band.
    """

    def __init__(self, n_in: int, n_out: int, bands: Bands) -> None:
        super().__init__()
        self.bands = bands
        self.convs = nn.ModuleList(
            nn.Conv2d(n_in, n_out, (kernel, 1), (stride, 1))
            for kernel, stride in zip(bands.kernels, bands.strides, strict=True)
        )

    def forward(self, features: Float[Tensor, "batch feature freq frame"]) -> list[Tensor]:
        bands = torch.split(features, list(self.bands.widths), dim=2)
        padded = (_pad(band, missing) for band, missing in zip(bands, self.bands.paddings, strict=True))
        return [conv(band) for conv, band in zip(self.convs, padded, strict=True)]


class BandSpread(nn.Module):
    """The transposed convolution of each squeezed band, to as many bins as it had.

    Shape:
        `[batch, feature, freq, frame]`, squeezed bands in line, to `[batch, feature, freq, frame]`.
    """

    def __init__(self, n_in: int, n_out: int, bands: Bands) -> None:
        super().__init__()
        self.bands = bands
        self.convtrs = nn.ModuleList(
            nn.ConvTranspose2d(n_in, n_out, (kernel, 1), (stride, 1))
            for kernel, stride in zip(bands.kernels, bands.strides, strict=True)
        )

    def forward(self, features: Float[Tensor, "batch feature freq frame"]) -> Float[Tensor, "batch out freq_out frame"]:
        squeezed = torch.split(features, list(self.bands.squeezed), dim=2)
        spread = (convolve(band) for convolve, band in zip(self.convtrs, squeezed, strict=True))
        sizes = zip(spread, self.bands.paddings, self.bands.widths, strict=True)
        return torch.cat([band.narrow(2, missing // 2, width) for band, missing, width in sizes], dim=2)


def _pad(band: Float[Tensor, "batch feature freq frame"], missing: int) -> Float[Tensor, "batch feature padded frame"]:
    return F.pad(band, (0, 0, missing // 2, missing - missing // 2))
