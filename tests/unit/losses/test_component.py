"""Component loss: each of the three terms by itself, for masks that are known."""

from __future__ import annotations

import pytest
import torch

from auralflow.dsp.stft import STFTConfig, stft
from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.losses.component import Component

CONFIG = STFTConfig(64, 16)
KEEP, SUPPRESS, NATURAL = Component(0.0, 0.0), Component(1.0, 0.0), Component(0.0, 1.0)


def _transform(waveform: torch.Tensor) -> torch.Tensor:
    return stft(waveform, CONFIG)


TARGETS = torch.randn(2, 2, 2, 500, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
SHAPE = _transform(TARGETS).shape


def _make(masks: torch.Tensor, targets: torch.Tensor = TARGETS) -> Estimate:
    return Estimate(targets, targets.sum(1), masks, _transform)


def _constant(value: float) -> Estimate:
    return _make(torch.full(SHAPE, value, dtype=torch.float64))


def _share(signal: torch.Tensor) -> torch.Tensor:
    """Power of a spectrogram beside that of the mixture, per item and stem."""
    power = _transform(TARGETS.sum(1)).abs().square().mean((1, 2, 3))
    return signal.abs().square().mean((2, 3, 4)) / power.unsqueeze(1)


@pytest.mark.parametrize("mask", [0.0, 0.3, 1.0, 1.5])
def test_constant_masks(mask: float) -> None:
    """They take (1 - m)^2 of the target's power, let m^2 of the rest's through, and keep its shape."""
    target = _transform(TARGETS)
    rest = target.flip(1)  # of two stems, the rest is the other one
    torch.testing.assert_close(KEEP(_constant(mask), TARGETS), (1 - mask) ** 2 * _share(target).mean())
    torch.testing.assert_close(SUPPRESS(_constant(mask), TARGETS), mask**2 * _share(rest).mean())
    # A rest that is gone has no shape at all, which costs 1.
    assert NATURAL(_constant(mask), TARGETS).item() == pytest.approx(0 if mask else 1, abs=1e-5)


def test_the_third_term_hears_holes_in_the_rest() -> None:
    random = torch.rand(SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    values = [NATURAL(_make(1 - depth * (random > 0.5)), TARGETS).item() for depth in (0.0, 0.3, 0.6, 0.9)]
    assert values == sorted(values)
    assert values[-1] > 0.3


def test_weights_add_up() -> None:
    random = _make(torch.rand(SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64))
    expected = 0.2 * KEEP(random, TARGETS) + 0.3 * SUPPRESS(random, TARGETS) + 0.5 * NATURAL(random, TARGETS)
    torch.testing.assert_close(Component(0.3, 0.5)(random, TARGETS), expected)


def test_level_and_phase_of_the_mask_play_no_part() -> None:
    masks = torch.rand(SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    loss = Component(0.3, 0.5)
    value = loss(_make(masks), TARGETS)
    for gain in (0.01, 100.0):
        torch.testing.assert_close(loss(_make(masks, gain * TARGETS), gain * TARGETS), value)
    torch.testing.assert_close(loss(_make(1j * masks), TARGETS), value)


@pytest.mark.parametrize(
    ("alpha", "beta", "message"),
    [
        (1.5, 0.0, "alpha: expected a number from 0 to 1, got 1.5"),
        (0.5, -0.1, "beta: expected a number from 0 to 1, got -0.1"),
        (0.5, 0.6, r"beta: expected alpha \+ beta of 1 or less, got 0.5 \+ 0.6"),
    ],
)
def test_refuses_weights(alpha: float, beta: float, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Component(alpha, beta)


def test_gradient() -> None:
    targets = TARGETS[:1, :, :1, :40].clone()
    masks = torch.rand(_transform(targets).shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    loss = Component(0.3, 0.5)
    assert torch.autograd.gradcheck(lambda masks: loss(_make(masks, targets), targets), masks.requires_grad_())
