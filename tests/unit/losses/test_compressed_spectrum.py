"""Compressed spectra: values that are known, levels that do not matter, and what the exponent weighs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from auralflow.dsp.stft import STFTConfig, stft
from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.losses.compressed_spectrum import CompressedSpectrum

CONFIG = STFTConfig(64, 16)


def _transform(waveform: Tensor) -> Tensor:
    return stft(waveform, CONFIG)


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _make(targets: Tensor, masks: Tensor) -> Estimate:
    return Estimate(targets, targets.sum(1), masks.expand(_transform(targets).shape), _transform)


ONE = _noise(2, 1, 2, 800)


@pytest.mark.parametrize("exponent", [0.3, 0.5, 1.0])
@pytest.mark.parametrize("is_phase_sensitive", [False, True])
def test_a_constant_mask_costs_what_compression_makes_of_it(exponent: float, is_phase_sensitive: bool) -> None:
    """Of one stem that is all of the mixture, a quarter of the magnitude costs 1 - 0.25^c, or its square."""
    estimate = _make(ONE, torch.tensor(0.25, dtype=torch.float64))
    for distance, power in (("l1", 1), ("l2", 2)):
        value = CompressedSpectrum(exponent, is_phase_sensitive, distance)(estimate, ONE).item()  # type: ignore[arg-type]
        assert value == pytest.approx((1 - 0.25**exponent) ** power, rel=2e-2)


def test_a_bin_that_may_be_two_things_is_shared_by_squares_and_silenced_by_absolute_differences() -> None:
    """In one item of three the stem is all of the mixture, in two it is silent; one mask for all three."""
    sound = _noise(3, 1, 2, 800)
    targets = torch.cat([sound, sound], dim=1)
    targets[0, 1] = 0
    targets[1:, 0] = 0
    best = {}
    for distance in ("l1", "l2"):
        masks = [torch.tensor(share / 20, dtype=torch.float64) for share in range(21)]
        costs = [
            CompressedSpectrum(1.0, False, distance).per_stem(_make(targets, mask), targets)[:, 0].sum()  # type: ignore[arg-type]
            for mask in masks
        ]
        best[distance] = float(masks[int(torch.stack(costs).argmin())])
    assert best["l1"] == 0
    assert best["l2"] == pytest.approx(1 / 3, abs=0.06)


@pytest.mark.parametrize("every", [2, 3, 100])
def test_frames_between_are_not_compared(every: int) -> None:
    """What they hold makes no difference; the frames that are compared count as if there were no others."""
    targets = torch.cat([ONE, 0.3 * ONE.flip(-1)], dim=1)
    masks = torch.rand(_transform(targets).shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    loss = CompressedSpectrum(every_frames=every)
    value = loss(_make(targets, masks), targets)
    others = masks.clone()
    kept = torch.arange(masks.shape[-1]) % every == 0
    others[..., ~kept] = 0
    assert torch.equal(loss(_make(targets, others), targets), value)
    alone = Estimate(targets, targets.sum(1), masks[..., kept], lambda waveform: _transform(waveform)[..., kept])
    torch.testing.assert_close(CompressedSpectrum()(alone, targets), value)


def test_a_turned_phase_costs_nothing_and_complex_masks_count_by_magnitude() -> None:
    turned = torch.tensor(-1.0 + 0j, dtype=torch.complex128)
    assert CompressedSpectrum(is_phase_sensitive=False)(_make(ONE, turned), ONE).item() == pytest.approx(0, abs=1e-9)


def test_the_phase_sensitive_target_is_the_best_real_mask() -> None:
    """Targets 2x and -x in a mixture x: the best real masks from 0 up are 2 and 0, and they cost nothing."""
    targets = torch.cat([2 * ONE, -ONE], dim=1)
    best = torch.tensor([2.0, 0.0], dtype=torch.float64).reshape(1, 2, 1, 1, 1)
    assert CompressedSpectrum()(_make(targets, best), targets).item() == pytest.approx(0, abs=1e-6)
    assert CompressedSpectrum(is_phase_sensitive=False)(_make(targets, best), targets).item() > 0.3


@pytest.mark.parametrize("gain", [0.01, 30.0])
def test_the_level_does_not_matter(gain: float) -> None:
    targets, masks = _noise(2, 3, 2, 800), torch.rand(2, 3, 2, 33, 51, dtype=torch.float64)
    masks = masks[..., : _transform(targets).shape[-1]]
    loss = CompressedSpectrum()
    assert loss(_make(gain * targets, masks), gain * targets).item() == pytest.approx(
        loss(_make(targets, masks), targets).item(), rel=1e-6
    )


def test_a_low_exponent_weighs_soft_bins_more() -> None:
    """A loud and a soft half; a mask that is wrong in the soft one costs more of the whole after compression."""
    targets = torch.cat([ONE[..., :400], 0.01 * ONE[..., 400:]], dim=-1)
    masks = torch.ones(_transform(targets).shape, dtype=torch.float64)
    masks[..., masks.shape[-1] // 2 + 3 :] = 0
    plain, compressed = (CompressedSpectrum(c, False)(_make(targets, masks), targets).item() for c in (1.0, 0.3))
    assert compressed > 5 * plain


def test_a_sounding_estimate_of_silence_is_pushed_down() -> None:
    targets = torch.cat([ONE, torch.zeros_like(ONE)], dim=1)
    masks = torch.full(_transform(targets).shape, 0.5, dtype=torch.float64, requires_grad=True)
    CompressedSpectrum()(_make(targets, masks), targets).backward()
    assert masks.grad is not None
    assert masks.grad[:, 1].sum() > 0
    assert masks.grad[:, 0].sum() < 0


@pytest.mark.parametrize("exponent", [0.0, 1.5])
def test_an_exponent_that_cannot_be_is_refused(exponent: float) -> None:
    with pytest.raises(ConfigError, match="exponent: expected"):
        CompressedSpectrum(exponent)


def test_no_frame_at_all_is_refused() -> None:
    with pytest.raises(ConfigError, match="every_frames: expected a number of 1 or more, got 0"):
        CompressedSpectrum(every_frames=0)
