"""Transformers along two axes: at inference some rows at a time, and the same features."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch

from auralflow.models.blocks import axial
from auralflow.models.blocks.attention import TransformerSizes
from auralflow.models.blocks.axial import AxialTransformer


@pytest.mark.parametrize("piece", [1, 7 * 5 * 16, 2**19], ids=["a row", "some rows", "all rows"])
@pytest.mark.parametrize("is_half", [False, True])
def test_pieces_give_what_all_rows_together_give(monkeypatch: pytest.MonkeyPatch, piece: int, is_half: bool) -> None:
    torch.manual_seed(0)
    transformer = AxialTransformer(TransformerSizes(16, 2, 8), 2, time_depth=1, freq_depth=1, has_skips=True).eval()
    monkeypatch.setattr(axial, "_PIECE", piece)
    features = torch.randn(2, 7, 11, 16)
    expected = transformer(features).detach()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16) if is_half else nullcontext():
        found = transformer(features)
    error = float((found - expected).norm() / expected.norm())
    assert error < (1e-2 if is_half else 1e-6)
    assert (error > 1e-4) is is_half
