"""Whole-track SI-SDR with one scale for all channels."""

from __future__ import annotations

import math

import torch

from auralflow.metrics import metrics
from auralflow.metrics import si_sdr as module

si_sdr = module.si_sdr


def test_is_found_by_name() -> None:
    assert metrics.load("si_sdr") is si_sdr
    assert module.HIGHER_IS_BETTER is True
    assert "Le Roux" in module.SOURCE


def test_a_common_gain_is_free_and_a_wrong_balance_is_not() -> None:
    targets = torch.randn(2, 2, 500, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert (si_sdr(0.25 * targets, targets, sample_rate=8000)["si_sdr"] == math.inf).all()
    wrong = targets * torch.tensor([1.0, 0.5], dtype=torch.float64).unsqueeze(1)
    assert (si_sdr(wrong, targets, sample_rate=8000)["si_sdr"] < 12).all()


def test_balance_error_in_closed_form() -> None:
    """Half of the target is missing, so the cosine is sqrt(1/2), which is 0 dB."""
    targets = torch.ones(1, 2, 100)
    estimates = targets.clone()
    estimates[:, 1] = 0
    torch.testing.assert_close(si_sdr(estimates, targets, sample_rate=8000)["si_sdr"], torch.zeros(1))


def test_nan_for_a_silent_stem() -> None:
    targets = torch.randn(2, 1, 500, generator=torch.Generator().manual_seed(1))
    targets[0] = 0
    scores = si_sdr(targets + 0.1, targets, sample_rate=8000)["si_sdr"]
    assert scores.isnan().tolist() == [True, False]
