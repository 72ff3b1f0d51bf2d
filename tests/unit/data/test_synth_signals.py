"""Oscillators, filters, strings and rooms of the song renderer, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from auralflow.data.synth.signals import (
    compress,
    fast_length,
    high_pass,
    low_pass,
    n_harmonics,
    pan,
    place,
    read_table,
    saw_table,
    shape_spectrum,
    time_axis_s,
)
from auralflow.data.synth.space import Room, impulse_response, place_in_room
from auralflow.data.synth.strings import StringSound, pluck_string

SAMPLE_RATE = 44_100


def harmonic_levels(sound: np.ndarray, frequency_hz: float, count: int) -> np.ndarray:
    """Amplitudes of the harmonics of one second whose frequency is a whole number of hertz."""
    spectrum = np.abs(np.fft.rfft(sound[:SAMPLE_RATE])) / (SAMPLE_RATE / 2)
    return spectrum[[round(frequency_hz * k) for k in range(1, count + 1)]]


def test_saw_has_the_harmonics_of_a_saw_and_nothing_between() -> None:
    time_s = time_axis_s(SAMPLE_RATE, SAMPLE_RATE)
    saw = read_table(saw_table(441.0, SAMPLE_RATE), 441.0 * time_s)
    levels = harmonic_levels(saw, 441.0, 40)
    np.testing.assert_allclose(levels, 2.0 / (np.pi * np.arange(1, 41)), rtol=0.01)
    spectrum = np.abs(np.fft.rfft(saw)) / (SAMPLE_RATE / 2)
    spectrum[::441] = 0.0
    assert spectrum.max() < 1e-4


def test_no_harmonic_lies_above_the_nyquist_frequency() -> None:
    for frequency_hz in (30.0, 440.0, 5000.0, 9000.0):
        assert n_harmonics(frequency_hz, 22_050) * frequency_hz < 11_025 or n_harmonics(frequency_hz, 22_050) == 1


@pytest.mark.parametrize("n_samples", [1, 511, 512, 513, 20_000])
@pytest.mark.parametrize("sample_rate", [22_050, 44_100, 48_000])
def test_a_filter_that_does_nothing_changes_nothing(n_samples: int, sample_rate: int) -> None:
    sound = np.random.default_rng(0).standard_normal(n_samples)
    same = shape_spectrum(sound, sample_rate, lambda times_s, freqs_hz: np.ones((len(times_s), len(freqs_hz))))
    np.testing.assert_allclose(same, sound, atol=1e-12)


def test_a_constant_filter_is_a_convolution() -> None:
    sound = np.random.default_rng(1).standard_normal(9000)
    spectrum = np.fft.rfft(sound, 65_536) * low_pass(np.fft.rfftfreq(65_536, 1 / SAMPLE_RATE), 900.0)
    expected = np.fft.irfft(spectrum)[:9000]
    filtered = shape_spectrum(sound, SAMPLE_RATE, lambda _, freqs_hz: low_pass(freqs_hz, 900.0)[None])
    np.testing.assert_allclose(filtered, expected, atol=1e-3)


def test_a_filter_follows_time() -> None:
    sound = np.ones(SAMPLE_RATE)
    faded = shape_spectrum(sound, SAMPLE_RATE, lambda times_s, freqs_hz: times_s[:, None] + 0.0 * freqs_hz)
    middle = slice(1024, -1024)
    # Hann frames blend by a raised cosine, which strays from a straight line by 0.106 of a hop of 512 at most.
    expected = time_axis_s(SAMPLE_RATE, SAMPLE_RATE)[middle]
    np.testing.assert_allclose(faded[middle], expected, rtol=0.0, atol=0.106 * 512 / SAMPLE_RATE)


def test_second_order_filters_fall_by_3_db_at_the_corner() -> None:
    corner_hz = np.array([1000.0])
    assert abs(low_pass(corner_hz, 1000.0)[0]) == pytest.approx(np.sqrt(0.5), abs=1e-3)
    assert abs(high_pass(corner_hz, 1000.0)[0]) == pytest.approx(np.sqrt(0.5), abs=1e-3)


def test_fast_length_is_the_smallest_of_its_kind() -> None:
    def is_smooth(number: int) -> bool:
        twos, threes, fives = (_power_in(number, prime) for prime in (2, 3, 5))
        return 2**twos * 3**threes * 5**fives == number and threes <= 3 and fives <= 3

    for wanted in range(1, 700):
        assert fast_length(wanted) == next(n for n in range(wanted, 2 * wanted + 1) if is_smooth(n))


def _power_in(number: int, prime: int) -> int:
    power = 0
    while number % prime == 0:
        number, power = number // prime, power + 1
    return power


@pytest.mark.parametrize("position", [-1.0, -0.3, 0.0, 0.7, 1.0])
def test_panning_keeps_the_power(position: float) -> None:
    left, right = pan(np.ones(4), position)
    np.testing.assert_allclose(left**2 + right**2, 1.0)
    assert np.sign(right[0] - left[0]) == np.sign(position) or abs(right[0] - left[0]) < 1e-9


@pytest.mark.parametrize("start", [-30, -3, 0, 5, 8, 30])
def test_placing_drops_what_lies_outside(start: int) -> None:
    track, sound = np.zeros((2, 10)), np.arange(1.0, 7.0)
    place(track, start, np.stack([sound, -sound]))
    expected = [sound[n - start] if 0 <= n - start < 6 else 0.0 for n in range(10)]
    np.testing.assert_array_equal(track, [expected, [-value for value in expected]])


def test_compression_halves_the_range_of_loud_levels() -> None:
    tone = np.sin(2 * np.pi * 300 * time_axis_s(SAMPLE_RATE, SAMPLE_RATE))
    levels = np.repeat([0.02, 0.5, 1.0], SAMPLE_RATE // 3)
    squeezed = compress((levels * tone)[None], SAMPLE_RATE, 2.0)[0]
    quiet, middle, loud = (np.abs(squeezed[n * 14_700 + 4000 : (n + 1) * 14_700 - 4000]).max() for n in range(3))
    assert quiet == pytest.approx(0.02, rel=0.01)
    assert loud / middle == pytest.approx(np.sqrt(2.0), rel=0.01)


def test_compressing_silence_gives_silence() -> None:
    assert not compress(np.zeros((2, 1000)), 8000, 3.0).any()


def test_a_string_plucked_in_the_middle_has_no_even_harmonics() -> None:
    sound = StringSound(position=0.5, brightness_hz=5000.0, decay_s=1e6, damping=0.0)
    levels = harmonic_levels(pluck_string(220.0, 1.1, 1.0, sound, SAMPLE_RATE), 220.0, 8)
    assert levels[1::2].max() < 1e-3 * levels[0]
    assert levels[2] / levels[0] == pytest.approx(1 / 3, rel=0.02)


def test_a_string_decays_with_its_time_constant_and_its_top_faster() -> None:
    sound = StringSound(position=0.2, brightness_hz=5000.0, decay_s=0.5, damping=0.5)
    note = pluck_string(200.0, 2.5, 1.0, sound, SAMPLE_RATE)
    early, late = (np.abs(np.fft.rfft(note[n : n + 4410])) for n in (4410, 4410 + 22_050))
    assert early[20] / late[20] == pytest.approx(np.exp(1.25), rel=0.02)
    assert early[60] / late[60] == pytest.approx(np.exp(3.25), rel=0.05)


def test_the_room_decays_by_60_db_in_its_decay_time() -> None:
    response = impulse_response(Room(1.0, 1e9, 0.0), SAMPLE_RATE, np.random.default_rng(3))
    remaining = np.cumsum(np.square(response[0])[::-1])[::-1]
    slope_db_s = 10 * np.log10(remaining[22_050] / remaining[2205]) / (22_050 - 2205) * SAMPLE_RATE
    assert slope_db_s == pytest.approx(-60.0, abs=3.0)
    assert abs(np.corrcoef(response)[0, 1]) < 0.1


def test_a_room_darkens() -> None:
    response = impulse_response(Room(1.0, 3000.0), SAMPLE_RATE, np.random.default_rng(4))[0]
    early, late = (np.abs(np.fft.rfft(response[n : n + 8192])) ** 2 for n in (0, 20_000))
    assert early[2000:].sum() / early[:300].sum() > 30 * late[2000:].sum() / late[:300].sum()


def test_blocks_of_the_room_leave_no_seams() -> None:
    random = np.random.default_rng(5)
    response = impulse_response(Room(0.2, 4000.0), 8000, random)
    dry = random.standard_normal((2, 60_000))
    spectra = np.fft.rfft(dry, 131_072)
    freqs_hz = np.tan(np.pi * np.fft.rfftfreq(131_072)) * 8000 / np.pi
    send = 0.5 * 0.3 * spectra.sum(axis=0) * high_pass(freqs_hz, 150.0) * np.fft.rfft(response, 131_072)
    expected = np.fft.irfft((spectra + send) * high_pass(freqs_hz, 25.0))[:, :60_000]
    np.testing.assert_allclose(place_in_room(dry, response, 0.3, 8000), expected, atol=1e-6)


def test_the_room_takes_the_mean_away() -> None:
    silent = np.zeros((2, 4000))
    wet = place_in_room(np.ones((2, 40_000)), silent, 0.0, 8000)
    assert np.abs(wet[:, 8000:]).max() < 1e-4
