"""The songs that the training recipe writes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.grooves import write_grooves

pytest.importorskip("mido")
_RECIPE = Path(__file__).parents[3] / "recipes" / "small_4stem"
_SECONDS = 20.0


@pytest.fixture(autouse=True)
def _recipe_on_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Its modules import each other plainly; leave none of them behind for other tests."""
    monkeypatch.syspath_prepend(str(_RECIPE))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(_RECIPE) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def groove_folder(tmp_path: Path) -> Path:
    """Eight bars of rock at 120 by drummer1 (Roland's key 26 on every beat), the same by drummer2."""
    write_grooves(tmp_path, ("drummer1", "drummer2"), key=26)
    return tmp_path


def _without_mma(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave all songs to our own players."""
    import genres
    import score

    styles = {name: style for name, style in genres.STYLES.items() if style.players}
    monkeypatch.setattr(score, "STYLES", styles)
    monkeypatch.setattr(score, "_MMA_SHARE", 0.0)


def test_library_keeps_to_its_split_and_maps_keys(groove_folder: Path) -> None:
    from grooves import GrooveLibrary, read_bars

    library = GrooveLibrary.open(groove_folder, ("drummer1",))
    assert [performance.path.name for performance in library.performances] == ["drummer1.mid"]
    bars = read_bars(library.performances[0])
    assert [[hit.beat for hit in bar] for bar in bars] == [[0.0, 1.0, 2.0, 3.0]] * 8
    assert {hit.key for bar in bars for hit in bar} == {46}


def test_groove_takes_the_tempo_of_the_song(groove_folder: Path) -> None:
    from chords import Key, read_chord
    from form import Section, Song
    from grooves import GrooveLibrary, play_groove

    library = GrooveLibrary.open(groove_folder, ("drummer1",))
    song = Song("rock", 100.0, "4/4", 0.0, Key(0, "major"), (Section("verse", 0, 4),), ((read_chord("I", 0),),) * 4)
    notes = play_groove(library.performances[0], library, song, np.random.default_rng(0))
    onsets = sorted({round(note.start_s, 6) for note in notes})
    assert np.allclose(np.diff(onsets), 0.6)


def test_numerals() -> None:
    from chords import read_chord

    assert read_chord("bVII", 0).name == "Bb"
    assert read_chord("ii7", 2).tones == (4, 7, 11, 2)
    assert read_chord("i5", 9).tones == (9, 4)
    assert read_chord("iim7b5", 0).name == "Dm7b5"


def test_every_progression_can_be_read() -> None:
    from chords import PROGRESSIONS, Key, draw_progression

    for kind in PROGRESSIONS:
        for seed in range(20):
            assert draw_progression((kind,), Key(seed % 12, "major"), np.random.default_rng(seed))


def test_patterns_and_rhythms_fill_their_bar() -> None:
    from basslines import PATTERNS as LINES
    from genres import STYLES
    from patterns import KEYS, PATTERNS
    from players import PLAYERS
    from rhythms import RHYTHMS

    for table in (RHYTHMS, LINES):
        assert all(len(text) == steps for kind in table.values() for steps, texts in kind.items() for text in texts)
    for kind, patterns in PATTERNS.items():
        lengths = {len(text) for pattern in patterns for text in pattern.values()}
        assert lengths == {12 if kind in ("three", "six") else 16}
        assert {piece for pattern in patterns for piece in pattern} <= set(KEYS)
    for style in STYLES.values():
        assert set(style.players) <= set(PLAYERS)
        assert set(style.patterns) <= set(PATTERNS)
        assert set(style.basses) <= {*LINES, "kick"}


def test_songs_by_own_players(groove_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from grooves import GrooveLibrary
    from score import write_score

    _without_mma(monkeypatch)
    library = GrooveLibrary.open(groove_folder, ("drummer1", "drummer2"))
    active = []
    for seed in range(30):
        score = write_score(np.random.default_rng(seed), _SECONDS, library)
        notes = [*score.drums, *score.bass, *score.melody, *score.harmony]
        notes += [note for part in score.others for note in part.notes]
        assert 60.0 <= score.tempo_bpm <= 190.0
        assert all(0.0 <= note.start_s < note.start_s + note.duration_s <= _SECONDS + 1e-9 for note in notes)
        assert all(1 <= note.velocity <= 127 for note in notes)
        assert all(28 <= note.pitch <= 55 for note in score.bass)
        assert score.sections[0][1] == 0.0
        assert score.sections[-1][2] == _SECONDS
        if score.melody:
            pitches = [note.pitch for note in score.melody]
            assert max(pitches) - min(pitches) <= 16
            assert max(note.duration_s for note in score.melody) <= 3.0
            active.append(sum(note.duration_s for note in score.melody) / _SECONDS)
    assert 20 <= len(active) < 30, "some songs, but few, have no voice"
    assert 0.55 < np.mean(active) < 0.8


def test_voice_sings_one_note_at_a_time_and_breathes(groove_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from grooves import GrooveLibrary
    from score import write_score

    _without_mma(monkeypatch)
    library = GrooveLibrary.open(groove_folder, ("drummer1",))
    for seed in range(10):
        melody = write_score(np.random.default_rng(seed), _SECONDS, library).melody
        gaps = [after.start_s - note.start_s - note.duration_s for note, after in pairwise(melody)]
        assert not gaps or min(gaps) > -0.03
        assert not gaps or max(gaps) > 0.2


def test_one_seed_one_song(groove_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from grooves import GrooveLibrary
    from score import write_score

    _without_mma(monkeypatch)
    library = GrooveLibrary.open(groove_folder, ("drummer1",))
    first, again, other = (write_score(np.random.default_rng(seed), _SECONDS, library) for seed in (5, 5, 6))
    assert first == again
    assert first != other


def test_bass_follows_the_kick() -> None:
    from basslines import play_bass
    from chords import Key, read_chord
    from form import Section, Song

    song = Song("pop", 120.0, "4/4", 0.0, Key(9, "minor"), (Section("verse", 0, 1),), ((read_chord("i", 9),),))
    notes = play_bass("kick", song, song.sections[0], [0.0, 0.75, 1.25], np.random.default_rng(0))
    assert np.allclose([note.start_s for note in notes], [0.0, 0.75, 1.25], atol=0.016)
    assert {note.pitch % 12 for note in notes} == {9}


def test_bass_plays_on_where_there_is_no_kick() -> None:
    from basslines import play_bass
    from chords import Key, read_chord
    from form import Section, Song

    song = Song("pop", 120.0, "4/4", 0.0, Key(9, "minor"), (Section("verse", 0, 1),), ((read_chord("i", 9),),))
    assert play_bass("kick", song, song.sections[0], [5.0], np.random.default_rng(0))


def test_strum_sounds_one_string_after_the_other() -> None:
    from chords import Key, read_chord
    from form import Section, Song
    from players import PLAYERS, play

    song = Song("folk", 90.0, "4/4", 0.0, Key(0, "major"), (Section("verse", 0, 1),), ((read_chord("I", 0),),))
    notes = play(PLAYERS["acoustic_strum"], song, song.sections[0], np.random.default_rng(1))
    assert {note.pitch % 12 for note in notes} == {0, 4, 7}
    assert len({note.start_s for note in notes}) == len(notes)


@pytest.mark.skipif(shutil.which("mma") is None, reason="needs Debian's package mma")
def test_band_by_mma_keeps_time_and_key() -> None:
    from accompaniment import play_band, read_groove_file
    from chords import Key, read_chord
    from form import Section, Song

    chords = tuple((read_chord(numeral, 0),) for numeral in ("I", "IV", "V", "I"))
    song = Song("rock", 110.0, "4/4", 0.0, Key(0, "major"), (Section("verse", 0, 4),), chords)
    file = read_groove_file("basicrock")
    band, again = (play_band(file, song, np.random.default_rng(3)) for _ in range(2))
    assert band == again
    last_s = max(note.start_s for note in band.drums)
    assert 3 * song.bar_s < last_s < 4 * song.bar_s
    assert {note.pitch % 12 for note in band.bass if note.start_s < song.bar_s - 0.1} <= {0, 2, 4, 5, 7, 9, 11}
    assert band.others


def test_says_when_mma_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    import accompaniment

    monkeypatch.setattr(accompaniment.shutil, "which", lambda name: None)
    with pytest.raises(RuntimeError, match="apt-get install mma"):
        accompaniment.read_groove_file("swing")
