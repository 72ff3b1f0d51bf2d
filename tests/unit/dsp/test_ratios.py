"""SDR and SI-SDR: known values, invariances, and what they say at the edges."""

from __future__ import annotations

import math

import pytest
import torch

from auralflow.dsp.ratios import sdr, si_sdr


def _pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    target = torch.randn(3, 2, 4000, generator=generator, dtype=torch.float64)
    return target + 0.3 * torch.randn(3, 2, 4000, generator=generator, dtype=torch.float64), target


@pytest.mark.parametrize("level_db", [-20.0, 0.0, 6.0, 60.0])
def test_orthogonal_noise_at_a_known_level(level_db: float) -> None:
    """A sine and a cosine over whole periods are orthogonal, so both ratios are the ratio of their powers."""
    phase = 2 * math.pi * 5 * torch.arange(1000, dtype=torch.float64) / 1000
    target, noise = torch.sin(phase), torch.cos(phase) * 10 ** (-level_db / 20)
    assert sdr(target + noise, target).item() == pytest.approx(level_db, abs=1e-9)
    assert si_sdr(target + noise, target).item() == pytest.approx(level_db, abs=1e-9)


def test_sdr_falls_with_a_wrong_gain_and_si_sdr_does_not() -> None:
    estimate, target = _pair()
    torch.testing.assert_close(sdr(0.5 * target, target), torch.full((3, 2), 20 * math.log10(2), dtype=torch.float64))
    for gain in (0.01, -1.0, 7.0):
        torch.testing.assert_close(si_sdr(gain * estimate, target), si_sdr(estimate, target))
        torch.testing.assert_close(si_sdr(estimate, gain * target), si_sdr(estimate, target))
        torch.testing.assert_close(sdr(gain * estimate, gain * target), sdr(estimate, target))


def test_si_sdr_is_the_cosine_in_decibels() -> None:
    estimate, target = _pair()
    squared = torch.nn.functional.cosine_similarity(estimate, target, dim=-1).square()
    torch.testing.assert_close(si_sdr(estimate, target), 10 * torch.log10(squared / (1 - squared)))


def test_si_sdr_is_the_sdr_against_the_nearest_multiple_of_the_target() -> None:
    estimate, target = (signal[0, 0] for signal in _pair())
    multiples = torch.linspace(0.5, 2, 3001, dtype=torch.float64).unsqueeze(1) * target
    nearest = (multiples - estimate).square().sum(-1).argmin()
    assert si_sdr(estimate, target).item() == pytest.approx(sdr(estimate, multiples[nearest]).item(), abs=0.01)


def test_zero_mean_ignores_an_offset() -> None:
    estimate, target = _pair()
    plain = si_sdr(estimate, target, is_zero_mean=True)
    torch.testing.assert_close(si_sdr(estimate + 5, target - 2, is_zero_mean=True), plain)
    assert (si_sdr(estimate + 5, target) < plain - 10).all()


@pytest.mark.parametrize("ratio", [sdr, si_sdr])
def test_edges(ratio) -> None:
    generator = torch.Generator().manual_seed(1)
    signal, silence = torch.randn(100, generator=generator), torch.zeros(100)
    assert ratio(signal, silence).isnan()
    assert ratio(silence, silence).isnan()
    assert ratio(signal, signal).item() == math.inf


def test_a_silent_estimate() -> None:
    signal = torch.randn(100, generator=torch.Generator().manual_seed(1))
    assert sdr(torch.zeros(100), signal).item() == pytest.approx(0)
    assert si_sdr(torch.zeros(100), signal).item() == -math.inf


@pytest.mark.parametrize("ratio", [sdr, si_sdr])
def test_with_eps_values_and_gradients_are_finite_everywhere(ratio) -> None:
    generator = torch.Generator().manual_seed(2)
    signal, silence = torch.randn(100, generator=generator), torch.zeros(100)
    for estimate, target in [(signal, silence), (silence, silence), (signal, signal), (silence, signal)]:
        leaf = estimate.clone().requires_grad_()
        value = ratio(leaf, target, eps=1e-8)
        value.backward()
        assert value.isfinite()
        assert leaf.grad.isfinite().all()
    assert ratio(silence, silence, eps=1e-8).item() == 0
    noisy = signal + 0.1 * torch.randn(100, generator=generator)
    torch.testing.assert_close(ratio(noisy, signal, eps=1e-8), ratio(noisy, signal))


@pytest.mark.parametrize("ratio", [sdr, si_sdr])
def test_each_item_counts_for_itself(ratio) -> None:
    estimate, target = _pair()
    together = ratio(estimate, target)
    assert together.shape == (3, 2)
    for i in range(3):
        for j in range(2):
            torch.testing.assert_close(together[i, j], ratio(estimate[i, j], target[i, j]))
