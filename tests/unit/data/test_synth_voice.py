"""The singer: pitch, vibrato, formants and consonants are where the phonetics books say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from auralflow.data.synth import SongConfig
from auralflow.data.synth.melody import Syllable, write_melody
from auralflow.data.synth.phonemes import CONSONANTS, VOWELS
from auralflow.data.synth.plan import draw_plan, random_stream
from auralflow.data.synth.signals import midi_to_hz
from auralflow.data.synth.voice import Singer, draw_singer, render_voice, sing_phrase

SAMPLE_RATE = 22_050
LEAD_S = 0.42
PLAIN = Singer(
    tract=1.0,
    breath=0.0,
    open_quotient=0.6,
    closure_hz=5000.0,
    vibrato_hz=5.5,
    vibrato_cents=0.0,
    jitter_cents=0.0,
    glide_s=0.06,
)


def sing(
    singer: Singer = PLAIN, *, onset: str = "", vowel: str = "a", midi: int = 50, length_s: float = 2.0
) -> np.ndarray:
    syllable = Syllable(1.0, length_s, midi, midi + 4, 0.8, onset, vowel)
    return sing_phrase((syllable,), singer, SAMPLE_RATE, np.random.default_rng(0))


def pitch_hz(sound: np.ndarray, expected_hz: float, sample_rate: int) -> float:
    """The lag of the highest peak of the normalised autocorrelation, within a fourth of what is expected."""
    window = np.hanning(len(sound))
    power = np.abs(np.fft.rfft(sound * window, 2 * len(sound))) ** 2
    weight = np.abs(np.fft.rfft(window, 2 * len(sound))) ** 2
    lags = np.arange(int(sample_rate / expected_hz / 1.33), int(sample_rate / expected_hz * 1.33) + 2)
    peaks = (np.fft.irfft(power) / np.fft.irfft(weight))[lags]
    best = int(np.clip(np.argmax(peaks), 1, len(lags) - 2))
    left, middle, right = peaks[best - 1 : best + 2]
    return sample_rate / (lags[best] + 0.5 * (left - right) / (left - 2 * middle + right))


def band_level(sound: np.ndarray, low_hz: float, high_hz: float) -> float:
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    freqs_hz = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE)
    return float(power[(freqs_hz >= low_hz) & (freqs_hz < high_hz)].sum())


@pytest.mark.parametrize("seed", [0, 2, 3, 9])
def test_sustained_vowels_have_the_pitch_of_the_melody(seed: int) -> None:
    plan = draw_plan(SongConfig(seed=seed, duration_s=16.0, sample_rate=SAMPLE_RATE))
    vocals = render_voice(plan).mean(axis=0)
    phrases = write_melody(plan, random_stream(plan.config, "melody"))
    cents = []
    for syllable in (s for phrase in phrases if phrase.section == "verse" for s in phrase.syllables):
        if syllable.duration_s > 0.4:
            expected_hz = float(midi_to_hz(syllable.midi))
            first, last = syllable.start_s + 0.15, syllable.start_s + syllable.duration_s - 0.05
            part = vocals[int(first * SAMPLE_RATE) : int(last * SAMPLE_RATE)]
            cents.append(1200 * np.log2(pitch_hz(part, expected_hz, SAMPLE_RATE) / expected_hz))
    assert len(cents) >= 2
    assert np.abs(cents).max() < 50.0


@pytest.mark.parametrize("vowel", VOWELS)
@pytest.mark.parametrize("tract", [1.0, 1.15])
def test_formants_are_where_the_vowel_has_them(vowel: str, tract: float) -> None:
    """A voice at 33 Hz draws the resonances finely; the spectrum's tilt is taken away before looking for peaks."""
    sound = sing(replace(PLAIN, tract=tract), vowel=vowel, midi=24)[int((LEAD_S + 0.3) * SAMPLE_RATE) :][:SAMPLE_RATE]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    freqs_hz = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE)
    fundamental_hz = float(midi_to_hz(24))
    for number, formant_hz in enumerate(VOWELS[vowel][:2]):
        near = [n for n in range(4, 110) if abs(n * fundamental_hz / (tract * formant_hz) - 1) < (0.3, 0.2)[number]]
        levels = [n * spectrum[np.abs(freqs_hz - n * fundamental_hz) < 6.0].max() for n in near]
        found_hz = near[int(np.argmax(levels))] * fundamental_hz
        assert found_hz == pytest.approx(tract * formant_hz, rel=0.08, abs=45.0)


