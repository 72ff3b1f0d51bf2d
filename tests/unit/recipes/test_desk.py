"""The synthesizer, the effects, the bus and the splits of the data recipe."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from pathlib import Path

import numpy as np
import pytest

import effects
from library import DEV_SONGS, DRUMMERS, HELD_OUT, SOUNDFONTS, TEST_SONGS, TRAIN_SONGS, VOICES, Library
from mixdown import master
from notes import RATE, STEMS, Note, Sound
from synthesizer import Patch, draw_patch, play_patch

NOTE = Note(0.5, 1.0, 69, 100)


def make_random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def strongest_hz(sound: Sound) -> float:
    spectrum = np.abs(np.fft.rfft(sound.sum(0) * np.hanning(sound.shape[1])))
    return float(np.argmax(spectrum) * RATE / sound.shape[1])


def plain_patch() -> Patch:
    return replace(draw_patch(make_random(), "lead"), wave="saw", n_voices=1, vibrato_cents=0, cutoff_octaves=6.0)


@pytest.mark.parametrize("wave", ["saw", "sine", "triangle", "pulse"])
def test_a_note_has_its_pitch_and_its_place(wave: str) -> None:
    sound = play_patch(replace(plain_patch(), wave=wave), [NOTE], 2 * RATE, make_random())  # type: ignore[arg-type]
    assert sound.shape == (2, 2 * RATE)
    assert np.abs(sound[:, : RATE // 2 - 1]).max() == 0
    assert strongest_hz(sound[:, RATE // 2 : RATE]) == pytest.approx(440, rel=0.01)


def test_a_high_saw_folds_little_back() -> None:
    patch = replace(plain_patch(), release_s=0.05, sustain=1.0)
    sound = play_patch(patch, [Note(0, 1.0, 100, 127)], RATE, make_random()).sum(0)
    power = np.abs(np.fft.rfft(sound * np.hanning(RATE))) ** 2
    tone_hz = 440 * 2 ** ((100 - 69) / 12)
    harmonic = np.abs((np.arange(len(power)) + 0.5 * tone_hz) % tone_hz - 0.5 * tone_hz) < 6
    below = np.arange(len(power)) < 4000
    assert power[~harmonic & below].sum() < 1e-4 * power[harmonic].sum()


def test_the_same_seed_plays_the_same() -> None:
    patch = draw_patch(make_random(3), "pad")
    one, same, other = (play_patch(patch, [NOTE], RATE, make_random(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_note_that_drops_begins_higher_and_one_that_glides_begins_at_the_one_before() -> None:
    patch = replace(plain_patch(), wave="sine", attack_s=0.001, sustain=1.0, glide_s=0.0, drop_octaves=0.0)
    notes = [Note(0.0, 0.5, 57, 100), Note(0.5, 0.5, 45, 100)]
    piece, at_s = RATE // 10, {"begin": 0.5, "end": 0.85}
    heard = {}
    for name, changed in {
        "plain": patch,
        "drop": replace(patch, drop_octaves=2.0, drop_s=0.1),
        "glide": replace(patch, glide_s=0.1),
    }.items():
        sound = play_patch(changed, notes, RATE, make_random())
        heard[name] = {place: strongest_hz(sound[:, round(at * RATE) :][:, :piece]) for place, at in at_s.items()}
    assert heard["plain"] == {place: pytest.approx(110, abs=6) for place in at_s}
    assert heard["drop"]["begin"] > 200
    assert heard["glide"]["begin"] == pytest.approx(165, abs=35)
    for name in ("drop", "glide"):
        assert heard[name]["end"] == pytest.approx(110, abs=10)


def test_what_the_kick_ducks_is_softer_after_it_and_comes_back() -> None:
    ducked = effects.duck(np.ones((2, 2 * RATE), np.float32), [0.5, 5.0], make_random())
    assert np.abs(np.diff(ducked, axis=1)).max() < 0.05
    assert np.all(ducked[:, : RATE // 2] == 1)
    assert ducked.min() < 0.65
    assert ducked.min() == ducked[:, RATE // 2 : RATE // 2 + RATE // 20].min()
    assert np.all(ducked[:, RATE + RATE // 2 :] == 1)


def test_panning_keeps_power_and_mono_has_no_side() -> None:
    sound = np.repeat(make_random().standard_normal((1, 1000)).astype(np.float32), 2, axis=0)
    for side in (-1.0, -0.3, 0.0, 1.0):
        assert np.square(effects.place(sound, side)).sum() == pytest.approx(np.square(sound).sum(), rel=1e-5)
    assert np.abs(effects.place(sound, -1.0)[1]).max() < 1e-6
    wide = make_random().standard_normal((2, 1000)).astype(np.float32)
    narrow = effects.widen(wide, 0.0)
    assert np.allclose(narrow[0], narrow[1])
    assert np.allclose(effects.widen(wide, 1.0), wide, atol=1e-6)


def test_level_is_measured_where_it_sounds() -> None:
    sound = np.zeros((2, RATE), np.float32)
    sound[:, : RATE // 10] = 0.5
    assert effects.active_level(sound) == pytest.approx(0.5)
    assert effects.active_level(np.zeros((2, RATE), np.float32)) == 0


def test_an_echo_comes_on_the_beat_and_softer() -> None:
    click = np.zeros((2, RATE), np.float32)
    click[:, 0] = 1
    heard = effects.echo(click, make_random(), beat_s=0.1)
    late = np.flatnonzero(np.abs(heard[0]) > 1e-3)[1]
    assert min(abs(late - share * 0.1 * RATE) for share in (0.5, 0.75, 1.0, 1.5)) < 2
    assert heard[0, 0] == 1
    assert np.abs(heard[:, 1:]).max() < 0.5


def test_distortion_keeps_the_peak_and_silence() -> None:
    sound = np.sin(np.arange(RATE) * 0.05).astype(np.float32) * np.float32(0.3) * np.ones((2, 1), np.float32)
    assert np.abs(effects.saturate(sound, make_random())).max() == pytest.approx(0.3, rel=1e-3)
    assert np.abs(effects.saturate(0 * sound, make_random())).max() == 0


@pytest.mark.parametrize("seed", range(4))
def test_a_chorus_is_the_sound_and_itself_some_milliseconds_later(seed: int) -> None:
    click = np.zeros((2, RATE), np.float32)
    click[:, RATE // 2] = 1
    rest = effects.thicken(click, make_random(seed)) - click
    heard = np.flatnonzero(np.abs(rest).max(0) > 1e-3) - RATE // 2
    assert len(heard)
    assert heard.min() > 0.001 * RATE
    assert heard.max() < 0.0285 * RATE
    assert np.all((np.abs(rest).sum(1) > 0.25) & (np.abs(rest).sum(1) < 1.05))


@pytest.mark.parametrize("seed", range(4))
def test_a_telephone_has_a_middle_only(seed: int) -> None:
    def level(hz: float) -> float:
        tone = np.tile(np.sin(2 * np.pi * hz * np.arange(RATE) / RATE), (2, 1)).astype(np.float32)
        return float(effects.narrow_band(tone, make_random(seed)).std())

    assert level(60) < 0.1 * level(1200)
    assert level(12_000) < 0.1 * level(1200)
    assert level(1200) > 0.6


def test_no_voice_drummer_or_song_is_on_two_sides() -> None:
    for sides in (VOICES, DRUMMERS):
        train, dev, test = (set(sides[split]) for split in ("train", "dev", "test"))
        assert not train & (dev | test)
        assert not dev & test
    assert not set(TRAIN_SONGS) & {*DEV_SONGS, *TEST_SONGS}
    assert SOUNDFONTS["train"] not in (SOUNDFONTS["dev"], SOUNDFONTS["test"])


def test_training_never_has_a_held_out_instrument() -> None:
    names = ("killer_bass", "swagbass")
    train = Library(Path("data"), "train").instruments(names)
    held = Library(Path("data"), "test").instruments(names)
    assert [folder.name for folder in train] == ["swagbass"]
    assert [folder.name for folder in held] == ["killer_bass"]
    assert "killer_bass" in HELD_OUT


@pytest.mark.parametrize("seed", range(4))
def test_the_bus_turns_all_stems_alike(seed: int) -> None:
    random = make_random(seed)
    stems = {name: random.standard_normal((2, RATE)).astype(np.float32) for name in STEMS}
    mixture = reduce(np.add, stems.values())
    done = master(stems, make_random(seed))
    gains = [np.median(done[name] / stems[name], axis=0) for name in STEMS]
    assert all(np.allclose(gain, gains[0], rtol=1e-3, atol=1e-6) for gain in gains)
    assert np.allclose(reduce(np.add, done.values()), mixture * gains[0], atol=1e-4)
    assert max(np.abs(stem).max() for stem in done.values()) <= 1
