"""Transforms of the spectrum: equalizer and band limit, measured by what they do to a click."""

from __future__ import annotations

import numpy as np
import pytest

from auralflow.data.augment.band_limit import BandLimit
from auralflow.data.augment.equalizer import Equalizer

RATE = 44100
FREQS_HZ = np.fft.rfftfreq(RATE, 1 / RATE)  # a bin is a hertz


def _measure_db(transform: Equalizer | BandLimit, seed: int = 0, sample_rate: int = RATE) -> np.ndarray:
    click = np.zeros((1, RATE), np.float32)
    click[0, 0] = 1
    response = transform(click, sample_rate, np.random.default_rng(seed))[0]
    return 20 * np.log10(np.abs(np.fft.rfft(response.astype(np.float64))) + 1e-9)


def test_equalizer_without_gain_changes_nothing() -> None:
    assert np.abs(_measure_db(Equalizer(gain_db=(0.0, 0.0)))).max() < 1e-3


def test_equalizer_with_a_fixed_gain_lifts_its_shelves() -> None:
    gain_db = _measure_db(Equalizer(gain_db=(6.0, 6.0), n_bells=0))
    assert gain_db[:15] == pytest.approx(6, abs=0.1)
    assert gain_db[-50:] == pytest.approx(6, abs=0.1)
    assert gain_db[800:1100].mean() < 1


def test_equalizer_has_bells_where_it_should() -> None:
    """All at 1 kHz: three times 4 dB there, nothing an octave and a half beyond the shelves' reach."""
    transform = Equalizer(gain_db=(4.0, 4.0), n_bells=3, freq_hz=(1000.0, 1000.0), q=(2.0, 2.0))
    shelves = _measure_db(Equalizer(gain_db=(4.0, 4.0), n_bells=0))
    assert _measure_db(transform)[1000] - shelves[1000] == pytest.approx(12, abs=0.01)


@pytest.mark.parametrize("seed", range(10))
def test_equalizer_stays_within_what_its_filters_can_do(seed: int) -> None:
    gain_db = _measure_db(Equalizer(gain_db=(-6.0, 6.0), n_bells=2), seed)
    assert np.abs(gain_db).max() < 4 * 6 + 0.1
    assert np.ptp(gain_db) > 0.5


def test_equalizer_leaves_out_what_is_beyond_the_spectrum() -> None:
    """At 8 kHz a shelf of 3 kHz fits, one of 12 kHz does not; either is drawn, so that other draws stay."""
    for seed in range(10):
        assert np.isfinite(_measure_db(Equalizer(), seed, sample_rate=8000)).all()


def test_band_limit_keeps_the_middle_and_cuts_the_rest() -> None:
    gain_db = _measure_db(BandLimit(low_hz=(100.0, 100.0), high_hz=(5000.0, 5000.0)))
    assert gain_db[[100, 5000]] == pytest.approx(-3.01, abs=0.05)
    assert np.abs(gain_db[300:2500]).max() < 0.1
    assert gain_db[[50, 25]] == pytest.approx([-24.1, -48.2], abs=0.5)
    assert gain_db[10000] < -24


@pytest.mark.parametrize("seed", range(5))
def test_band_limit_draws_within_its_ranges(seed: int) -> None:
    gain_db = _measure_db(BandLimit(low_hz=(50.0, 150.0), high_hz=(4000.0, 8000.0)), seed)
    heard = FREQS_HZ[gain_db > -3.02]
    assert 49 < heard.min() < 152
    assert 3990 < heard.max() < 8010


def test_band_limit_above_the_spectrum_cuts_nothing_there() -> None:
    gain_db = _measure_db(BandLimit(low_hz=(20.0, 20.0), high_hz=(16000.0, 16000.0)), sample_rate=16000)
    assert np.abs(gain_db[5000:]).max() < 0.01
