"""Levels of SCNet: what looks along what, and the fusion's two ways."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from auralflow.models.blocks.scnet_bands import Bands
from auralflow.models.blocks.scnet_levels import Fusion, LevelDown, LevelUp

BANDS = Bands.cut(20, (0.3, 0.7), (1, 4), (3, 4))


def _noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_convolutions_look_along_the_frames_of_each_bin() -> None:
    torch.manual_seed(0)
    level = LevelDown(2, 8, BANDS, n_hidden=3, depths=(1, 2), kernel=3).double()
    features = _noise(2, 2, 20, 7)
    bands = level.SDlayer(features)
    _, skip = level(features)
    for freq in range(10):
        band, inner = (0, freq) if freq < 6 else (1, freq - 6)
        row = level.conv_modules[band](bands[band][:, :, inner])
        torch.testing.assert_close(skip[:, :, freq], nn.functional.gelu(row))


def test_what_goes_down_and_comes_up_fits() -> None:
    torch.manual_seed(0)
    down = LevelDown(2, 8, BANDS, n_hidden=2, depths=(1, 1), kernel=3).double()
    up = LevelUp(8, 6, BANDS).double()
    below, skip = down(_noise(2, 2, 20, 7))
    assert below.shape == skip.shape == (2, 8, 10, 7)
    assert up(below, skip).shape == (2, 6, 20, 7)


def test_fusion_is_the_sum_twice_through_a_gated_convolution() -> None:
    torch.manual_seed(0)
    fusion, one, other = Fusion(4).double(), _noise(2, 4, 5, 6), _noise(2, 4, 5, 6).flip(0)
    expected = nn.functional.glu(fusion.conv((one + other).repeat(1, 2, 1, 1)), dim=1)
    torch.testing.assert_close(fusion(one, other), expected)
    replaced = copy.deepcopy(fusion)
    replaced.conv = nn.Sequential(fusion.conv)
    torch.testing.assert_close(replaced(one, other), expected)
