"""Recorded stems are laid out where training looks, and songs that test are nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

import effects
import mixdown
import recorded
from library import DEV_SONGS, SINGERS, TEST_SONGS, TRAIN_BAND, TRAIN_SONGS, VOICES
from notes import RATE
from recorded import lay_out_lows, lay_out_songs, lay_out_sounds, lay_out_voices, level


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the recipe wants it: two seconds a stem, a low and a high tone in each; no other songs around."""
    monkeypatch.setattr(recorded, "METAL_SONGS", tmp_path / "no_metal")
    time_s = np.arange(2 * RATE) / RATE
    tones = 0.2 * np.sin(2 * np.pi * 60 * time_s) + 0.2 * np.sin(2 * np.pi * 2000 * time_s)
    for song in (*TRAIN_SONGS, *DEV_SONGS, *TEST_SONGS, TRAIN_BAND):
        folder = tmp_path / "data" / "songs" / song
        folder.mkdir(parents=True)
        for stem in ("drums", "other", "bass") if song == TRAIN_BAND else ("vocals", "drums", "other"):
            soundfile.write(folder / f"{stem}.ogg", np.stack([tones, tones], 1), RATE)
    loops = tmp_path / "data" / "loops" / "berklee"
    loops.mkdir(parents=True)
    soundfile.write(loops / "conga_loop_110.ogg", tones[: RATE // 2], RATE // 2)
    return tmp_path / "data"


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.wav")}


def level_at(path: Path, hz: float) -> float:
    samples, rate = soundfile.read(path)
    return float(np.abs(np.fft.rfft(samples[:rate, 0]))[round(hz)])


def test_sounds_lie_by_stem_and_what_is_low_in_other_is_gone(data: Path, tmp_path: Path) -> None:
    lay_out_sounds(data, tmp_path / "sounds")
    expected = {f"{stem}/{song}.wav" for song in TRAIN_SONGS for stem in ("vocals", "drums", "other")}
    assert names(tmp_path / "sounds") == expected | {"drums/conga_loop_110.wav"}
    other, drums = (tmp_path / "sounds" / stem / f"{TRAIN_SONGS[0]}.wav" for stem in ("other", "drums"))
    assert level_at(other, 60) < 0.1 * level_at(other, 2000)
    assert level_at(drums, 60) == pytest.approx(level_at(drums, 2000), rel=0.05)
    assert soundfile.info(tmp_path / "sounds/drums/conga_loop_110.wav").samplerate == RATE
    assert soundfile.info(tmp_path / "sounds/drums/conga_loop_110.wav").channels == 2


def test_what_is_low_in_other_is_a_bass_of_its_own(data: Path, tmp_path: Path) -> None:
    lay_out_lows(data, tmp_path / "lows")
    assert names(tmp_path / "lows") == {f"bass/{song}.wav" for song in TRAIN_SONGS}
    low = tmp_path / "lows/bass" / f"{TRAIN_SONGS[0]}.wav"
    assert level_at(low, 2000) < 0.001 * level_at(low, 60)


def test_lone_sounds_are_as_loud_as_their_stems_in_rendered_songs(data: Path, tmp_path: Path) -> None:
    """However loud a file is; what a song is made of is 28 dB below what the desk calls 0 dB, on average."""
    lay_out_sounds(data, tmp_path / "lone")
    lay_out_lows(data, tmp_path / "lone")
    for path in (tmp_path / "lone").rglob("*.wav"):
        found_db = 20 * np.log10(effects.active_level(soundfile.read(path)[0].T))
        assert found_db == pytest.approx(mixdown.LEVELS_DB[path.parent.name][0] - 28, abs=0.1), path
    quiet = level(1e-3 * np.random.default_rng(0).standard_normal((2, RATE)).astype(np.float32), "bass")
    assert 20 * np.log10(quiet.std()) == pytest.approx(-30, abs=0.3)


def test_syllables_are_sung_by_singers_of_other_sizes_and_by_none_that_is_held_out(data: Path, tmp_path: Path) -> None:
    tone = 0.2 * np.sin(2 * np.pi * 440 * np.arange(70 * 8000) / 8000)
    for voice in {*SINGERS, *VOICES["dev"], *VOICES["test"]}:
        (data / "vocals" / voice).mkdir(parents=True)
        soundfile.write(data / "vocals" / voice / "002.ogg", tone, 8000)
    for folder in ("one", "same"):
        lay_out_voices(data, tmp_path / folder, seed=3)
    voices = sorted(SINGERS)
    assert names(tmp_path / "one") == {f"vocals/{voice}_002.wav" for voice in voices}
    sung, rate = soundfile.read(tmp_path / "one/vocals" / f"{voices[0]}_002.wav")
    again, _ = soundfile.read(tmp_path / "same/vocals" / f"{voices[0]}_002.wav")
    assert np.array_equal(sung, again)
    pitches = [
        np.argmax(np.abs(np.fft.rfft(sung[at * rate :][: 2 * rate, 0]))) / 2 for at in (5, len(sung) // rate - 6)
    ]
    assert all(440 * 2 ** (-5 / 12) - 5 < pitch < 440 * 2 ** (4 / 12) + 5 for pitch in pitches)
    assert abs(pitches[0] - pitches[1]) > 5


def test_songs_that_choose_and_test_are_apart_and_the_band_has_silence_for_a_voice(data: Path, tmp_path: Path) -> None:
    lay_out_songs(data, tmp_path)
    assert {path.parent.name for path in (tmp_path / "real_test").rglob("*.wav")} == set(TEST_SONGS)
    assert {path.parent.name for path in (tmp_path / "real_dev").rglob("*.wav")} == set(DEV_SONGS)
    assert {path.parent.name for path in (tmp_path / "songs").rglob("*.wav")} == {TRAIN_BAND}
    voice, length = soundfile.read(tmp_path / "songs/train" / TRAIN_BAND / "vocals.wav")[0], 2 * RATE
    assert voice.shape == (length, 2)
    assert not voice.any()


def test_what_is_there_is_left_and_what_is_missing_is_passed_over(data: Path, tmp_path: Path) -> None:
    lay_out_sounds(data, tmp_path / "sounds")
    mark = tmp_path / "sounds" / "drums" / f"{TRAIN_SONGS[0]}.wav"
    mark.write_bytes(b"mine")
    (data / "songs" / TRAIN_SONGS[1] / "drums.ogg").unlink()
    lay_out_sounds(data, tmp_path / "sounds")
    assert mark.read_bytes() == b"mine"
    lay_out_sounds(tmp_path / "nowhere", tmp_path / "none")
    assert not (tmp_path / "none").exists()
