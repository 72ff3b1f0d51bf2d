"""Key and tempo: a tone moves by the cents that were asked for, events by the tempo, and stems stay together."""

from __future__ import annotations

import math

import numpy as np
import pytest

from auralflow.data.augment.pitch_tempo import PitchTempo

RATE = 44100


def _fixed(semitones: float, tempo: float) -> PitchTempo:
    return PitchTempo((semitones, semitones), (tempo, tempo))


def _apply(transform: PitchTempo, samples: np.ndarray, seed: int = 0) -> np.ndarray:
    return transform(samples, RATE, np.random.default_rng(seed))


def _make_tone(freq_hz: float, n_samples: int) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * freq_hz * np.arange(n_samples) / RATE)).astype(np.float32)[None]


def _measure_hz(samples: np.ndarray) -> float:
    n = 1 << 15
    spectrum = np.log(np.abs(np.fft.rfft(samples[0, 5000 : 5000 + n] * np.hanning(n), 4 * n)) + 1e-9)
    k = int(np.argmax(spectrum))
    a, b, c = spectrum[k - 1 : k + 2]
    return (k + (a - c) / (a - 2 * b + c) / 2) * RATE / (4 * n)


@pytest.mark.parametrize("semitones", [-7.0, -2.0, -0.13, 0.0, 0.5, 2.0, 7.0])
@pytest.mark.parametrize("tempo", [0.8, 1.0, 1.1])
@pytest.mark.parametrize("freq_hz", [110.0, 1000.0])
def test_a_tone_moves_by_what_was_asked(semitones: float, tempo: float, freq_hz: float) -> None:
    out = _apply(_fixed(semitones, tempo), _make_tone(freq_hz, 60000))
    assert 1200 * math.log2(_measure_hz(out) / freq_hz) == pytest.approx(100 * semitones, abs=2)
    assert np.abs(out[0, 8000:-8000]).max() == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize("semitones", [-3.0, 0.0, 3.0])
@pytest.mark.parametrize("tempo", [0.75, 0.95, 1.2])
def test_events_move_by_the_tempo(semitones: float, tempo: float) -> None:
    """Two bursts two seconds apart, at the centres of their energy: 0.3 % of the distance, and the first in place."""
    sound = np.zeros((1, 5 * RATE), np.float32)
    places = np.array([30000, 30000 + 2 * RATE])
    for place in places:
        sound[0, place - 400 : place + 400] = np.random.default_rng(0).standard_normal(800)
    transform = _fixed(semitones, tempo)
    energy = _apply(transform, sound)[0].astype(np.float64) ** 2
    centres = []
    for expected in places / tempo:
        around = np.arange(round(expected) - 12000, round(expected) + 12000)
        centres.append(np.sum(energy[around] * around) / np.sum(energy[around]))
    assert centres[0] == pytest.approx(places[0] / tempo, abs=0.005 * RATE)
    assert centres[1] - centres[0] == pytest.approx(2 * RATE / tempo, rel=0.003)


@pytest.mark.parametrize(
    ("semitones", "tempo"), [((-2.0, 2.0), (0.9, 1.1)), ((-12.0, 12.0), (0.5, 2.0)), ((1.0, 1.0), (0.7, 0.7))]
)
def test_n_input_is_enough_and_no_more(semitones: tuple[float, float], tempo: tuple[float, float]) -> None:
    """The result is full of sound to its last samples, however fast; and what is asked for grows with the speed."""
    transform = PitchTempo(semitones, tempo)
    for n_output in (1, 2, 3, 1000, 1001, 12345):
        n_input = transform.n_input(n_output)
        assert n_output <= n_input <= n_output * max(1, tempo[1]) + 1
        for seed in range(6):
            out = _apply(transform, np.ones((1, n_input), np.float32), seed)
            assert out.shape == (1, n_output)
            if n_output > 10000:
                assert np.abs(out[0, -2000:]).min() > 0.1  # frames half over the end fade


def test_more_than_enough_is_used_to_its_end() -> None:
    transform = PitchTempo((0.0, 0.0), (0.9, 1.1))
    assert _apply(transform, np.ones((2, 11000), np.float32)).shape == (2, 10000)


def test_nothing_to_change_changes_nothing() -> None:
    noise = np.random.default_rng(0).standard_normal((2, 9001)).astype(np.float32)
    np.testing.assert_array_equal(_apply(_fixed(0.0, 1.0), noise), noise)


def test_stems_of_a_song_stay_together() -> None:
    """Two bands of one sound, each drawn with the same seed, add up to the transformed sum: in tune and in time."""
    noise = np.random.default_rng(0).standard_normal((1, 4 * RATE))
    spectrum = np.fft.rfft(noise)
    low = spectrum * (np.arange(spectrum.shape[1]) < 8000)
    stems = [np.fft.irfft(part).astype(np.float32) * 10 for part in (low, spectrum - low)]
    transform = PitchTempo()
    apart = sum(_apply(transform, stem, seed=4) for stem in stems)
    together = _apply(transform, sum(stems), seed=4)
    inner = slice(RATE, -RATE)
    for band in (slice(0, 3000), slice(12000, 20000)):
        a, b = (np.abs(np.fft.rfft(x[0, inner]))[band] ** 2 for x in (np.asarray(apart), together))
        assert 10 * np.log10(a.sum() / b.sum()) == pytest.approx(0, abs=1)


def test_draws_are_the_same_whatever_the_sound() -> None:
    tones = [_make_tone(freq_hz, 60000) for freq_hz in (200.0, 800.0)]
    ratios = [_measure_hz(_apply(PitchTempo(), tone, seed=3)) / _measure_hz(tone) for tone in tones]
    assert 1200 * abs(math.log2(ratios[0] / ratios[1])) < 2
    assert abs(1200 * math.log2(ratios[0])) > 5
