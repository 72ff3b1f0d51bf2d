"""True stems go to the stems of a system, and files that do not fit are told with their figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from auralflow.data.track import Sound, Track
from auralflow.errors import AudioError, AuralflowError, ConfigError
from auralflow.evaluation.config import EvaluationConfig
from auralflow.evaluation.references import (
    MAX_PADDING_S,
    Reference,
    list_tracks,
    make_references,
    read_recording,
    read_sound,
)

SAMPLE_RATE = 8000
STEMS = ("bass", "drums", "other", "vocals")
CONFIG = EvaluationConfig("mixture", "songs")
WriteSong = Callable[..., dict[str, np.ndarray]]


def _track(*stems: str, mixture: bool = True, name: str = "song") -> Track:
    sounds = {stem: Sound(Path(f"{stem}.wav"), SAMPLE_RATE, 2, 100) for stem in stems}
    return Track(name, sounds, Sound(Path("mixture.wav"), SAMPLE_RATE, 2, 100) if mixture else None)


def _names(parts: dict[str, tuple[Sound, ...]]) -> dict[str, list[str]]:
    return {stem: [sound.path.stem for sound in part] for stem, part in parts.items()}


def _open(root: Path, stems: tuple[str, ...] = STEMS, **settings: Any) -> Reference:
    config = EvaluationConfig("mixture", str(root), layout="musdb_hq", **settings)
    tracks, _ = list_tracks(config)
    (reference,) = make_references(tracks, stems, stems, config)
    return reference


# Stems


def test_a_system_of_two_stems_has_all_else_in_other() -> None:
    (reference,) = make_references([_track(*STEMS)], ("vocals", "other"), ("vocals", "other"), CONFIG)
    assert _names(reference.parts) == {"vocals": ["vocals"], "other": ["other", "bass", "drums"]}


@pytest.mark.parametrize("asked", [("other",), ("vocals", "other"), ("other", "bass", "drums")])
def test_what_is_other_does_not_depend_on_what_is_asked_for(asked: tuple[str, ...]) -> None:
    """A model of four stems means by `other` what is none of the three, also when only `other` is scored."""
    (reference,) = make_references([_track(*STEMS)], asked, STEMS, CONFIG)
    assert _names(reference.parts) == {stem: [stem] for stem in asked}
    assert sorted(sound.path.stem for sound in reference.rest) == sorted(set(STEMS) - set(asked))


def test_a_stem_that_a_song_lacks_leaves_its_set() -> None:
    tracks = [_track(*STEMS, name="whole"), _track("vocals", "bass", name="bare")]
    whole, bare = make_references(tracks, ("vocals", "drums"), STEMS, CONFIG)
    assert (list(whole.parts), whole.absent) == (["vocals", "drums"], ())
    assert (list(bare.parts), bare.absent) == (["vocals"], ("drums",))


def test_a_song_with_none_of_the_stems_is_left_out() -> None:
    tracks = [_track("bass", name="a"), _track("vocals", name="b")]
    assert [r.name for r in make_references(tracks, ("vocals",), ("vocals", "bass"), CONFIG)] == ["b"]


def test_a_stem_that_no_song_has_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"no song of songs has a stem 'piano'; choose others with --stems"):
        make_references([_track(*STEMS)], ("vocals", "piano"), ("vocals", "piano"), CONFIG)


def test_only_files_that_are_read_count_as_the_songs() -> None:
    """The published mixture holds what is not scored; without one each sound of it is read."""
    published, summed = (
        make_references([_track(*STEMS, mixture=mixture)], ("vocals",), STEMS, CONFIG)[0] for mixture in (True, False)
    )
    assert [sound.path.stem for sound in published.sounds] == ["vocals", "mixture"]
    assert sorted(sound.path.stem for sound in summed.sounds) == sorted(STEMS)


# Sounds


def test_targets_and_published_mixture_are_the_files(tmp_path: Path, write_song: WriteSong) -> None:
    sounds = write_song(tmp_path / "test/song")
    published = 0.5 * sounds["mixture"]
    soundfile.write(tmp_path / "test/song/mixture.wav", published.T, SAMPLE_RATE, subtype="FLOAT")
    recording = read_recording(_open(tmp_path, ("vocals", "bass")))
    assert recording.stems == ("vocals", "bass")
    np.testing.assert_array_equal(recording.targets, np.stack([sounds["vocals"], sounds["bass"]]))
    np.testing.assert_array_equal(recording.mixture, published)
    assert (recording.sample_rate, recording.n_samples, recording.notes) == (SAMPLE_RATE, 16000, ())


@pytest.mark.parametrize("has_published", [True, False])
def test_the_sum_is_of_all_sounds_also_of_those_not_scored(
    tmp_path: Path, write_song: WriteSong, has_published: bool
) -> None:
    sounds = write_song(tmp_path / "test/song", with_mixture=has_published)
    if has_published:
        soundfile.write(tmp_path / "test/song/mixture.wav", 0 * sounds["mixture"].T, SAMPLE_RATE, subtype="FLOAT")
    recording = read_recording(_open(tmp_path, ("vocals",), mixture="sum"))
    np.testing.assert_allclose(recording.mixture, sounds["mixture"], atol=1e-6)


def test_a_mono_file_goes_to_every_channel_of_its_song(tmp_path: Path, write_song: WriteSong) -> None:
    sounds = write_song(tmp_path / "test/song")
    for name in ("bass", "mixture"):
        soundfile.write(tmp_path / f"test/song/{name}.wav", sounds[name][0], SAMPLE_RATE, subtype="FLOAT")
    recording = read_recording(_open(tmp_path))
    for samples, name in ((recording.targets[0], "bass"), (recording.mixture, "mixture")):
        np.testing.assert_array_equal(samples, sounds[name][[0, 0]])
        assert samples.flags.writeable


@pytest.mark.parametrize(("n_more", "how", "done"), [(800, "long", "cut"), (-800, "short", "padded with silence")])
def test_a_tenth_of_a_second_is_cut_or_padded_with_a_note(
    tmp_path: Path, write_song: WriteSong, n_more: int, how: str, done: str
) -> None:
    sounds = write_song(tmp_path / "test/song")
    bass = np.pad(sounds["bass"], ((0, 0), (0, 800)), constant_values=0.25)[:, : 16000 + n_more]
    soundfile.write(tmp_path / "test/song/bass.wav", bass.T, SAMPLE_RATE, subtype="FLOAT")
    recording = read_recording(_open(tmp_path))
    assert recording.notes == (f"bass.wav: 800 samples (0.100 s) too {how}, {done} at its end",)
    expected = sounds["bass"].copy()
    if n_more < 0:
        expected[:, n_more:] = 0
    np.testing.assert_array_equal(recording.targets[0], expected)


@pytest.mark.parametrize(("n_samples", "told"), [(16801, "801 samples (0.100 s) too long"), (8000, "(1.000 s) too s")])
def test_more_is_refused_with_the_figure(tmp_path: Path, n_samples: int, told: str) -> None:
    path = tmp_path / "bass.wav"
    soundfile.write(path, np.zeros((n_samples, 2)), SAMPLE_RATE)
    notes: list[str] = []
    with pytest.raises(AudioError) as raised:
        read_sound(Sound(path, SAMPLE_RATE, 2, n_samples), 16000, (2,), notes.append)
    message = str(raised.value)
    assert message.startswith(f"{path}: expected 16000 samples, as the song has, got {n_samples}: ")
    assert told in message
    assert f"up to {MAX_PADDING_S} s" in message
    assert notes == []


def test_a_sample_that_is_no_number_is_refused(tmp_path: Path, write_song: WriteSong) -> None:
    sounds = write_song(tmp_path / "test/song")
    sounds["drums"][0, 100], sounds["drums"][1, 7] = np.nan, np.inf
    soundfile.write(tmp_path / "test/song/drums.wav", sounds["drums"].T, SAMPLE_RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"drums\.wav: has 2 samples that are NaN or infinite"):
        read_recording(_open(tmp_path))


def test_a_damaged_file_is_read_with_a_note(tmp_path: Path, write_song: WriteSong) -> None:
    """Silence that stands in for what could not be decoded is scored like any other, so it is told."""
    sounds = write_song(tmp_path / "test/song", seconds=4)
    (tmp_path / "test/song/bass.wav").unlink()
    path = tmp_path / "test/song/bass.flac"
    soundfile.write(path, sounds["bass"].T, SAMPLE_RATE)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 300] = bytes(300)
    path.write_bytes(content)
    recording = read_recording(_open(tmp_path))
    assert [note.startswith("bass.flac: damaged: ") for note in recording.notes] == [True]


def test_files_of_two_rates_are_refused_by_name(tmp_path: Path, write_song: WriteSong) -> None:
    sounds = write_song(tmp_path / "test/song")
    soundfile.write(tmp_path / "test/song/bass.wav", sounds["bass"].T, 16000, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"test/song: expected files of one sample rate, got .*bass.wav 16000 Hz"):
        read_recording(_open(tmp_path))


def test_three_channels_among_two_are_refused(tmp_path: Path, write_song: WriteSong) -> None:
    sounds = write_song(tmp_path / "test/song")
    soundfile.write(tmp_path / "test/song/bass.wav", sounds["bass"][[0, 0, 1]].T, SAMPLE_RATE, subtype="FLOAT")
    with pytest.raises(AuralflowError, match="channels, as the song has, got 2"):
        read_recording(_open(tmp_path))


# Songs


def test_a_split_is_chosen_and_told(tmp_path: Path, write_song: WriteSong) -> None:
    for n, name in enumerate(("train/a", "test/b", "test/c")):
        write_song(tmp_path / name, seed=n, seconds=0.1)

    def names(**settings: Any) -> tuple[list[str], str]:
        tracks, told = list_tracks(EvaluationConfig("mixture", str(tmp_path), **settings))
        return [track.name for track in tracks], told

    assert names() == (["test/b", "test/c"], "test")
    assert names(split="train") == (["train/a"], "train")
    assert names(split="all", max_songs=2) == (["train/a", "test/b"], "all splits")
    with pytest.raises(ConfigError, match=r"^split: .* has train, test; there is no 'valid' in it"):
        names(split="valid")


def test_data_without_splits_is_scored_whole(tmp_path: Path, write_song: WriteSong) -> None:
    write_song(tmp_path / "a", seconds=0.1)
    write_song(tmp_path / "b", seconds=0.1)
    tracks, told = list_tracks(EvaluationConfig("mixture", str(tmp_path)))
    assert ([track.name for track in tracks], told) == (["a", "b"], "all songs (the data has no splits)")


def test_sounds_that_belong_to_no_song_are_refused(tmp_path: Path) -> None:
    for stem in ("vocals", "bass"):
        (tmp_path / "test" / stem).mkdir(parents=True)
        soundfile.write(tmp_path / "test" / stem / f"{stem} loop 1.wav", np.zeros((800, 2)), SAMPLE_RATE)
    with pytest.raises(ConfigError, match="expected songs with their stems, got sounds that do not belong together"):
        list_tracks(EvaluationConfig("mixture", str(tmp_path)))


def test_no_data_at_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="no such data set"):
        list_tracks(EvaluationConfig("mixture", str(tmp_path / "nowhere")))
