"""Log-spectral distance: gains in closed form, the root inside the mean, the floor."""

from __future__ import annotations

import pytest
import torch

from auralflow.metrics.log_spectral_distance import log_spectral_distance


def _noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _score(estimates: torch.Tensor, targets: torch.Tensor) -> float:
    return log_spectral_distance(estimates, targets, sample_rate=44100)["log_spectral_distance"].item()


@pytest.mark.parametrize("gain_db", [-20.0, 6.0])
def test_a_gain_is_its_own_distance(gain_db: float) -> None:
    targets = _noise(1, 2, 9000)
    assert _score(10 ** (gain_db / 20) * targets, targets) == pytest.approx(abs(gain_db), abs=0.01)
    assert _score(-targets, targets) == 0


def test_is_the_mean_of_roots_over_frames_and_channels() -> None:
    """One channel 20 dB off, one right: 10 dB. The root of the mean would be 14."""
    targets = _noise(1, 2, 9000)
    assert _score(targets * torch.tensor([[0.1], [1.0]]), targets) == pytest.approx(10, abs=0.01)


def test_within_a_frame_large_errors_weigh_more() -> None:
    """Half of the bins 20 dB off, half right: 20 / sqrt(2) dB."""
    spectrum = torch.fft.rfft(_noise(1, 1, 2**14))
    wrong = spectrum.clone()
    wrong[..., : spectrum.shape[-1] // 2] *= 0.1
    score = _score(torch.fft.irfft(wrong), torch.fft.irfft(spectrum))
    assert score == pytest.approx(20 / 2**0.5, abs=0.3)


def test_below_the_floor_nothing_counts() -> None:
    """-80 dB re full scale; a silent estimate is as far as the target is above that."""
    targets = 1e-6 * _noise(1, 1, 9000)
    assert _score(torch.zeros_like(targets), targets) == 0
    loud = _noise(1, 1, 9000)
    assert 70 < _score(torch.zeros_like(loud), loud) < 80
