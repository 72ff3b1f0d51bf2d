"""The baselines bound what a model can score from below and from above."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from auralflow.dsp.ratios import sdr
from auralflow.evaluation.baselines import BASELINES, mixture, oracle_ibm, oracle_irm, oracle_wiener

Baseline = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
ORACLES = pytest.mark.parametrize("oracle", [oracle_irm, oracle_ibm, oracle_wiener])


def _tones() -> torch.Tensor:
    time_s = torch.arange(44100) / 44100
    return torch.stack([torch.sin(2 * torch.pi * hz * time_s)[None] * 0.3 for hz in (220.0, 1760.0)])


def test_the_mixture_is_its_own_estimate() -> None:
    targets = _tones()
    assert torch.equal(mixture(targets.sum(0), targets)[1], targets.sum(0))


@ORACLES
def test_an_oracle_separates_what_does_not_overlap(oracle: Baseline) -> None:
    targets = _tones()
    scores = sdr(oracle(targets.sum(0), targets), targets)
    assert (scores > 40).all()
    assert (sdr(mixture(targets.sum(0), targets), targets).abs() < 0.1).all()


@ORACLES
def test_an_oracle_cannot_tell_apart_what_overlaps_fully(oracle: Baseline) -> None:
    """Two stems with one spectrum share every bin: the mask is one half."""
    tone = _tones()[:1]
    estimates = oracle(torch.zeros_like(tone[0]) + 2 * tone[0], torch.cat([tone, tone]))
    assert torch.allclose(estimates, torch.cat([tone, tone]), atol=1e-5)


@ORACLES
def test_oracle_estimates_sum_to_the_mixture_even_in_silence(oracle: Baseline) -> None:
    targets = torch.cat([_tones(), torch.zeros(1, 1, 44100)])
    targets[..., 20000:30000] = 0
    noise = 0.01 * torch.randn(1, 44100, generator=torch.Generator().manual_seed(0))
    heard = targets.sum(0) + noise
    assert torch.allclose(oracle(heard, targets).sum(0), heard, atol=1e-5)


def _noises(n_stems: int = 2) -> torch.Tensor:
    return torch.randn(n_stems, 2, 30000, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("oracle", "expected"), [(oracle_irm, 1 / 4), (oracle_wiener, 1 / 10), (oracle_ibm, 0.0), (mixture, 1.0)]
)
def test_masks_of_one_sound_at_two_levels(oracle: Baseline, expected: float) -> None:
    """One stem three times as loud as the other in every bin: shares 1/4, 1/10 and nothing for the quiet one."""
    targets = _noises(1) * torch.tensor([3.0, 1.0])[:, None, None]
    estimates = oracle(targets.sum(0), targets)
    torch.testing.assert_close(estimates[1], expected * targets.sum(0), atol=1e-5, rtol=0)


def test_a_binary_mask_gives_a_bin_to_its_loudest_stem() -> None:
    """Frames do not overlap in what they keep: one stem sounds first, the other after."""
    targets = _noises()
    targets[0, :, 15000:] = 0
    targets[1, :, :15000] = 0
    estimates = oracle_ibm(targets.sum(0), targets)
    assert torch.allclose(estimates[0, :, :10000], targets[0, :, :10000], atol=1e-4)
    assert torch.allclose(estimates[0, :, 20000:], torch.zeros(2, 10000), atol=1e-4)


def test_the_wiener_filter_has_the_least_error_of_ratio_masks() -> None:
    """In the spectrogram, of independent noises: no other exponent does better."""
    targets = _noises(3) * torch.tensor([1.0, 0.5, 0.25])[:, None, None]
    scores = {
        name: sdr(BASELINES[name](targets.sum(0), targets).flatten(1), targets.flatten(1)).mean() for name in BASELINES
    }
    assert scores["oracle_wiener"] > scores["oracle_irm"] > scores["mixture"]
    assert scores["oracle_wiener"] > scores["oracle_ibm"] > scores["mixture"]


def test_every_baseline_has_its_name_and_its_shape() -> None:
    assert {name: baseline.__name__ for name, baseline in BASELINES.items()} == {name: name for name in BASELINES}
    assert set(BASELINES) == {"mixture", "oracle_irm", "oracle_ibm", "oracle_wiener"}
    for baseline in BASELINES.values():
        targets = _noises(3)[..., :999]
        assert baseline(targets.sum(0), targets).shape == targets.shape
        assert baseline(targets.sum(0), targets).dtype == targets.dtype
