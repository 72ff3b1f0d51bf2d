"""Who validates: told by names alone, whatever else there is, and never from the published test."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from auralflow.data.split import Splits, song_key, split_tracks
from auralflow.data.track import Sound, Track
from auralflow.errors import ConfigError


def song(name: str, *stems: str) -> Track:
    return Track(name, {stem: Sound(Path(name, stem), 44100, 2, 44100) for stem in stems or ("vocals", "drums")})


def songs(names: Iterable[object], folder: str = "") -> list[Track]:
    return [song(f"{folder}song {name}") for name in names]


def sound(stem: str, name: str, split: str = "") -> Track:
    return song(f"{split}{stem}/{name}", stem)


def keys(tracks: Iterable[Track]) -> set[str]:
    return {song_key(track) for track in tracks}


def check_whole(splits: Splits, tracks: Iterable[Track]) -> None:
    """Every track is somewhere, once, and no name is on two sides."""
    divided = [*splits.train, *splits.valid]
    assert sorted(divided, key=lambda track: track.name) == sorted(tracks, key=lambda track: track.name)
    assert not keys(splits.train) & keys(splits.valid)
    assert splits.train
    assert splits.valid


def test_published_splits_stay() -> None:
    by_split = {split: songs(range(9), f"{split}/{split} ") for split in ("train", "valid", "test")}
    splits = split_tracks(by_split, 0.5)
    assert [list(part) for part in (splits.train, splits.valid, splits.test)] == list(by_split.values())


@pytest.mark.parametrize("split", ["train", "unsplit"])
def test_without_valid_a_share_is_taken(split: str) -> None:
    tracks = songs(range(2000))
    splits = split_tracks({split: tracks}, 0.15)
    check_whole(splits, tracks)
    # Binomial: a standard deviation is sqrt(2000 * 0.15 * 0.85) = 16.
    assert abs(len(splits.valid) - 300) < 4 * 16
    assert splits.test == ()


def test_test_is_never_touched() -> None:
    test = songs(range(50), "test/")
    splits = split_tracks({"train": songs(range(100, 140), "train/"), "test": test}, 0.5)
    assert list(splits.test) == test
    assert not set(test) & {*splits.train, *splits.valid}


def test_added_songs_move_no_other() -> None:
    before = split_tracks({"train": songs(range(40))}, 0.3)
    after = split_tracks({"train": songs(range(400))}, 0.3)
    assert set(before.valid) <= set(after.valid)
    assert set(before.train) <= set(after.train)


def test_order_does_not_matter() -> None:
    tracks = songs(range(40))
    shuffled = random.Random(0).sample(tracks, len(tracks))
    one, other = split_tracks({"train": tracks}), split_tracks({"train": shuffled})
    assert set(one.valid) == set(other.valid)
    assert one.lines == other.lines


def test_seed_and_fraction_count() -> None:
    tracks = songs(range(100))
    chosen = {seed: frozenset(split_tracks({"train": tracks}, 0.3, seed).valid) for seed in range(5)}
    assert len(set(chosen.values())) == 5
    # A larger fraction takes more songs, and those of the smaller as well.
    assert chosen[0] < set(split_tracks({"train": tracks}, 0.6, 0).valid)


def test_other_processes_choose_alike() -> None:
    """Python's own hash of a string differs from process to process."""
    code = (
        "from auralflow.data.split import split_tracks; from auralflow.data.track import Track;"
        "print([t.name for t in split_tracks({'train': [Track(f'song {n}', {}) for n in range(60)]}).valid])"
    )
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    ours = split_tracks({"train": [Track(f"song {n}", {}) for n in range(60)]}).valid
    assert told.stdout.strip() == str([track.name for track in ours])


@pytest.mark.parametrize("n_songs", [2, 3, 4])
@pytest.mark.parametrize("fraction", [0.001, 0.5, 0.999])
def test_each_side_has_a_song(n_songs: int, fraction: float) -> None:
    for seed in range(20):
        tracks = songs(range(n_songs))
        check_whole(split_tracks({"unsplit": tracks}, fraction, seed), tracks)


@pytest.mark.parametrize("seed", range(5))
def test_a_song_in_two_data_sets_is_on_one_side(seed: int) -> None:
    """Names come with another folder, case or spelling of accents; the song is the same."""
    one = [song(f"train/Björk - {n}") for n in range(40)]
    other = [song(f"Bjo\u0308rk - {n}") for n in range(20)] + [song(f"BJÖRK - {n}") for n in range(20, 40)]
    together = split_tracks({"train": one, "unsplit": other}, 0.4, seed)
    check_whole(together, one + other)
    # Apart they are divided in the same way.
    assert keys(split_tracks({"train": one}, 0.4, seed).valid) == keys(
        split_tracks({"unsplit": other}, 0.4, seed).valid
    )


