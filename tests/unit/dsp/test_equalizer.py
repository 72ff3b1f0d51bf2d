"""The equalizer: against the formulae, a recursive filter, and what each kind of band is for."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import signal

from auralflow.dsp.equalizer import Band, BandKind, biquad, butterworth, equalize, equalizer_response
from auralflow.errors import ConfigError

RATE = 44100
BANDS = [
    Band("low_shelf", 100.0, 5.0),
    Band("high_shelf", 8000.0, -6.0),
    Band("peak", 400.0, 6.0, 1.0),
    Band("peak", 3000.0, -8.0, 4.0),
    Band("high_pass", 40.0),
    Band("low_pass", 15000.0, q=1.2),
]
KINDS: list[BandKind] = ["peak", "low_shelf", "high_shelf", "low_pass", "high_pass"]


def _gain_db(bands: list[Band], *freqs_hz: float) -> list[float]:
    gain = equalizer_response(bands, torch.tensor(freqs_hz), RATE).abs()
    return (20 * gain.clamp(min=1e-12).log10()).tolist()


@pytest.mark.parametrize("freq_hz", [50.0, 100.0, 400.0, 1000.0, 3000.0, 8000.0, 16000.0])
def test_a_tone_comes_out_as_the_formulae_say(freq_hz: float) -> None:
    tone = torch.sin(2 * math.pi * freq_hz * torch.arange(RATE, dtype=torch.float64) / RATE).float()
    settled = slice(RATE // 2, None)  # a whole number of periods
    out = equalize(tone, BANDS, RATE)[settled]
    measured_db = 20 * (out.norm() / tone[settled].norm()).log10().item()
    expected = 1.0
    for band in BANDS:
        b, a = biquad(band, RATE)
        expected *= abs(signal.freqz(b, a, [freq_hz], fs=RATE)[1][0])
    assert measured_db == pytest.approx(20 * math.log10(expected), abs=0.01)


def test_is_the_recursive_filter() -> None:
    """Phase and transient too, to -100 dB."""
    noise = torch.randn(2, 20001, generator=torch.Generator().manual_seed(0))
    rows = [np.concatenate([b, a]) / a[0] for b, a in (biquad(band, RATE) for band in BANDS)]
    expected = signal.sosfilt(np.array(rows), noise.double().numpy())
    np.testing.assert_allclose(equalize(noise, BANDS, RATE), expected, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gain_db", [-30.0, 30.0])
@pytest.mark.parametrize(("freq_hz", "q"), [(20.0, 10.0), (20.0, 0.1), (19000.0, 10.0)])
def test_extremes_are_the_recursive_filter(kind: BandKind, gain_db: float, freq_hz: float, q: float) -> None:
    band = Band(kind, freq_hz, gain_db, q)
    click = torch.zeros(RATE)
    click[10] = 1
    expected = signal.lfilter(*biquad(band, RATE), click.double().numpy())
    np.testing.assert_allclose(equalize(click, [band], RATE), expected, atol=1e-5 * np.abs(expected).max())


def test_bell_has_its_gain_in_its_centre_and_none_far_off() -> None:
    assert _gain_db([Band("peak", 1000.0, 7.0, 2.0)], 0.0, 1000.0, RATE / 2) == pytest.approx([0, 7, 0], abs=1e-4)


def test_shelves_have_half_their_gain_at_their_frequency() -> None:
    assert _gain_db([Band("low_shelf", 200.0, 6.0)], 0.0, 200.0, RATE / 2) == pytest.approx([6, 3, 0], abs=1e-4)
    assert _gain_db([Band("high_shelf", 5000.0, -8.0)], 0.0, 5000.0, RATE / 2) == pytest.approx([0, -4, -8], abs=1e-4)


@pytest.mark.parametrize("order", [2, 4, 8])
def test_butterworth_is_down_three_decibels_at_its_corner(order: int) -> None:
    low, high = butterworth("low_pass", 1000.0, order), butterworth("high_pass", 1000.0, order)
    assert _gain_db([*low], 10.0, 1000.0) == pytest.approx([0, -3.01], abs=0.01)
    assert _gain_db([*high], 10000.0, 1000.0) == pytest.approx([0, -3.01], abs=0.05)
    octaves = _gain_db([*high], 100.0, 50.0)
    assert octaves[0] - octaves[1] == pytest.approx(6.02 * order, abs=0.1)


def test_butterworth_is_the_textbook_one() -> None:
    freqs_hz = torch.linspace(1, 22000, 500, dtype=torch.float64)
    sections = signal.butter(6, 1500, "low", fs=RATE, output="sos")
    expected = signal.sosfreqz(sections, freqs_hz.numpy(), fs=RATE)[1]
    actual = equalizer_response(butterworth("low_pass", 1500.0, 6), freqs_hz, RATE)
    np.testing.assert_allclose(actual.abs(), np.abs(expected), atol=1e-9)


def test_no_band_changes_nothing() -> None:
    noise = torch.randn(2, 3, 1001, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(equalize(noise, [], RATE), noise)


@pytest.mark.parametrize("n_samples", [0, 1, 2, 101])
def test_short_signals(n_samples: int) -> None:
    assert equalize(torch.ones(2, n_samples), BANDS, RATE).shape == (2, n_samples)


@pytest.mark.parametrize(("freq_hz", "q"), [(0.0, 1.0), (-5.0, 1.0), (math.nan, 1.0), (100.0, 0.0)])
def test_impossible_bands_are_refused(freq_hz: float, q: float) -> None:
    with pytest.raises(ConfigError, match=r"band\.(freq_hz|q): expected more than 0"):
        Band("peak", freq_hz, 3.0, q)


def test_a_band_beyond_the_spectrum_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"band\.freq_hz: expected less than 4000"):
        equalize(torch.zeros(10), [Band("peak", 4000.0, 3.0)], 8000)
    with pytest.raises(ConfigError, match="order: expected an even number"):
        butterworth("low_pass", 1000.0, 3)
