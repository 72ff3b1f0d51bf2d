"""What the songs play: harmony, form and melody obey the rules of the trade."""

from __future__ import annotations

from itertools import pairwise

import pytest

from auralflow.data.synth import SongConfig
from auralflow.data.synth.harmony import Key, build_chord, lead_voices, nearest_pitch, step_in_scale
from auralflow.data.synth.melody import write_melody
from auralflow.data.synth.plan import draw_plan, random_stream
from auralflow.data.synth.styles import STYLES
from auralflow.errors import ConfigError

SEEDS = range(12)


@pytest.mark.parametrize(
    ("key", "degree", "tones"),
    [
        ("C major", 0, (0, 4, 7)),
        ("C major", 5, (9, 0, 4)),
        ("G major", 4, (2, 6, 9)),
        ("A minor", 0, (9, 0, 4)),
        ("A minor", 4, (4, 8, 11)),
        ("F# minor", 5, (2, 6, 9)),
    ],
)
def test_chords_are_spelt_as_in_the_textbook(key: str, degree: int, tones: tuple[int, ...]) -> None:
    assert build_chord(Key.parse(key), degree).tones == tones


def test_a_dominant_seventh() -> None:
    assert build_chord(Key.parse("C major"), 4, seventh=True).tones == (7, 11, 2, 5)


@pytest.mark.parametrize("name", ["Db major", "C# major"])
def test_enharmonic_names_are_one_key(name: str) -> None:
    assert Key.parse(name) == Key(1, "major")


def test_voices_move_less_than_in_root_position() -> None:
    chords = [build_chord(Key.parse("C major"), degree) for degree in (0, 5, 3, 4, 0)]
    led = lead_voices(chords, 62)
    for chord, voicing in zip(chords, led, strict=True):
        assert {midi % 12 for midi in voicing} == set(chord.tones)
    moved = sum(abs(new - old) for before, after in pairwise(led) for old, new in zip(before, after, strict=True))
    blocks = [[60 + (c.root + i) for i in (0, 4, 7)] for c in chords]
    parallel = sum(abs(new - old) for before, after in pairwise(blocks) for old, new in zip(before, after, strict=True))
    assert moved < 0.5 * parallel


def test_scale_steps_and_nearest_notes() -> None:
    major = Key.parse("C major").scale
    assert [step_in_scale(60, n, major) for n in (-2, -1, 0, 1, 2, 7)] == [57, 59, 60, 62, 64, 72]
    assert nearest_pitch(61.0, (0, 4, 7)) == 60
    assert nearest_pitch(62.4, (0, 4, 7)) == 64


@pytest.mark.parametrize("duration_s", [1.0, 5.0, 12.0, 30.0, 61.7, 200.0])
@pytest.mark.parametrize("seed", [0, 3, 8])
def test_sections_tile_the_song_and_fit_into_it(seed: int, duration_s: float) -> None:
    plan = draw_plan(SongConfig(seed=seed, duration_s=duration_s))
    bars = [bar for section in plan.sections for bar in section.bars]
    assert bars == list(range(plan.n_bars))
    assert len(plan.chords) == plan.n_bars + 1
    assert plan.sections[-1].name == "chorus"
    assert plan.n_bars == 1 or plan.time_s(plan.n_bars, 0) < duration_s - 1.0


@pytest.mark.parametrize("seed", SEEDS)
def test_thirty_seconds_hold_intro_verse_and_chorus_and_end_on_the_tonic(seed: int) -> None:
    plan = draw_plan(SongConfig(seed=seed))
    assert [section.name for section in plan.sections] == ["intro", "verse", "chorus"]
    assert all(section.n_bars >= 1 for section in plan.sections)
    assert plan.chords[-1].root == plan.key.tonic
    low, high = STYLES[plan.style].tempo_bpm
    assert low <= plan.tempo_bpm <= high


def test_giving_one_thing_leaves_the_others_as_drawn() -> None:
    drawn = draw_plan(SongConfig(seed=5))
    given = draw_plan(SongConfig(seed=5, key="C minor", voice="alto"))
    assert (given.key.name, given.voice) == ("C minor", "alto")
    for name in ("tempo_bpm", "style", "swing", "kit", "bass_sound", "comping_sound", "sections"):
        assert getattr(given, name) == getattr(drawn, name)
    assert draw_plan(SongConfig(seed=5, tempo_bpm=101.0)).tempo_bpm == 101.0


def test_seeds_give_variety() -> None:
    plans = [draw_plan(SongConfig(seed=seed)) for seed in range(60)]
    assert len({plan.tempo_bpm for plan in plans}) > 50
    assert len({plan.key for plan in plans}) > 15
    assert {plan.style for plan in plans} == set(STYLES)
    assert len({plan.voice for plan in plans}) == 4
    assert len({(plan.kit, plan.bass_sound, plan.comping_sound) for plan in plans}) > 10


def test_swing_delays_every_second_sixteenth_only() -> None:
    plan = draw_plan(SongConfig(seed=0, style="hip_hop"))
    assert plan.time_s(1, 4) - plan.time_s(1, 0) == pytest.approx(60.0 / plan.tempo_bpm)
    late_s = plan.time_s(0, 1) - plan.time_s(0, 0) - plan.step_s
    assert late_s == pytest.approx(plan.swing * plan.step_s)
    assert plan.swing >= 0.12


@pytest.mark.parametrize("seed", SEEDS)
def test_the_melody_fits_the_chords(seed: int) -> None:
    plan = draw_plan(SongConfig(seed=seed))
    for phrase in write_melody(plan, random_stream(plan.config, "melody")):
        for syllable in phrase.syllables:
            steps = round((syllable.start_s - plan.time_s(0, 0)) / plan.step_s - 0.5 * plan.swing)
            chord = plan.chords[steps // 16]
            assert syllable.midi % 12 in chord.scale
            if steps % 4 == 0:
                assert syllable.midi % 12 in chord.tones
        assert phrase.syllables[-1].midi % 12 in {t for chord in plan.chords for t in chord.tones}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_singer_breathes(seed: int) -> None:
    plan = draw_plan(SongConfig(seed=seed))
    phrases = write_melody(plan, random_stream(plan.config, "melody"))
    assert all(after.start_s - before.end_s > 0.25 for before, after in pairwise(phrases))
    for phrase in phrases:
        assert all(after.start_s > before.start_s + 0.1 for before, after in pairwise(phrase.syllables))
    sung = sum(phrase.end_s - phrase.start_s for phrase in phrases) / plan.config.duration_s
    assert 0.35 < sung < 0.68
    assert phrases[0].start_s > plan.time_s(plan.sections[1].first_bar, 0) - 0.02


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", -1),
        ("duration_s", 0.5),
        ("duration_s", float("nan")),
        ("sample_rate", 4000),
        ("tempo_bpm", 10.0),
        ("key", "H minor"),
        ("key", "A"),
        ("style", "polka"),
        ("voice", "castrato"),
    ],
)
def test_settings_that_cannot_be_are_named(field: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"^song\.{field}: expected"):
        SongConfig(**{field: value})  # type: ignore[arg-type]
