"""Loudness of the residual, in LUFS and relative to the target."""

from __future__ import annotations

import math

import pytest
import torch

from auralflow.dsp.loudness import integrated_loudness
from auralflow.metrics.residual_loudness import residual_loudness


def _noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_is_the_loudness_of_the_difference() -> None:
    targets, error = _noise(2, 2, 8000), 0.3 * _noise(2, 2, 8000, seed=1)
    scores = residual_loudness(targets + error, targets, sample_rate=8000)
    torch.testing.assert_close(scores["residual_loudness"], integrated_loudness(error, 8000))
    expected = 20 * math.log10(0.3)
    assert scores["residual_loudness_relative"].tolist() == pytest.approx([expected] * 2, abs=0.2)


def test_edges() -> None:
    """A target below -70 LUFS has no loudness to compare with; an error below it has none to tell."""
    targets = _noise(3, 2, 8000)
    targets[1] *= 1e-4
    targets[2] = 0
    scores = residual_loudness(targets + 0.01, targets, sample_rate=8000)
    assert scores["residual_loudness"].isnan().tolist() == [False, False, True]
    assert scores["residual_loudness_relative"].isnan().tolist() == [False, True, True]
    equal = residual_loudness(targets, targets, sample_rate=8000)
    assert equal["residual_loudness"][:2].tolist() == [-math.inf, -math.inf]
    assert equal["residual_loudness_relative"][0].item() == -math.inf
    short = residual_loudness(targets[..., :3000], targets[..., :3000], sample_rate=8000)
    assert all(values.isnan().all() for values in short.values())
