"""Parity with torchmetrics, where it gives the field's number; skipped where it is not installed."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import torch
from torch import Tensor

from auralflow.metrics.sdr import sdr
from auralflow.metrics.si_sdr import si_sdr
from auralflow.metrics.snr import snr

pytest.importorskip("torchmetrics")


@pytest.fixture(scope="module")
def audio() -> Any:
    return importlib.import_module("torchmetrics.functional.audio")


def _make_pair(offset: float) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    targets = 0.1 * torch.randn(4, 2, 8000, generator=generator, dtype=torch.float64) + offset
    gains = torch.tensor([0.02, 0.3, 1.0, 2.0])[:, None, None]
    return 0.7 * targets + gains * 0.1 * torch.randn(4, 2, 8000, generator=generator, dtype=torch.float64), targets


@pytest.mark.parametrize("offset", [0.0, 0.2])
def test_same_ratios(audio: Any, offset: float) -> None:
    estimates, targets = _make_pair(offset)
    laid_out = estimates.flatten(1), targets.flatten(1)
    assert_close = torch.testing.assert_close
    assert_close(
        sdr(estimates, targets, sample_rate=44100)["sdr"], audio.signal_noise_ratio(*laid_out), atol=1e-9, rtol=0
    )
    expected = audio.scale_invariant_signal_distortion_ratio(*laid_out)
    assert_close(si_sdr(estimates, targets, sample_rate=44100)["si_sdr"], expected, atol=1e-9, rtol=0)
    expected = audio.signal_noise_ratio(estimates, targets).mean(-1)
    assert_close(snr(estimates, targets, sample_rate=44100)["snr"], expected, atol=1e-9, rtol=0)