def test_unsplit_songs_follow_a_published_valid() -> None:
    by_split = {
        "train": songs(["a"], "train/"),
        "valid": songs(["b"], "valid/"),
        "unsplit": songs(["b", "c"]),
    }
    splits = split_tracks(by_split, 0.9)
    assert [track.name for track in splits.train] == ["train/song a", "song c"]
    assert [track.name for track in splits.valid] == ["valid/song b", "song b"]


def test_lone_sounds_are_divided_stem_by_stem() -> None:
    for seed in range(20):
        tracks = [sound(stem, f"{stem} {n}.wav") for stem in ("bass", "drums", "vocals") for n in range(3)]
        splits = split_tracks({"unsplit": tracks}, 0.1, seed)
        check_whole(splits, tracks)
        for side in (splits.train, splits.valid):
            assert {stem for track in side for stem in track.stems} == {"bass", "drums", "vocals"}


def test_lone_sounds_of_one_song_stay_together() -> None:
    tracks = [
        sound(stem, f"song {n}{end}") for stem, end in (("vocals", ".wav"), ("drums", ".flac")) for n in range(30)
    ]
    for seed in range(5):
        splits = split_tracks({"unsplit": tracks}, 0.3, seed)
        check_whole(splits, tracks)
        assert len(splits.valid) == 2 * len(keys(splits.valid))


def test_a_stem_that_is_there_once_trains() -> None:
    once = sound("kazoo", "toot.wav")
    for seed in range(20):
        tracks = [once, *(sound("vocals", f"{n}.wav") for n in range(3))]
        splits = split_tracks({"unsplit": tracks}, 0.9, seed)
        check_whole(splits, tracks)
        assert once in splits.train


@pytest.mark.parametrize(
    ("by_split", "message"),
    [
        ({}, "expected at least two songs to train with, got 0 in valid, 0 in test only"),
        ({"test": songs("ab")}, "expected at least two songs to train with, got 0 in valid, 2 in test only"),
        ({"train": songs("a")}, r"expected at least two songs \(or sounds of a stem\) to divide .*, got song a"),
        ({"unsplit": songs("a"), "test": songs("b")}, "expected at least two songs"),
        # The same song twice is one song.
        ({"train": songs("a", "train/"), "unsplit": songs("a")}, "expected at least two songs"),
        ({"unsplit": [sound("vocals", "a.wav"), sound("drums", "b.wav")]}, "expected at least two songs"),
        ({"valid": songs("a"), "unsplit": songs("a")}, "expected songs to train with, but all 1 have the name of one"),
    ],
)
def test_too_few(by_split: dict[str, list[Track]], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        split_tracks(by_split)
    assert "\n" not in str(caught.value)


def test_one_song_of_each_published_split_is_enough() -> None:
    splits = split_tracks({"train": songs("a"), "valid": songs("b")})
    assert (len(splits.train), len(splits.valid)) == (1, 1)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 15, float("nan")])
def test_a_fraction_that_is_none(fraction: float) -> None:
    with pytest.raises(ConfigError, match=r"^valid_fraction: expected more than 0, less than 1"):
        split_tracks({"train": songs(range(9))}, fraction)


def test_the_lines_say_what_was_done() -> None:
    splits = split_tracks({"train": songs(range(10)), "test": songs("t")}, 0.3, seed=7)
    names = ", ".join(track.name for track in splits.valid)
    assert splits.lines == (
        f"train: {len(splits.train)} tracks",
        f"valid: {len(splits.valid)} tracks, by the names of 10 (fraction 0.3, seed 7): {names}",
        "test: 1 track, as published",
    )
    many = split_tracks({"train": songs(range(1000))}, 0.5)
    assert many.lines[1].endswith(f" and {len(many.valid) - 20} more")
    assert many.lines[2] == "test: none"
    published = split_tracks({"train": songs("a"), "valid": songs("b")})
    assert published.lines[1] == "valid: 1 track, as published: song b"


def test_one_name_in_two_published_splits_is_said() -> None:
    by_split = {"train": songs("ab", "train/"), "valid": songs("c", "valid/"), "test": songs("ax", "test/")}
    assert split_tracks(by_split).lines[3:] == (
        "in both train and test by name: song a; make sure that they are other songs",
    )


@pytest.mark.parametrize(
    ("track", "key"),
    [
        (song("train/Nina - Song"), "nina - song"),
        (song("test/album/x.y"), "album/x.y"),
        (song("train"), "train"),
        (song("album/train/x"), "album/train/x"),
        (sound("vocals", "deep/a.b.wav", "train/"), "deep/a.b"),
        (song("Vocals/a.wav", "vocals"), "a"),
        (song("drums/a.wav", "vocals"), "drums/a.wav"),
        (song("vocals/a", "vocals", "drums"), "vocals/a"),
        (song("\udcff"), "\udcff"),
    ],
)
def test_keys(track: Track, key: str) -> None:
    assert song_key(track) == key


def test_names_that_are_no_text_can_be_divided() -> None:
    tracks = [song(f"\udcff{n}") for n in range(9)]
    check_whole(split_tracks({"train": tracks}), tracks)
