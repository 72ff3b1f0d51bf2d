"""Bands of SCNet: no bin is lost or comes twice, and a band hears itself only."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from auralflow.models.blocks.scnet_bands import Bands, BandSpread, BandSqueeze

PAPER = {"shares": (0.175, 0.392, 0.433), "strides": (1, 4, 16), "kernels": (3, 4, 16)}


def _noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_bands_of_the_paper_at_each_level() -> None:
    """2049 bins: 17.5 % are 358.6, 56.7 % are 1161.8; squeezed by 1, 4, 16 they are 616, and so on."""
    first = Bands.cut(2049, **PAPER)
    assert (first.widths, first.squeezed, first.paddings) == ((359, 803, 887), (359, 201, 56), (2, 1, 9))
    second = Bands.cut(616, **PAPER)
    assert (second.widths, second.squeezed) == ((108, 242, 266), (108, 61, 17))
    third = Bands.cut(186, **PAPER)
    assert (third.widths, third.squeezed) == ((33, 73, 80), (33, 19, 5))


@pytest.mark.parametrize("shares", [(1.0,), (0.3, 0.7), (0.25, 0.25, 0.25, 0.25), (0.1, 0.2, 0.7)])
def test_bands_make_up_all_bins(shares: tuple[float, ...]) -> None:
    for n_freqs in range(20, 60):
        bands = Bands.cut(n_freqs, shares, (1, 2, 3, 4)[: len(shares)], (1, 2, 3, 4)[: len(shares)])
        assert sum(bands.widths) == n_freqs
        assert min(bands.widths) > 0
        for share, width in zip(shares, bands.widths, strict=True):
            assert abs(width - share * n_freqs) < 1 + 1e-9


@pytest.mark.parametrize("kernels", [(1, 2, 5), (3, 2, 5), (4, 5, 7)])
@pytest.mark.parametrize("n_freqs", [10, 21, 33])
def test_spreading_undoes_squeezing(kernels: tuple[int, ...], n_freqs: int) -> None:
    """With a feature for each bin that becomes one: space becomes depth, and back."""
    bands = Bands.cut(n_freqs, (0.3, 0.3, 0.4), (1, 2, 5), kernels)
    squeeze, spread = BandSqueeze(1, 5, bands).double(), BandSpread(5, 1, bands).double()
    with torch.no_grad():
        for down, up, stride, kernel in zip(squeeze.convs, spread.convtrs, bands.strides, bands.kernels, strict=True):
            for parameter in (*down.parameters(), *up.parameters()):
                parameter.zero_()
            first = (kernel - stride) // 2
            for tap in range(stride):
                down.weight[tap, 0, first + tap] = up.weight[tap, 0, first + tap] = 1
    features = _noise(2, 1, n_freqs, 3)
    squeezed = squeeze(features)
    assert tuple(band.shape[2] for band in squeezed) == bands.squeezed
    torch.testing.assert_close(spread(torch.cat(squeezed, dim=2)), features, rtol=0, atol=0)


def test_a_band_hears_itself_only() -> None:
    bands = Bands.cut(40, (0.2, 0.3, 0.5), (1, 2, 4), (3, 2, 4))
    squeeze, features = BandSqueeze(2, 3, bands).double(), _noise(1, 2, 40, 3)
    before = squeeze(features)
    features[:, :, 8:20] += 1
    for number, (band, changed) in enumerate(zip(before, squeeze(features), strict=True)):
        assert torch.equal(band, changed) == (number != 1)
