"""Bands of a spectrogram become vectors of features, one each, and vectors become masks of the bands again.

Luo and Yu (2023, "Music source separation with band-split RNN", IEEE/ACM TASLP 31). Bands may overlap, as in Wang et
al. (2023, "Mel-band RoFormer for music source separation", arXiv 2310.01809): then a bin's mask is the mean of what
its bands say.

Attributes have the names of public state dicts.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from auralflow.errors import ConfigError
from auralflow.models.blocks.rms_norm import RMSNorm


class BandLayout(nn.Module):
    """Which bins a band has: it lays bands side by side, and averages where they overlap on the way back.

    A bin is in one band or in two; so the mean is that of a first and a second value, which are the same one in most
    bins. It needs no scatter, whose order of addition is not the same on every run on some devices.

    Args:
        bands: the bins of each band.

    Raises:
        ConfigError: a band without bins, or a bin in no band or in more than two.

    Example:
        >>> layout = BandLayout([[0, 1], [1, 2]])
        >>> layout.spread(torch.tensor([1.0, 2.0, 3.0]), dim=0)
        tensor([1., 2., 2., 3.])
        >>> layout.merge(torch.tensor([1.0, 2.0, 4.0, 3.0]), dim=0)
        tensor([1., 3., 3.])
    """

    bins: Tensor
    first: Tensor
    second: Tensor

    def __init__(self, bands: Sequence[Sequence[int]]) -> None:
        super().__init__()
        self.widths = tuple(len(band) for band in bands)
        with torch.device("cpu"):  # the state dict does not have them, so that they are made even for a meta model
            bins = torch.tensor([freq for band in bands for freq in band], dtype=torch.long)
            counts = bins.bincount()
            if not self.widths or min(self.widths) < 1 or not 1 <= counts.min() <= counts.max() <= 2:
                raise ConfigError("bands: expected one or more bins in each, and each bin in one or two of them")
            order, stops = bins.argsort(stable=True), counts.cumsum(0)
            first, second = order[stops - counts], order[stops - 1]
        self.overlaps = len(bins) > len(counts)
        self.register_buffer("bins", bins, persistent=False)
        self.register_buffer("first", first, persistent=False)
        self.register_buffer("second", second, persistent=False)

    def spread(self, spectrum: Tensor, dim: int) -> Tensor:
        """The bins of all bands in line, along the axis `dim`."""
        return spectrum.index_select(dim, self.bins) if self.overlaps else spectrum

    def merge(self, bands: Tensor, dim: int) -> Tensor:
        """One value for each bin, from what its bands say."""
        if not self.overlaps:
            return bands
        return (bands.index_select(dim, self.first) + bands.index_select(dim, self.second)) / 2


class BandFeatures(nn.Module):
    """Each band, normalised, to `n_features` features by a linear layer of its own.

    Args:
        widths: numbers in each band.

    Shape:
        `[batch, frame, freq]`, bands in line, to `[batch, frame, band, feature]`.
    """

    def __init__(self, widths: Sequence[int], n_features: int) -> None:
        super().__init__()
        self.widths = list(widths)
        self.to_features = nn.ModuleList(
            nn.Sequential(RMSNorm(width), nn.Linear(width, n_features)) for width in self.widths
        )

    def forward(self, bands: Float[Tensor, "batch frame freq"]) -> Float[Tensor, "batch frame band feature"]:
        parts = torch.split(bands, self.widths, dim=-1)
        return torch.stack([encode(part) for encode, part in zip(self.to_features, parts, strict=True)], dim=2)


class BandMasks(nn.Module):
    """Features of each band to its complex mask, by linear layers of its own, a tanh between them and a GLU at the end.

    At first masks are near `gain`, real, so that an untrained model gives parts of the mixture itself.

    Args:
        widths: numbers in each band's mask; real and imaginary part alternate.
        n_features: features of a band.
        n_hidden: features between the layers.
        n_layers: linear layers.

    Shape:
        `[batch, frame, band, feature]` to `[batch, frame, freq]`, bands in line.
    """

    def __init__(self, widths: Sequence[int], n_features: int, n_hidden: int, n_layers: int, gain: float = 1.0) -> None:
        super().__init__()
        hidden = [n_hidden] * (n_layers - 1)
        self.to_freqs = nn.ModuleList(
            nn.Sequential(_make_layers([n_features, *hidden, 2 * width], gain), nn.GLU()) for width in widths
        )

    def forward(self, features: Float[Tensor, "batch frame band feature"]) -> Float[Tensor, "batch frame freq"]:
        masks = [decide(band) for decide, band in zip(self.to_freqs, features.unbind(2), strict=True)]
        return torch.cat(masks, dim=-1)


def _make_layers(widths: Sequence[int], gain: float) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), nn.Tanh()]
    last = layers[-2]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.bias[: widths[-1] // 2 : 2] += 2 * gain  # the gate is near 1/2
    return nn.Sequential(*layers[:-1])
