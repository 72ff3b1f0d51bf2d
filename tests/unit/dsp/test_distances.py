"""Distances of spectrograms: known values, and what silence and level do to them."""

from __future__ import annotations

import math

import pytest
import torch

from auralflow.dsp.distances import LOG_FLOOR, SILENCE, amplitudes, log_distance, relative_l1, spectral_convergence
from auralflow.dsp.stft import STFTConfig


def _random(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.1


ESTIMATES, TARGETS = _random(0, 5, 3, 2, 9, 7), _random(1, 5, 3, 2, 9, 7)
RELATIVE = [relative_l1, spectral_convergence]


@pytest.mark.parametrize("config", [STFTConfig(256, 64), STFTConfig(1024, 256)], ids=str)
def test_amplitudes_of_noise_keep_its_root_mean_square(config: STFTConfig) -> None:
    noise = 0.3 * torch.randn(200_000, generator=torch.Generator().manual_seed(0))
    assert amplitudes(noise, config).square().mean().sqrt().item() == pytest.approx(0.3, rel=0.02)


def test_convergence_of_one_stem_is_the_ratio_of_norms() -> None:
    estimate, target = ESTIMATES[0, :1], TARGETS[0, :1]
    expected = torch.linalg.norm((estimate - target).flatten()) / torch.linalg.norm(target.flatten())
    torch.testing.assert_close(spectral_convergence(estimate, target), expected.unsqueeze(0))


def test_relative_l1_is_the_ratio_of_sums() -> None:
    ratio = relative_l1(ESTIMATES, TARGETS).mean(-1)
    torch.testing.assert_close(ratio, (ESTIMATES - TARGETS).abs().sum((1, 2, 3, 4)) / TARGETS.sum((1, 2, 3, 4)))


@pytest.mark.parametrize("distance", RELATIVE)
def test_relative_distances_do_not_hear_the_level(distance) -> None:
    torch.testing.assert_close(distance(0.1 * ESTIMATES, 0.1 * TARGETS), distance(ESTIMATES, TARGETS))


@pytest.mark.parametrize("distance", RELATIVE)
def test_a_silent_stem_is_scored_beside_the_others(distance) -> None:
    targets = TARGETS.clone()
    targets[:, 1] = 0
    assert distance(ESTIMATES, targets).isfinite().all()
    assert (distance(2 * ESTIMATES, targets)[:, 1] > distance(ESTIMATES, targets)[:, 1]).all()


@pytest.mark.parametrize("distance", RELATIVE)
def test_in_silence_the_divisor_has_a_floor(distance) -> None:
    estimates = torch.full((1, 2, 9, 7), 0.5 * SILENCE)
    torch.testing.assert_close(distance(estimates, torch.zeros_like(estimates)), torch.tensor([0.5]))


def test_log_distance_is_in_nepers_above_its_floor() -> None:
    torch.testing.assert_close(
        log_distance(TARGETS / 2, TARGETS), torch.full((5, 3), math.log(2)).double(), atol=1e-3, rtol=0
    )
    silence = torch.zeros(1, 2, 9, 7)
    torch.testing.assert_close(log_distance(silence + LOG_FLOOR, silence), torch.full((1,), math.log(2)))


@pytest.mark.parametrize("distance", [relative_l1, spectral_convergence, log_distance])
def test_gradient(distance) -> None:
    estimates = _random(2, 2, 1, 3, 2).requires_grad_()
    assert torch.autograd.gradcheck(distance, (estimates, _random(3, 2, 1, 3, 2)))
    same = TARGETS.clone().requires_grad_()
    distance(same, TARGETS).sum().backward()
    assert same.grad is not None
    assert same.grad.isfinite().all()
