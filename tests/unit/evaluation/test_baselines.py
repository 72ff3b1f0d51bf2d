"""The baselines bound what a model can score from below and from above."""

from __future__ import annotations

import torch

from auralflow.dsp.ratios import sdr
from auralflow.evaluation.baselines import mixture, oracle_irm


def _tones() -> torch.Tensor:
    time_s = torch.arange(44100) / 44100
    return torch.stack([torch.sin(2 * torch.pi * hz * time_s)[None] * 0.3 for hz in (220.0, 1760.0)])


def test_the_mixture_is_its_own_estimate() -> None:
    targets = _tones()
    assert torch.equal(mixture(targets.sum(0), targets)[1], targets.sum(0))


def test_an_oracle_separates_what_does_not_overlap() -> None:
    targets = _tones()
    scores = sdr(oracle_irm(targets.sum(0), targets), targets)
    assert (scores > 40).all()
    assert (sdr(mixture(targets.sum(0), targets), targets).abs() < 0.1).all()


def test_an_oracle_cannot_tell_apart_what_overlaps_fully() -> None:
    """Two stems with one spectrum share every bin: the mask is one half."""
    tone = _tones()[:1]
    estimates = oracle_irm(torch.zeros_like(tone[0]) + 2 * tone[0], torch.cat([tone, tone]))
    assert torch.allclose(estimates, torch.cat([tone, tone]), atol=1e-5)


def test_oracle_estimates_sum_to_the_mixture_even_in_silence() -> None:
    targets = torch.cat([_tones(), torch.zeros(1, 1, 44100)])
    targets[..., 20000:30000] = 0
    noise = 0.01 * torch.randn(1, 44100, generator=torch.Generator().manual_seed(0))
    heard = targets.sum(0) + noise
    assert torch.allclose(oracle_irm(heard, targets).sum(0), heard, atol=1e-5)
