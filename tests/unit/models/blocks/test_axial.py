"""Transformers along two axes: what hears what, the sum of what came before, and some rows at a time."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor

from auralflow.models.blocks import axial as axial_module
from auralflow.models.blocks.attention import TransformerSizes
from auralflow.models.blocks.axial import AxialTransformer


def _build(depth: int = 1, has_skips: bool = False) -> AxialTransformer:
    torch.manual_seed(0)
    sizes = TransformerSizes(width=4, n_heads=2, head_width=2)
    return AxialTransformer(sizes, depth, time_depth=1, freq_depth=2, has_skips=has_skips).double()


def _noise() -> Tensor:
    return torch.randn(2, 5, 3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def _heard(axial: AxialTransformer) -> Tensor:
    """Which frames and bands the output at frame 2, band 1 of the first item hears."""
    features = _noise().requires_grad_()
    axial(features)[0, 2, 1].square().sum().backward()
    return features.grad.abs().sum(-1) > 0


def test_time_hears_along_its_band_and_frequency_along_its_frame() -> None:
    for silenced, expected in (
        (1, [[0, 1, 0]] * 5),
        (0, [[0, 0, 0]] * 2 + [[1, 1, 1]] + [[0, 0, 0]] * 2),
    ):
        axial = _build()
        for layer in axial[0][silenced].layers:
            torch.nn.init.zeros_(layer[0].to_out[0].weight)
        heard = _heard(axial)
        assert heard[0].long().tolist() == expected
        assert not heard[1].any()


def test_both_together_hear_everything_of_their_item() -> None:
    heard = _heard(_build())
    assert heard[0].all()
    assert not heard[1].any()


def test_pairs_follow_each_other() -> None:
    axial, features = _build(depth=2), _noise()
    expected = features
    for along_time, along_freq in axial:
        for band in range(3):
            expected = expected.clone()
            expected[:, :, band] = along_time(expected[:, :, band])
        for frame in range(5):
            expected = expected.clone()
            expected[:, frame] = along_freq(expected[:, frame])
    torch.testing.assert_close(axial(features), expected)


def test_skips_add_what_all_pairs_before_gave() -> None:
    axial, features = _build(depth=3, has_skips=True), _noise()
    given: list[Tensor] = []
    for pair in axial:
        taken = sum(given, given[-1]) if given else features
        alone = _build()
        alone[0] = pair
        given.append(alone(taken))
    torch.testing.assert_close(axial(features), given[-1])
    assert (axial(features) - _build(depth=3)(features)).abs().max() > 1e-2


@pytest.mark.parametrize("piece", [1, 7 * 5 * 16, 2**19], ids=["a row", "some rows", "all rows"])
@pytest.mark.parametrize("is_half", [False, True])
def test_pieces_give_what_all_rows_together_give(monkeypatch: pytest.MonkeyPatch, piece: int, is_half: bool) -> None:
    torch.manual_seed(0)
    transformer = AxialTransformer(TransformerSizes(16, 2, 8), 2, time_depth=1, freq_depth=1, has_skips=True).eval()
    monkeypatch.setattr(axial_module, "_PIECE", piece)
    features = torch.randn(2, 7, 11, 16)
    expected = transformer(features).detach()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16) if is_half else nullcontext():
        found = transformer(features)
    error = float((found - expected).norm() / expected.norm())
    assert error < (1e-2 if is_half else 1e-6)
    assert (error > 1e-4) is is_half
