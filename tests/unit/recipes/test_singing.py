"""The voices of the data recipe: syllables cut from a recording, and sung on other notes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from notes import RATE, Note, Sound

pytest.importorskip("pyworld")

from singing import SingingStyle, draw_style, sing, speak
from voice_bank import FRAME_S, VoiceBank, analyse_voice

STEADY = SingingStyle(vibrato_cents=0, drift_cents=0, jitter_cents=0, scoop_semitones=0, melisma=0, breaths=0)
NOTES = [Note(0.5, 0.4, 57, 90), Note(0.9, 0.4, 60, 90), Note(2.0, 0.8, 55, 90)]
SYLLABLES = 5


def make_syllable(random: np.random.Generator, pitch_hz: float) -> np.ndarray:
    """90 ms of hiss, then half a second of a buzz with formants of an "a", then a pause."""
    hiss = 0.05 * np.diff(random.standard_normal(int(0.09 * RATE) + 1))
    time = np.arange(RATE // 2) / RATE
    partials = pitch_hz * np.arange(1, int(10_000 / pitch_hz))
    gains = sum(1 / (1 + ((partials - formant) / 120) ** 2) for formant in (730, 1090, 2440)) + 0.003
    vowel = 0.2 * (gains[:, None] * np.sin(2 * np.pi * partials[:, None] * time)).sum(axis=0)
    vowel *= np.minimum(1, np.minimum(time, time[::-1]) / 0.02)
    return np.concatenate([hiss, vowel, np.zeros(RATE // 4)])


def make_recording(seed: int, pitch_hz: float) -> np.ndarray:
    random = np.random.default_rng(seed)
    sound = np.concatenate([make_syllable(random, pitch_hz) for _ in range(SYLLABLES)])
    return np.concatenate([np.zeros(RATE // 4), sound]) + 1e-5 * random.standard_normal(len(sound) + RATE // 4)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> VoiceBank:
    folder = tmp_path_factory.mktemp("voice")
    soundfile.write(folder / "000.wav", make_recording(0, 220.0), RATE)
    return analyse_voice(folder, folder / "cache")


def sing_once(bank: VoiceBank, style: SingingStyle = STEADY, seed: int = 0, notes: list[Note] = NOTES) -> Sound:
    return sing(bank, notes, 3 * RATE, np.random.default_rng(seed), style)


def pitch_of(sound: Sound, note: Note) -> float:
    """MIDI number in the middle of a note, from the strongest period of its autocorrelation."""
    middle = round((note.start_s + note.duration_s * 0.6) * RATE)
    piece = sound[middle - 3000 : middle + 3000].astype(np.float64)
    near = 2 ** (np.arange(-300, 301) / 100 / 12) * 440 * 2 ** ((note.pitch - 69) / 12)
    spectrum = np.abs(np.fft.rfft(piece * np.hanning(6000), 1 << 19))
    strength = sum(spectrum[np.round(near * k * (1 << 19) / RATE).astype(int)] for k in range(1, 7))
    return float(69 + 12 * np.log2(near[np.argmax(strength)] / 440))


def centroid(sound: Sound) -> float:
    power = np.abs(np.fft.rfft(sound)) ** 2
    return float(power @ np.fft.rfftfreq(len(sound), 1 / RATE) / power.sum())


def test_cuts_each_syllable_with_its_consonant(bank: VoiceBank) -> None:
    assert len(bank.syllables) == SYLLABLES
    assert np.allclose(bank.notes, 57, atol=0.1)
    consonants = (bank.syllables[:, 1] - bank.syllables[:, 0]) * FRAME_S
    assert np.all((consonants > 0.06) & (consonants < 0.13))
    assert np.all((bank.syllables[:, 3] - bank.syllables[:, 2]) * FRAME_S > 0.3)


def test_reads_the_analysis_again_from_its_cache(bank: VoiceBank, tmp_path: Path) -> None:
    folder = tmp_path / "voice"
    folder.mkdir()
    soundfile.write(folder / "a.wav", make_syllable(np.random.default_rng(1), 200.0), RATE)
    first = analyse_voice(folder, tmp_path / "cache")
    (folder / "a.wav").unlink()
    again = analyse_voice(folder, tmp_path / "cache")
    assert np.array_equal(first.envelope, again.envelope)
    assert [file.suffixes for file in (tmp_path / "cache").iterdir()] == [[".npz"]]


def test_refuses_a_folder_without_a_voice(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE), RATE)
    with pytest.raises(ValueError, match="no syllable"):
        analyse_voice(tmp_path, tmp_path / "cache")


def test_what_a_recording_at_16_khz_lacks_is_guessed_after_other_voices(bank: VoiceBank, tmp_path: Path) -> None:
    for folder, rate in (("full", RATE), ("narrow", 16_000)):
        (tmp_path / folder).mkdir()
        sound = soxr.resample(make_recording(2, 180.0), RATE, rate)
        soundfile.write(tmp_path / folder / "000.wav", sound, rate)
    full = analyse_voice(tmp_path / "full", tmp_path / "cache")
    alone = analyse_voice(tmp_path / "narrow", tmp_path / "alone")
    guessed = analyse_voice(tmp_path / "narrow", tmp_path / "cache", like=[bank])
    hisses = {name: highs_of_hisses(voice) for name, voice in (("full", full), ("alone", alone), ("guessed", guessed))}
    assert hisses["guessed"] == pytest.approx(hisses["full"], abs=3)
    assert hisses["alone"] < hisses["full"] - 30
    assert np.array_equal(guessed.envelope[:, :80], alone.envelope[:, :80])


def highs_of_hisses(voice: VoiceBank) -> float:
    """Level above 10 kHz in the consonants, dB."""
    frames = np.concatenate([np.arange(start + 4, beat - 4) for start, beat in voice.syllables[:, :2]])
    return float(np.median(voice.envelope[frames, 104:].astype(float)))


def test_a_voice_that_speaks_sings_a_fifth_higher(bank: VoiceBank, tmp_path: Path) -> None:
    (tmp_path / "reader").mkdir()
    soundfile.write(tmp_path / "reader" / "000.wav", make_recording(3, 110.0), RATE)
    reader = analyse_voice(tmp_path / "reader", tmp_path, like=[bank])
    assert (reader.is_speech, bank.is_speech) == (True, False)
    assert reader.singing_note == pytest.approx(45 + 7, abs=0.1)
    assert bank.singing_note == bank.middle_note


def test_the_pitch_follows_the_notes(bank: VoiceBank) -> None:
    sound = sing_once(bank)
    assert sound.shape == (3 * RATE,)
    assert sound.dtype == np.float32
    for note in NOTES:
        assert pitch_of(sound, note) == pytest.approx(note.pitch, abs=0.2)


def test_is_silent_where_no_note_is(bank: VoiceBank) -> None:
    sound = sing_once(bank)
    consonant = int(0.3 * RATE)
    for start_s, end_s in ((0.0, 0.5), (1.36, 2.0), (2.86, 3.0)):
        pause = sound[int(start_s * RATE) : int(end_s * RATE) - (consonant if end_s < 3 else 0)]
        assert np.abs(pause).max() < 1e-4


def test_sounds_at_the_level_promised(bank: VoiceBank) -> None:
    sound = sing_once(bank)
    held = sound[int(2.2 * RATE) : int(2.6 * RATE)]
    assert 20 * np.log10(np.sqrt(np.mean(held**2))) == pytest.approx(-20, abs=4)


def test_a_smaller_body_has_higher_resonances(bank: VoiceBank) -> None:
    low, high = (centroid(sing_once(bank, replace(STEADY, formant_ratio=ratio))) for ratio in (0.85, 1.2))
    assert high > 1.2 * low


def test_vibrato_sets_in_late(bank: VoiceBank) -> None:
    note = Note(0.5, 2.0, 57, 90)
    style = replace(STEADY, vibrato_cents=80.0, vibrato_delay_s=0.5)
    sound = sing_once(bank, style, notes=[note])
    early = [pitch_of(sound, Note(at, 0.0, 57, 90)) for at in np.arange(0.65, 0.95, 0.04)]
    late = [pitch_of(sound, Note(at, 0.0, 57, 90)) for at in np.arange(1.5, 2.2, 0.04)]
    assert np.ptp(early) < 0.15
    assert np.ptp(late) > 0.5


def test_one_seed_one_song(bank: VoiceBank) -> None:
    assert np.array_equal(sing_once(bank, seed=1), sing_once(bank, seed=1))
    assert not np.allclose(sing_once(bank, seed=1), sing_once(bank, seed=2), atol=1e-3)


def test_sings_chords_and_grace_notes_as_one_voice(bank: VoiceBank) -> None:
    random = np.random.default_rng(0)
    crowd = [
        Note(float(at), 0.3, float(pitch), 90)
        for at, pitch in zip(random.uniform(0, 3, 60), [57, 60] * 30, strict=True)
    ]
    crowd += [replace(note, pitch=note.pitch + 4) for note in crowd]
    assert np.isfinite(sing_once(bank, draw_style(random), notes=crowd)).all()
    assert not sing_once(bank, notes=[]).any()


def test_speech_fills_its_share_of_the_time(bank: VoiceBank) -> None:
    sound = speak(bank, 12 * RATE, np.random.default_rng(0), density=0.6)
    blocks = np.sqrt(np.mean(sound.reshape(-1, RATE // 50) ** 2, axis=1))
    assert 0.35 < np.mean(blocks > 0.003) < 0.85


def test_draws_singers_of_all_kinds() -> None:
    random = np.random.default_rng(0)
    styles = [draw_style(random) for _ in range(200)]
    assert all(0.82 <= style.formant_ratio <= 1.22 for style in styles)
    assert 5 < sum(style.spoken for style in styles) < 40
    assert any(style.portamento_s == 0 and style.vibrato_cents == 0 for style in styles)
