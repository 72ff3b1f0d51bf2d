"""The multi-resolution distance: agreement with the distances that the loss uses, and a gain in closed form."""

from __future__ import annotations

import math

import torch

from auralflow.dsp.distances import amplitudes, log_distance, spectral_convergence
from auralflow.metrics.multi_stft import RESOLUTIONS, multi_stft


def _noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_is_what_the_loss_computes_for_each_stem_alone() -> None:
    targets, estimates = _noise(3, 2, 8192), _noise(3, 2, 8192, seed=1)
    expected = torch.zeros(3).double()
    for config in RESOLUTIONS:
        pair = [amplitudes(part, config).unsqueeze(1) for part in (estimates, targets)]
        expected += (spectral_convergence(*pair) + log_distance(*pair)).squeeze(1) / len(RESOLUTIONS)
    torch.testing.assert_close(multi_stft(estimates, targets, sample_rate=44100)["multi_stft"], expected)


def test_a_gain_in_closed_form() -> None:
    """Spectral convergence 1 - 1/e, and one neper, less what the floor takes."""
    targets = 100 * _noise(1, 1, 8192)
    score = multi_stft(targets / math.e, targets, sample_rate=44100)["multi_stft"].item()
    assert abs(score - (2 - 1 / math.e)) < 1e-3
