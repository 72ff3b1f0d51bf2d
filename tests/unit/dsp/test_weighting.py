"""K-weighting: the standard's own figure, its limits, and agreement with its filter in time."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import signal

from auralflow.dsp import weighting
from auralflow.dsp.weighting import k_weighted_power, k_weighting


def _gain_db(freq_hz: float) -> float:
    return 20 * math.log10(k_weighting(torch.tensor([freq_hz])).item())


def test_gain_is_what_the_standard_takes_away_again() -> None:
    """BS.1770 adds -0.691 dB so that a tone of 997 Hz reads its own level."""
    assert _gain_db(997.0) == pytest.approx(0.691, abs=1e-3)


def test_shape_of_the_response() -> None:
    assert k_weighting(torch.tensor([0.0])).item() == pytest.approx(0, abs=1e-9)
    assert _gain_db(38.0) == pytest.approx(-6, abs=0.5)  # two poles on one spot, Q of one half
    assert _gain_db(10000.0) == pytest.approx(4, abs=0.1)
    assert _gain_db(40000.0) == _gain_db(24000.0)


def test_power_is_that_of_the_filtered_signal() -> None:
    """A pulse in a long silence: a periodic sound and a single one are the same."""
    pulse = torch.zeros(48000, dtype=torch.float64)
    pulse[100:400] = torch.randn(300, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    filtered = pulse.numpy()
    for above, below in (weighting._SHELF, weighting._HIGH_PASS):
        filtered = signal.lfilter(above, below, filtered)
    assert k_weighted_power(pulse, 48000).item() == pytest.approx((filtered**2).mean(), rel=1e-6)


@pytest.mark.parametrize("n_samples", [1, 2, 999, 1000])
def test_every_bin_counts_once_or_twice(n_samples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parseval's theorem, with a gain of one everywhere."""
    monkeypatch.setattr(weighting, "k_weighting", torch.ones_like)
    weighting._bin_weights.cache_clear()
    waveform = torch.randn(2, n_samples, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(k_weighted_power(waveform, 44100), waveform.square().mean(-1))
    weighting._bin_weights.cache_clear()


def test_can_be_trained_through_after_inference() -> None:
    weighting._bin_weights.cache_clear()
    with torch.inference_mode():
        k_weighted_power(torch.ones(2, 777), 44100)
    waveform = torch.ones(2, 777, requires_grad=True)
    k_weighted_power(waveform, 44100).sum().backward()
    assert waveform.grad is not None
