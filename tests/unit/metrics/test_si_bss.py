"""SI-SIR and SI-SAR: a distortion of known parts, the law that joins them to SI-SDR, and least squares."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from auralflow.metrics import si_bss as module
from auralflow.metrics.si_bss import si_bss
from auralflow.metrics.si_sdr import si_sdr


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _score(estimates: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    scores = si_bss(estimates, targets, sample_rate=8000)
    return scores["si_sir"], scores["si_sar"]


def _orthogonal(n_signals: int, n_samples: int = 400) -> Tensor:
    return torch.linalg.qr(_noise(n_samples, n_signals)).Q.T.reshape(n_signals, 2, n_samples // 2)


def test_parts_of_known_size() -> None:
    """0.1 of another target is -20 dB, 0.01 of something new -40 dB, at any gain."""
    signals = _orthogonal(6)
    targets, new = signals[:3], signals[3:]
    sir, sar = _score(7 * (targets + 0.1 * targets.roll(1, 0) + 0.01 * new), targets)
    torch.testing.assert_close(sir, torch.full((3,), 20.0).double())
    torch.testing.assert_close(sar, torch.full((3,), 40.0).double())


def test_noise_powers_add_to_that_of_si_sdr() -> None:
    targets = _noise(4, 2, 500) + 0.5 * _noise(1, 2, 500, seed=1)
    estimates = targets + 0.3 * targets.roll(1, 0) + 0.2 * _noise(4, 2, 500, seed=2)
    sir, sar = _score(estimates, targets)
    sdr = si_sdr(estimates, targets, sample_rate=8000)["si_sdr"]
    torch.testing.assert_close(10 ** (-sir / 10) + 10 ** (-sar / 10), 10 ** (-sdr / 10))


def test_agrees_with_least_squares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the song takes several blocks and one stem is a thousand times quieter."""
    monkeypatch.setattr(module, "_BLOCK_SAMPLES", 300)
    targets = (_noise(3, 2, 500) + 0.8 * _noise(1, 2, 500, seed=1)) * torch.tensor([1.0, 1e-3, 1.0])[:, None, None]
    estimates = targets + 1e-4 * _noise(3, 2, 500, seed=2) + 0.1 * targets.roll(1, 0)
    sir, sar = _score(estimates, targets)
    sources = targets.flatten(1).numpy()
    for stem, estimate in enumerate(estimates.flatten(1).numpy()):
        own = sources[stem]
        wanted = own * (estimate @ own) / (own @ own)
        projected = sources.T @ np.linalg.lstsq(sources.T, estimate, rcond=None)[0]
        ratios = [
            10 * np.log10((wanted**2).sum() / (part**2).sum()) for part in (projected - wanted, estimate - projected)
        ]
        np.testing.assert_allclose([sir[stem], sar[stem]], ratios, rtol=1e-8)


def test_edges() -> None:
    targets = _noise(3, 2, 500)
    targets[1] = 0
    estimates = targets + 0.1 * _noise(3, 2, 500, seed=1)
    sir, sar = _score(estimates, targets)
    assert sir.isnan().tolist() == sar.isnan().tolist() == [False, True, False]
    without = _score(estimates[[0, 2]], targets[[0, 2]])
    torch.testing.assert_close(sir[[0, 2]], without[0])
    torch.testing.assert_close(sar[[0, 2]], without[1])
    alone = _score(estimates[:1], targets[:1])
    assert math.isnan(alone[0].item())
    assert math.isfinite(alone[1].item())
    equal = _score(0.5 * targets, targets)
    assert equal[0][[0, 2]].tolist() == equal[1][[0, 2]].tolist() == [math.inf, math.inf]
    silent = _score(torch.zeros_like(targets), targets)
    assert silent[0].isnan().tolist() == [False, True, False]
    assert silent[1][0].item() == -math.inf


def test_two_targets_alike_can_be_told_from_new_sound() -> None:
    """The span of equal targets is one line; nothing blows up."""
    targets = _orthogonal(2)[[0, 0]]
    sir, sar = _score(targets + 0.1 * _orthogonal(2)[1], targets)
    torch.testing.assert_close(sar, torch.full((2,), 20.0).double())
    assert (sir == math.inf).all()


def test_a_broken_estimate_takes_no_other_stem_with_it() -> None:
    targets = _noise(3, 2, 500)
    estimates = targets + 0.1 * _noise(3, 2, 500, seed=1)
    whole = _score(estimates, targets)
    estimates[1, 0, 7] = torch.nan
    for broken, sound in zip(_score(estimates, targets), whole, strict=True):
        assert broken.isnan().tolist() == [False, True, False]
        torch.testing.assert_close(broken[[0, 2]], sound[[0, 2]])
