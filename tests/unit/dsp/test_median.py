"""The running median against a plain sort, and the laws of a median."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from auralflow.dsp.median import running_median


def _noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def _by_sorting(x: Tensor, length: int, dim: int) -> Tensor:
    half = length // 2
    n_places = x.shape[dim]
    windows = [
        x.index_select(dim, (torch.arange(n_places) + shift).clamp(0, n_places - 1)) for shift in range(-half, half + 1)
    ]
    return torch.stack(windows).sort(0).values[half]


@pytest.mark.parametrize("length", [1, 3, 5, 7, 9, 11, 13, 17, 21, 31, 33, 55])
@pytest.mark.parametrize("dim", [-1, -2])
def test_equals_a_sort(length: int, dim: int) -> None:
    x = _noise(2, 40, 150)
    assert torch.equal(running_median(x, length, dim), _by_sorting(x, length, dim))


@pytest.mark.parametrize("shape", [(1, 1), (5, 1), (1, 7), (3, 2), (2, 3, 4, 129)])
@pytest.mark.parametrize("dim", [-1, -2])
def test_a_window_may_be_longer_than_the_spectrogram(shape: tuple[int, ...], dim: int) -> None:
    x = _noise(*shape)
    assert torch.equal(running_median(x, 17, dim), _by_sorting(x, 17, dim))


def test_memory_layout_does_not_matter() -> None:
    x = _noise(2, 90, 60)
    turned = x.transpose(-1, -2).contiguous().transpose(-1, -2)
    for dim in (-1, -2):
        assert torch.equal(running_median(turned, 9, dim), running_median(x, 9, dim))


def test_even_length_counts_as_the_next_odd_one() -> None:
    x = _noise(1, 20, 30)
    assert torch.equal(running_median(x, 6, -1), running_median(x, 7, -1))


def test_commutes_with_any_rising_function() -> None:
    x = _noise(1, 30, 50)
    torch.testing.assert_close(running_median(x.exp(), 9, -2), running_median(x, 9, -2).exp(), rtol=0, atol=0)


def test_a_line_along_the_window_survives_and_one_across_it_vanishes() -> None:
    x = torch.zeros(1, 31, 41)
    x[:, 12] = 1
    assert torch.equal(running_median(x, 9, -1), x)
    assert torch.equal(running_median(x, 9, -2), torch.zeros_like(x))


def test_no_frames() -> None:
    assert running_median(torch.zeros(2, 5, 0), 7, -1).shape == (2, 5, 0)
