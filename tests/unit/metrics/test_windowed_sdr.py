"""The SDR of seconds: what BSS Eval version 4 gives, without its filters."""

from __future__ import annotations

import math

import pytest
import torch

from auralflow.errors import AudioError
from auralflow.metrics import bss_eval_v4 as v4
from auralflow.metrics import load_metric, metrics
from auralflow.metrics import windowed_sdr as module

windowed_sdr = module.windowed_sdr


def _noise(n_samples: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(2, 1, n_samples, generator=torch.Generator().manual_seed(seed))


def test_is_found_by_name_and_says_what_it_is() -> None:
    assert metrics.load("windowed_sdr") is windowed_sdr
    metric = load_metric("windowed_sdr")
    assert (metric.window_s, metric.refuses_silence, metric.uses_all_targets) == (1.0, True, False)
    assert [(c.name, c.is_framewise, c.higher_is_better) for c in metric.columns] == [("windowed_sdr", True, True)]


def test_is_the_sdr_of_bss_eval_v4_silence_and_all() -> None:
    """One window has a silent target in one stem, one a silent estimate in the other."""
    targets, estimates = _noise(5300), _noise(5300) + 0.3 * _noise(5300, seed=1)
    targets[0, :, 1000:2000] = 0
    estimates[1, :, 3000:4000] = 0
    expected = v4.bss_eval_v4(estimates, targets, sample_rate=1000)["v4_sdr"]
    found = windowed_sdr(estimates, targets, sample_rate=1000)["windowed_sdr"]
    assert found.isnan().tolist() == [[False, True, False, True, False]] * 2
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9, equal_nan=True)


def test_each_second_is_its_own_ratio() -> None:
    """An error of a tenth, of a hundredth, and none at all; what is left at the end belongs to no second."""
    targets = torch.ones(1, 2, 350, dtype=torch.float64)
    estimates = targets.clone()
    estimates[..., :100] *= 0.9
    estimates[..., 100:200] *= 1.01
    estimates[..., 300:] = 77
    found = windowed_sdr(estimates, targets, sample_rate=100)["windowed_sdr"]
    assert found[0].tolist() == pytest.approx([20.0, 40.0, math.inf])


def test_channels_are_summed_before_the_ratio() -> None:
    targets = torch.ones(1, 2, 100, dtype=torch.float64)
    targets[:, 0] *= 3
    estimates = targets.clone()
    estimates[:, 0] += 0.1
    expected = 10 * math.log10((900 + 100) / (100 * 0.01))
    assert windowed_sdr(estimates, targets, sample_rate=100)["windowed_sdr"].item() == pytest.approx(expected)


@pytest.mark.parametrize("side", [0, 1])
def test_a_stem_that_is_silent_throughout_is_refused(side: int) -> None:
    pair = [_noise(300), _noise(300, seed=1)]
    pair[side][1] = 0
    with pytest.raises(AudioError, match="silent throughout"):
        windowed_sdr(*pair, sample_rate=100)
