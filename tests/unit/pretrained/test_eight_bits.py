"""Weights in eight bits: how far they are from those they were, how small they are, and that others are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from auralflow.errors import CheckpointError
from auralflow.models.spectrogram_net_octave import SPEC, TINY, SpectrogramNetOctave
from auralflow.pretrained.bundle import (
    WEIGHTS,
    BundleDescription,
    load_bundle,
    read_description,
    save_bundle,
    write_bundle,
)
from auralflow.pretrained.eight_bits import shrink, widen


def test_a_matrix_is_off_by_half_a_step_of_its_row_at_most() -> None:
    torch.manual_seed(0)
    rows = torch.randn(8, 40) * torch.logspace(-4, 2, 8)[:, None]
    widened = widen(shrink({"weight": rows}))["weight"]
    steps = rows.abs().amax(1, keepdim=True) / 127
    assert ((widened - rows).abs() / steps).max() < 0.57  # half a step, and what half precision rounds of 127 scales


def test_zeros_stay_zeros_and_whole_numbers_stay_as_they_are() -> None:
    state = {"zeros": torch.zeros(3, 20), "count": torch.tensor(7), "table": torch.arange(12).reshape(3, 4)}
    widened = widen(shrink(state))
    assert all(torch.equal(widened[name], state[name]) for name in state)


def test_a_short_kernel_has_one_scale_for_each_output() -> None:
    assert shrink({"weight": torch.randn(6, 5, 3, 3)})["weight.scale"].shape == (6, 1, 1, 1)


def test_a_state_that_was_never_shrunk_is_not_touched() -> None:
    state = {"layer.weight": torch.randn(3, 20), "layer.scale": torch.randn(3), "layer.weight.scale": torch.ones(1)}
    widened = widen(state)
    assert widened.keys() == state.keys()
    assert all(widened[name] is state[name] for name in state)


def test_a_scale_that_is_missing_is_named() -> None:
    shrunk = shrink({"weight": torch.randn(2, 20)})
    del shrunk["weight.scale"]
    with pytest.raises(CheckpointError, match=r"weight\.scale"):
        widen(shrunk)


def test_a_bundle_in_eight_bits_is_a_quarter_and_separates_alike(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = SpectrogramNetOctave(SPEC, TINY).eval()
    save_bundle(model, tmp_path / "full", architecture="spectrogram_net_octave", config=TINY)
    description: BundleDescription = read_description(tmp_path / "full")
    write_bundle(tmp_path / "small", description, shrink(model.state_dict()))
    small: nn.Module = load_bundle(tmp_path / "small")
    assert next(small.parameters()).dtype == torch.float32
    mixture = torch.randn(1, 2, 8192)
    with torch.inference_mode():
        wanted, got = model(mixture), small(mixture)
    assert (got - wanted).square().sum() < 1e-4 * wanted.square().sum()
    sizes = [(tmp_path / name / WEIGHTS).stat().st_size for name in ("small", "full")]
    assert sizes[0] < 0.55 * sizes[1]  # of so tiny a net, names and scales are a large part
