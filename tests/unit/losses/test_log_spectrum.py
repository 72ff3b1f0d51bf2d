"""The error of the masked spectrogram in decibels: known values, levels that do not matter, and soft stems that do."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from auralflow.dsp.stft import STFTConfig, stft
from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.losses.log_spectrum import LogSpectrum
from auralflow.losses.snr import SNR

CONFIG = STFTConfig(64, 16)


def _transform(waveform: Tensor) -> Tensor:
    return stft(waveform, CONFIG)


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _make(targets: Tensor, masks: Tensor) -> Estimate:
    shape = _transform(targets).shape
    return Estimate(targets, targets.sum(1), masks.expand(shape), _transform)


ONE = _noise(1, 1, 2, 800)


@pytest.mark.parametrize(("mask", "expected_db"), [(0.9, -20.0), (0.0, 0.0), (3.0, 6.0206)])
def test_one_stem_and_one_mask(mask: float, expected_db: float) -> None:
    estimate = _make(ONE, torch.tensor(mask, dtype=torch.float64))
    assert LogSpectrum(floor_db=-120.0)(estimate, ONE).item() == pytest.approx(expected_db, abs=1e-4)


def test_the_mask_of_a_complex_model_turns_the_phase() -> None:
    turned = torch.tensor(-1.0 + 0j, dtype=torch.complex128)
    assert LogSpectrum()(_make(ONE, turned), ONE).item() == pytest.approx(6.0206, abs=0.01)


def test_a_perfect_estimate_and_silence_have_the_floor() -> None:
    targets = torch.cat([ONE, torch.zeros_like(ONE)], dim=1)
    masks = torch.tensor([1.0, 0.0], dtype=torch.float64).reshape(1, 2, 1, 1, 1)
    assert LogSpectrum(floor_db=-25.0).per_stem(_make(targets, masks), targets).tolist() == [[pytest.approx(-25)] * 2]


@pytest.mark.parametrize("gain", [0.01, 30.0])
def test_the_level_does_not_matter(gain: float) -> None:
    targets, masks = _noise(2, 3, 2, 800), torch.rand(2, 3, 2, 33, 1, dtype=torch.float64)
    expected = LogSpectrum()(_make(targets, masks), targets).item()
    assert LogSpectrum()(_make(gain * targets, masks), gain * targets).item() == pytest.approx(expected, rel=1e-6)


def test_it_agrees_with_sdr_up_to_the_overlap_of_frames() -> None:
    """Of noise as long as many frames, the error of a wrong gain on one stem is the same in both domains."""
    long = torch.cat([_noise(1, 1, 2, 40_000), 0.3 * _noise(1, 1, 2, 40_000, seed=1)], dim=1)
    masks = torch.tensor([0.7, 0.3], dtype=torch.float64).reshape(1, 2, 1, 1, 1)
    by_spectrum = LogSpectrum(floor_db=-120.0).per_stem(_make(long, masks), long)
    stems = masks[..., 0] * long.sum(1, keepdim=True)
    by_waveform = SNR(floor_db=-200.0).per_stem(Estimate(stems, long.sum(1)), long)
    own_levels_db = 10 * (long.square().sum((2, 3)) / long.square().sum((2, 3)).mean()).log10()
    torch.testing.assert_close(by_spectrum, by_waveform + own_levels_db, atol=0.1, rtol=0)


def test_a_soft_stem_pulls_as_hard_as_a_loud_one() -> None:
    """Both masks are wrong by the same share: their gradients agree, where those of a sum of squares do not."""
    targets = torch.cat([ONE, 0.1 * _noise(1, 1, 2, 800, seed=1)], dim=1)
    gains = torch.tensor([0.5, 0.5], dtype=torch.float64, requires_grad=True)
    spectra = _transform(targets)
    mixture = _transform(targets.sum(1)).unsqueeze(1)
    masks = gains.reshape(1, 2, 1, 1, 1) * spectra / mixture
    LogSpectrum(floor_db=-120.0)(_make(targets, masks), targets).backward()
    assert gains.grad is not None
    assert gains.grad[1].item() == pytest.approx(gains.grad[0].item(), rel=1e-3)


def test_silence_has_a_finite_value_and_gradient() -> None:
    masks = torch.full(_transform(ONE).shape, 0.5, dtype=torch.float64, requires_grad=True)
    silence = torch.zeros_like(ONE)
    value = LogSpectrum()(Estimate(silence, silence.sum(1), masks, _transform), silence)
    value.backward()
    assert masks.grad is not None
    assert value.isfinite()
    assert masks.grad.isfinite().all()


@pytest.mark.parametrize("floor_db", [-121.0, 1.0])
def test_a_floor_that_cannot_be_is_refused(floor_db: float) -> None:
    with pytest.raises(ConfigError, match="floor_db: expected"):
        LogSpectrum(floor_db)
