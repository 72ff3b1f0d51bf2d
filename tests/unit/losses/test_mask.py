"""Mask loss: ideal masks that are known, what is left out, and models of fewer stems than there are sounds."""

from __future__ import annotations

import math

import pytest
import torch

from auralflow.dsp.stft import STFTConfig, stft
from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.losses.mask import Mask

CONFIG = STFTConfig(64, 16)


def _transform(waveform: torch.Tensor) -> torch.Tensor:
    return stft(waveform, CONFIG)


def _noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _make(targets: torch.Tensor, mixture: torch.Tensor, *masks: complex) -> Estimate:
    """One constant mask for each stem."""
    shape = _transform(targets).shape
    values = torch.tensor(masks, dtype=torch.complex128 if any(map(_is_complex, masks)) else torch.float64)
    return Estimate(targets, mixture, values.reshape(1, -1, 1, 1, 1).expand(shape), _transform)


def _is_complex(value: complex) -> bool:
    return isinstance(value, complex)


SOUND = _noise(2, 1, 2, 500)


@pytest.mark.parametrize("ideal", ["ratio", "phase_sensitive"])
@pytest.mark.parametrize("distance", ["l1", "l2"])
def test_shares_of_one_sound_are_the_masks(ideal, distance) -> None:
    targets = torch.cat([0.75 * SOUND, 0.25 * SOUND], dim=1)
    loss = Mask(ideal, distance)
    assert loss(_make(targets, SOUND[:, 0], 0.75, 0.25), targets).item() == pytest.approx(0, abs=1e-9)
    expected = 0.1 if distance == "l1" else 0.01
    assert loss(_make(targets, SOUND[:, 0], 0.85, 0.15), targets).item() == pytest.approx(expected)


def test_what_cancels_has_a_ratio_and_no_phase_sensitive_mask() -> None:
    """Targets 2x and -x in a mixture x: the ratio sees 2:1, the phase sees 2 and -1, kept within 1 and 0."""
    targets = torch.cat([2 * SOUND, -SOUND], dim=1)
    assert Mask("ratio")(_make(targets, SOUND[:, 0], 2 / 3, 1 / 3), targets).item() == pytest.approx(0, abs=1e-9)
    assert Mask("phase_sensitive")(_make(targets, SOUND[:, 0], 1, 0), targets).item() == pytest.approx(0, abs=1e-9)


def test_the_phase_sensitive_mask_is_the_best_real_one() -> None:
    targets = torch.cat([SOUND, _noise(2, 1, 2, 500, seed=1)], dim=1)
    mixture = _transform(targets.sum(1)).unsqueeze(1)
    masks = Mask("phase_sensitive")._ideal_masks(_transform(targets), mixture[:, 0])
    errors = [(mixture * m - _transform(targets)).abs().square() for m in (masks, masks - 1e-3, masks + 1e-3)]
    is_inside = (masks > 1e-3) & (masks < 1 - 1e-3)
    assert (errors[0] <= torch.minimum(errors[1], errors[2]))[is_inside].all()


@pytest.mark.parametrize("ideal", ["ratio", "phase_sensitive"])
def test_one_stem_of_a_mixture_is_not_all_of_it(ideal) -> None:
    targets, mixture = 0.25 * SOUND, SOUND[:, 0]
    assert Mask(ideal)(_make(targets, mixture, 0.25), targets).item() == pytest.approx(0, abs=1e-9)
    assert Mask(ideal)(_make(targets, mixture, 1.0), targets).item() == pytest.approx(0.75)


def test_complex_masks_count_by_magnitude_or_by_real_part() -> None:
    targets, mixture = 0.5 * SOUND, SOUND[:, 0]
    assert Mask("ratio")(_make(targets, mixture, 0.5j), targets).item() == pytest.approx(0, abs=1e-9)
    assert Mask("phase_sensitive")(_make(targets, mixture, 0.5j), targets).item() == pytest.approx(0.5)


def test_bins_below_the_floor_are_left_out() -> None:
    """A loud bin and a quiet one, of which the mask is wrong in the quiet one."""
    time = torch.arange(500, dtype=torch.float64)
    loud, quiet = torch.cos(2 * math.pi * time / 4), 1e-3 * torch.cos(2 * math.pi * time / 8)
    targets = torch.stack([loud, quiet]).reshape(1, 2, 1, -1)
    masks = torch.ones(_transform(targets).shape, dtype=torch.float64)
    masks[:, 1] = 0
    estimate = Estimate(targets, targets.sum(1), masks, _transform)
    assert Mask(floor_db=-20.0)(estimate, targets) < 1e-3
    assert Mask(floor_db=-100.0)(estimate, targets) > 0.05


def test_silence_counts_as_nothing() -> None:
    silence = torch.zeros(1, 2, 2, 500, dtype=torch.float64)
    assert Mask()(_make(silence, silence[:, 0], 0.3, 0.4), silence) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ideal": "binary"}, "ideal: expected one of 'ratio', 'phase_sensitive', got 'binary'"),
        ({"distance": "l3"}, "distance: expected one of 'l1', 'l2', got 'l3'"),
        ({"floor_db": 6.0}, "floor_db: expected a number from -1000 to 0, got 6.0"),
    ],
)
def test_refuses(options: dict, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users run without its type checks
    with pytest.raises(ConfigError, match=message):
        Mask(**options)


@pytest.mark.parametrize("loss", [Mask(), Mask("phase_sensitive", "l2")], ids=str)
def test_gradient(loss: Mask) -> None:
    targets = _noise(1, 2, 1, 40)
    masks = torch.rand(_transform(targets).shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def measure(masks: torch.Tensor) -> torch.Tensor:
        return loss(Estimate(targets, targets.sum(1), masks, _transform), targets)

    assert torch.autograd.gradcheck(measure, masks.requires_grad_())
