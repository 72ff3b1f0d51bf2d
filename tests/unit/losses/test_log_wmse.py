"""Log-weighted error: decibels below the mixture, whatever the level, silent targets included."""

from __future__ import annotations

import math

import pytest
import torch

from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.losses.log_wmse import LogWMSE


def _noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


TARGETS = 0.1 * _noise(2, 3, 2, 4410)
WRONG = TARGETS + 0.01 * _noise(2, 3, 2, 4410, seed=1)
MIXTURE = TARGETS.sum(1)


@pytest.mark.parametrize("weighting", ["k", "none"])
@pytest.mark.parametrize("level_db", [-50.0, -20.0, 0.0, 20.0])
def test_a_share_of_the_mixture_in_a_silent_stem(weighting, level_db: float) -> None:
    silence = torch.zeros_like(TARGETS)
    leak = 10 ** (level_db / 20) * MIXTURE.unsqueeze(1).expand_as(TARGETS)
    assert LogWMSE(weighting)(Estimate(leak, MIXTURE), silence).item() == pytest.approx(level_db, abs=0.05)


@pytest.mark.parametrize("weighting", ["k", "none"])
def test_level_of_the_song_is_not_heard(weighting) -> None:
    loss = LogWMSE(weighting)
    value = loss(Estimate(WRONG, MIXTURE), TARGETS)
    for gain in (0.01, 10.0):
        torch.testing.assert_close(loss(Estimate(gain * WRONG, gain * MIXTURE), gain * TARGETS), value)


def test_floor() -> None:
    """A perfect estimate is at the floor, an error as loud as the floor is 3 dB above it."""
    loss = LogWMSE("none", floor_db=-40.0)
    assert loss.minimum == -40
    assert loss(Estimate(TARGETS, MIXTURE), TARGETS).item() == pytest.approx(-40)
    close = TARGETS + 0.01 * MIXTURE.unsqueeze(1)
    assert loss(Estimate(close, MIXTURE), TARGETS).item() == pytest.approx(-40 + 10 * math.log10(2))


def test_rumble_weighs_less_than_hiss() -> None:
    time = torch.arange(44100, dtype=torch.float64) / 44100
    mixture = _noise(1, 1, 44100)
    silence = torch.zeros(1, 1, 1, 44100, dtype=torch.float64)
    tones = {freq_hz: torch.sin(2 * math.pi * freq_hz * time).reshape(1, 1, 1, -1) for freq_hz in (10, 1000, 5000)}
    value = {freq_hz: LogWMSE()(Estimate(tone, mixture), silence).item() for freq_hz, tone in tones.items()}
    assert value[10] < value[1000] - 20
    assert value[1000] + 2.5 < value[5000] < value[1000] + 4
    flat = [LogWMSE("none")(Estimate(tone, mixture), silence).item() for tone in tones.values()]
    assert max(flat) - min(flat) < 1e-6


def test_silent_mixture_counts_as_very_quiet() -> None:
    silence = torch.zeros_like(TARGETS)
    hum = torch.full_like(TARGETS, 1e-4)
    assert LogWMSE("none")(Estimate(hum, silence[:, 0]), silence).item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("loss", [LogWMSE(), LogWMSE("none")], ids=str)
def test_gradient(loss: LogWMSE) -> None:
    stems, targets = WRONG[:1, :2, :, :30].clone().requires_grad_(), TARGETS[:1, :2, :, :30]
    assert torch.autograd.gradcheck(lambda stems: loss(Estimate(stems, MIXTURE[:1, :, :30]), targets), stems)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weighting": "a"}, "weighting: expected one of 'k', 'none', got 'a'"),
        ({"sample_rate": 0}, "sample_rate: expected 1 or more, got 0"),
        ({"floor_db": 10.0}, "floor_db: expected a number from -120 to 0, got 10.0"),
    ],
)
def test_refuses(options: dict, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users run without its type checks
    with pytest.raises(ConfigError, match=message):
        LogWMSE(**options)
