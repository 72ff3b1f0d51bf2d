"""SNR and SI-SDR as losses: decibels that are known, invariances, and what is left in silence."""

from __future__ import annotations

import math

import pytest
import torch

from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.losses import PerStemLoss
from auralflow.losses.si_sdr import SISDR
from auralflow.losses.snr import SNR


def _make(stems: torch.Tensor) -> Estimate:
    return Estimate(stems, stems.sum(1))


def _noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


TARGETS = _noise(2, 3, 2, 1000)


@pytest.mark.parametrize("loss", [SNR(-200.0), SISDR(-200.0)], ids=str)
@pytest.mark.parametrize("level_db", [-20.0, 0.0, 30.0])
def test_orthogonal_noise_at_a_known_level(loss: PerStemLoss, level_db: float) -> None:
    """Sine and cosine over whole periods; one norm for both channels, so a silent channel may hold the noise."""
    phase = 2 * math.pi * 5 * torch.arange(1000, dtype=torch.float64) / 1000
    target = torch.stack([torch.sin(phase), torch.zeros(1000)]).reshape(1, 1, 2, 1000)
    noise = torch.stack([torch.zeros(1000), torch.cos(phase)]).reshape(1, 1, 2, 1000) * 10 ** (-level_db / 20)
    assert loss(_make(target + noise), target).item() == pytest.approx(-level_db, abs=1e-6)


def test_si_sdr_does_not_hear_a_gain_and_snr_does() -> None:
    estimate = TARGETS + 0.3 * _noise(2, 3, 2, 1000, seed=1)
    for gain in (0.1, 4.0):
        torch.testing.assert_close(
            SISDR()(_make(gain * estimate), TARGETS), SISDR()(_make(estimate), TARGETS), atol=0.01, rtol=0
        )
        assert SNR()(_make(gain * estimate), TARGETS) > SNR()(_make(estimate), TARGETS) + 5


def test_zero_mean_does_not_hear_an_offset() -> None:
    estimate = TARGETS + 0.3 * _noise(2, 3, 2, 1000, seed=1)
    loss = SISDR(is_zero_mean=True)
    torch.testing.assert_close(loss(_make(estimate + 2), TARGETS), loss(_make(estimate), TARGETS))
    assert SISDR()(_make(estimate + 2), TARGETS) > loss(_make(estimate), TARGETS) + 5


@pytest.mark.parametrize("loss", [SNR(-60.0), SISDR(-60.0)], ids=str)
def test_silent_target_leaves_the_level_of_the_estimate_above_the_floor(loss: PerStemLoss) -> None:
    silence = torch.zeros_like(TARGETS)
    for level_db in (-60, -30, 0):
        estimate = torch.full_like(TARGETS, 10 ** (level_db / 20))
        expected = 10 * math.log10(10 ** ((level_db + 60) / 10) + 1)
        assert loss(_make(estimate), silence).item() == pytest.approx(expected, abs=1e-6)


def test_best_value_is_the_level_above_the_floor() -> None:
    tone = torch.ones(1, 1, 2, 100, dtype=torch.float64)
    assert SNR(-40.0)(_make(tone), tone).item() == pytest.approx(-40, abs=1e-3)


@pytest.mark.parametrize("loss", [SNR(), SISDR(), SISDR(is_zero_mean=True)], ids=str)
def test_gradient(loss: PerStemLoss) -> None:
    target = TARGETS[:1, :2, :, :20]
    stems = (target + 0.3 * _noise(1, 2, 2, 20, seed=1)).requires_grad_()
    assert torch.autograd.gradcheck(lambda stems: loss(_make(stems), target), stems)


@pytest.mark.parametrize("loss", [SNR, SISDR])
@pytest.mark.parametrize("floor_db", [math.nan, math.inf])
def test_refuses_a_floor_that_is_no_number(loss: type[PerStemLoss], floor_db: float) -> None:
    with pytest.raises(ConfigError, match="floor_db: expected a number"):
        loss(floor_db=floor_db)
