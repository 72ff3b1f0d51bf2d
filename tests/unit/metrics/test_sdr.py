"""Whole-track SDR over channels and time."""

from __future__ import annotations

import math

import torch

from auralflow.metrics import metrics
from auralflow.metrics import sdr as module

sdr = module.sdr


def test_is_found_by_name() -> None:
    assert metrics.load("sdr") is sdr
    assert module.HIGHER_IS_BETTER is True
    assert "Mitsufuji" in module.SOURCE


def test_sums_over_both_channels_before_dividing() -> None:
    """Error energy 2 x 0.01 x 100 in the loud channel alone; the mean of per-channel ratios would be infinite."""
    targets = torch.ones(1, 2, 100, dtype=torch.float64)
    targets[:, 0] *= 3
    estimates = targets.clone()
    estimates[:, 0] += 0.1
    expected = 10 * math.log10((900 + 100) / (100 * 0.01))
    torch.testing.assert_close(sdr(estimates, targets, sample_rate=44100)["sdr"], torch.tensor([expected]).double())


def test_one_number_per_stem_and_nan_for_a_silent_one() -> None:
    generator = torch.Generator().manual_seed(0)
    targets = torch.randn(3, 2, 500, generator=generator)
    targets[1] = 0
    estimates = targets + 0.1 * torch.randn(3, 2, 500, generator=generator)
    scores = sdr(estimates, targets, sample_rate=8000)["sdr"]
    assert scores.shape == (3,)
    assert scores.isnan().tolist() == [False, True, False]
    torch.testing.assert_close(scores[[2, 0]], sdr(estimates[[2, 0]], targets[[2, 0]], sample_rate=8000)["sdr"])
