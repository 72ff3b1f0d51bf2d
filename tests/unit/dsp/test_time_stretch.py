"""Time stretching: tones keep their pitch and level, events come when they should, and stereo stays where it is."""

from __future__ import annotations

import math

import pytest
import torch

from auralflow.dsp.time_stretch import time_stretch
from auralflow.errors import ConfigError

RATE = 44100
FACTORS = [0.7, 0.9, 1.05, 1.4]


def _make_partials(freqs_hz: list[float], n_samples: int = 2 * RATE) -> torch.Tensor:
    time_s = torch.arange(n_samples, dtype=torch.float64) / RATE
    return sum(torch.sin(2 * math.pi * f * time_s) for f in freqs_hz).float().mul(0.1).unsqueeze(0)  # type: ignore[union-attr]


def _measure(waveform: torch.Tensor, near_hz: float) -> tuple[float, float]:
    """Frequency and amplitude of the strongest partial within half a semitone, from a parabola through its peak."""
    n = 1 << 15
    window = torch.hann_window(n, dtype=torch.float64)
    spectrum = torch.fft.rfft(waveform[0, 10000 : 10000 + n].double() * window, 8 * n).abs().log()
    step = RATE / (8 * n)
    low, high = (int(near_hz * 2 ** (cents / 1200) / step) for cents in (-50, 50))
    k = low + int(spectrum[low:high].argmax())
    a, b, c = spectrum[k - 1 : k + 2].tolist()
    shift = (a - c) / (a - 2 * b + c) / 2
    return (k + shift) * step, math.exp(b - (a - c) * shift / 4) / (n / 4)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("freq_hz", [82.4, 440.0, 1234.5, 9000.0])
def test_a_tone_keeps_its_frequency_and_its_level(factor: float, freq_hz: float) -> None:
    found_hz, amplitude = _measure(time_stretch(_make_partials([freq_hz]), factor, RATE), freq_hz)
    assert abs(1200 * math.log2(found_hz / freq_hz)) < 0.5
    assert amplitude == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize("factor", FACTORS)
def test_partials_of_a_chord_stay_in_tune(factor: float) -> None:
    chord_hz = [k * f for f in (55.0, 220.0, 277.18) for k in (1, 3)]
    out = time_stretch(_make_partials(chord_hz), factor, RATE)
    for freq_hz in chord_hz:
        assert abs(1200 * math.log2(_measure(out, freq_hz)[0] / freq_hz)) < 2


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0, 1.1, 2.0, 1.2345])
@pytest.mark.parametrize("n_samples", [0, 1, 2, 999, 44100])
def test_length(factor: float, n_samples: int) -> None:
    out = time_stretch(torch.ones(2, n_samples), factor, RATE)
    assert out.shape == (2, round(factor * n_samples))
    assert out.isfinite().all()


@pytest.mark.parametrize("factor", FACTORS)
def test_events_come_when_they_should(factor: float) -> None:
    """Bursts of noise, at the centre of their energy: within 5 ms."""
    waveform = torch.zeros(1, 3 * RATE)
    random = torch.Generator().manual_seed(0)
    places = [20000, 60000, 100000]
    for place in places:
        waveform[0, place - 500 : place + 500] = torch.randn(1000, generator=random)
    energy = time_stretch(waveform, factor, RATE)[0].square()
    for place in places:
        around = torch.arange(round(factor * (place - 15000)), round(factor * (place + 15000)))
        centre = (energy[around] * around).sum() / energy[around].sum()
        assert abs(centre.item() - factor * place) < 0.005 * RATE


@pytest.mark.parametrize("factor", FACTORS)
def test_stereo_stays_where_it_is(factor: float) -> None:
    """A source panned by level and polarity comes out panned alike."""
    mono = torch.randn(1, RATE, generator=torch.Generator().manual_seed(0))
    left, right = time_stretch(torch.cat([mono, -0.5 * mono]), factor, RATE)
    assert left.abs().max() > 0.1
    torch.testing.assert_close(right, -0.5 * left, rtol=1e-4, atol=1e-5)


def test_antiphase_does_not_cancel() -> None:
    tone = _make_partials([440.0])
    out = time_stretch(torch.cat([tone, -tone]), 1.1, RATE)
    assert abs(_measure(out[:1], 440.0)[0] - 440.0) < 0.1


@pytest.mark.parametrize("factor", FACTORS)
def test_noise_keeps_its_power(factor: float) -> None:
    noise = torch.randn(2, 2 * RATE, generator=torch.Generator().manual_seed(0))
    power = time_stretch(noise, factor, RATE).square().mean().item()
    assert 10 * math.log10(power) == pytest.approx(0, abs=2)


def test_factor_one_changes_nothing_and_shares_nothing() -> None:
    noise = torch.randn(2, 1000, generator=torch.Generator().manual_seed(0))
    out = time_stretch(noise, 1.0, RATE)
    assert torch.equal(out, noise)
    assert out.data_ptr() != noise.data_ptr()


def test_a_factor_next_to_one_changes_next_to_nothing() -> None:
    """The phase vocoder itself, not its short cut: analysis and synthesis fit."""
    noise = torch.randn(1, RATE, generator=torch.Generator().manual_seed(0))
    out = time_stretch(noise, 1 + 1e-7, RATE)
    torch.testing.assert_close(out, noise, rtol=0, atol=1e-4)


def test_items_are_independent() -> None:
    noise = torch.randn(3, 2, 9001, generator=torch.Generator().manual_seed(0))
    together = time_stretch(noise, 1.1, RATE)
    torch.testing.assert_close(together[1], time_stretch(noise[1], 1.1, RATE), rtol=0, atol=1e-5)


def test_silence_stays_silence() -> None:
    assert (time_stretch(torch.zeros(2, 9001), 1.3, RATE) == 0).all()


@pytest.mark.parametrize("factor", [0.0, -1.0, math.nan, math.inf])
def test_impossible_factors_are_refused(factor: float) -> None:
    with pytest.raises(ConfigError, match="factor: expected more than 0"):
        time_stretch(torch.zeros(1, 10), factor, RATE)