def test_vibrato_has_its_rate_and_depth() -> None:
    singer = replace(PLAIN, vibrato_cents=40.0)
    sound = sing(singer, midi=57, length_s=3.0)
    freqs_hz = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE)
    first_harmonic = np.where(np.abs(freqs_hz - 220.0) < 80.0, np.fft.rfft(sound), 0.0)
    analytic = np.fft.ifft(np.pad(first_harmonic, (0, len(sound) - len(first_harmonic))))
    slope_hz = np.diff(np.unwrap(np.angle(analytic))) * SAMPLE_RATE / (2 * np.pi)
    held = 1200 * np.log2(slope_hz[int(1.0 * SAMPLE_RATE) : int(3.0 * SAMPLE_RATE)] / 220.0)
    wave = np.abs(np.fft.rfft((held - held.mean()) * np.hanning(len(held)), 8 * len(held)))
    rate_hz = np.argmax(wave) * SAMPLE_RATE / (8 * len(held))
    assert rate_hz == pytest.approx(5.5, rel=0.1)
    assert np.std(held) * np.sqrt(2) == pytest.approx(40.0, rel=0.3)
    assert abs(held.mean()) < 15.0


@pytest.mark.parametrize(("onset", "low_hz", "high_hz"), [("s", 5000, 10_000), ("sh", 2500, 5500), ("k", 1500, 3500)])
def test_consonants_hiss_before_the_vowel(onset: str, low_hz: float, high_hz: float) -> None:
    begin, end = (int((LEAD_S + at_s) * SAMPLE_RATE) for at_s in (-CONSONANTS[onset].hiss.duration_s, -0.012))
    with_onset, without = (band_level(sing(onset=o)[begin:end], low_hz, high_hz) for o in (onset, ""))
    assert with_onset > 100 * without


@pytest.mark.parametrize(("onset", "length_s"), [("", 0.0), ("m", CONSONANTS["m"].duration_s)])
def test_nothing_but_breath_sounds_before_the_syllable_or_after_it(onset: str, length_s: float) -> None:
    sound = sing(onset=onset, length_s=1.0)
    before = sound[: int((LEAD_S - length_s - 0.05) * SAMPLE_RATE)]
    after = sound[int((LEAD_S + 1.0 + 0.12) * SAMPLE_RATE) :]
    peak = np.abs(sound).max()
    # The singer draws breath, at a twentieth of the voice's level.
    assert np.abs(before).max() < 0.1 * peak
    assert np.abs(after).max() < 0.01 * peak


def test_a_plosive_closes_the_mouth() -> None:
    first = Syllable(1.0, 0.5, 50, 54, 0.8, "", "a")
    second = Syllable(1.5, 0.5, 50, 54, 0.8, "t", "a")
    joined = replace(second, onset="")
    closed, open_ = (
        sing_phrase((first, s), PLAIN, SAMPLE_RATE, np.random.default_rng(0))[
            int((LEAD_S + 0.445) * SAMPLE_RATE) : int((LEAD_S + 0.475) * SAMPLE_RATE)
        ]
        for s in (second, joined)
    )
    assert np.std(closed) < 0.1 * np.std(open_)


@pytest.mark.parametrize("onset", ["", "m", "l"])
def test_voiced_syllables_have_no_clicks(onset: str) -> None:
    """A step of 1 % of the peak would stand out of the second difference of a voice without breath."""
    singer = replace(PLAIN, closure_hz=600.0)
    sound = sing(singer, onset=onset, vowel="u", midi=52)
    bend = np.abs(np.diff(sound, 2))
    blocks = bend[: len(bend) // 500 * 500].reshape(-1, 500).max(axis=1)
    steady = np.median(blocks[20:60])
    assert blocks.max() < 3.0 * steady
    clicked = sound.copy()
    clicked[SAMPLE_RATE] += 4.0 * steady
    assert np.abs(np.diff(clicked, 2)).max() > 3.0 * steady


def test_voices_differ_and_are_drawn_from_the_seed() -> None:
    singers = [draw_singer("alto", np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert singers[0] == singers[1] != singers[2]
    assert (
        draw_singer("soprano", np.random.default_rng(1)).tract > draw_singer("baritone", np.random.default_rng(1)).tract
    )


def test_breath_fills_the_top_of_the_spectrum() -> None:
    breathy, plain = (sing(replace(PLAIN, closure_hz=600.0, breath=breath)) for breath in (0.02, 0.0))
    assert band_level(breathy, 7000, 10_500) > 3 * band_level(plain, 7000, 10_500)
