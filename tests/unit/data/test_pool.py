"""Who gets which stem, and that every second of the data is as likely as any other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from auralflow.data.pool import CATCH_ALL, Pool, assign_stems, make_pool
from auralflow.data.track import Sound, Track
from auralflow.errors import ConfigError

RATE = 8000


def track(name: str, stems: Iterable[str], seconds: float = 1.0, sample_rate: int = RATE) -> Track:
    return Track(
        name, {stem: Sound(Path(name, f"{stem}.wav"), sample_rate, 2, round(seconds * RATE)) for stem in stems}
    )


def stems_of(sounds: Iterable[Sound]) -> list[str]:
    return [sound.path.stem for sound in sounds]


@pytest.mark.parametrize(
    ("stems", "targets", "parts", "rest"),
    [
        (["vocals", "drums"], ["vocals", "drums"], [["vocals"], ["drums"]], []),
        (["drums", "vocals"], ["vocals", "drums"], [["vocals"], ["drums"]], []),
        (["vocals", "drums", "bass"], ["vocals"], [["vocals"]], ["drums", "bass"]),
        (["vocals", "drums", "bass"], ["vocals", "other"], [["vocals"], ["drums", "bass"]], []),
        (["vocals", "drums", "other"], ["vocals", "other"], [["vocals"], ["other", "drums"]], []),
        (["vocals", "drums", "other"], ["accompaniment", "vocals"], [["drums", "other"], ["vocals"]], []),
        (["vocals", "piano"], ["instrumental"], [["vocals", "piano"]], []),
        # Of several that take in what is left, the first does.
        (["a", "other"], ["instrumental", "other"], [["a"], ["other"]], []),
        (["vocals"], ["vocals", "drums"], [["vocals"], []], []),
        (["piano"], ["vocals", "drums"], [[], []], ["piano"]),
        (["vocals"], ["vocals", "other"], [["vocals"], []], []),
    ],
)
def test_targets_take_their_stems(
    stems: list[str], targets: list[str], parts: list[list[str]], rest: list[str]
) -> None:
    song = assign_stems(track("song", stems), targets)
    assert [stems_of(part) for part in song.parts] == parts
    assert stems_of(song.rest) == rest


def test_every_stem_is_in_exactly_one_place() -> None:
    known = ("vocals", "drums", "bass", *CATCH_ALL)
    random = np.random.default_rng(0)
    for _, n_stems, n_targets in product(range(20), range(1, 7), range(1, 7)):
        stems = [str(name) for name in random.permutation(known)[:n_stems]]
        targets = [str(name) for name in random.permutation(known)[:n_targets]]
        song = assign_stems(track("song", stems), targets)
        assert len(song.parts) == n_targets
        assert Counter(stems_of(song.sounds)) == Counter(stems)
        for target, part in zip(targets, song.parts, strict=True):
            assert (target in stems_of(part)) == (target in stems)
            assert len(part) <= 1 or target in CATCH_ALL
        assert not song.rest or not set(targets) & set(CATCH_ALL)


def test_a_song_is_as_long_as_its_longest_sound() -> None:
    sounds = {stem: Sound(Path(stem), rate, 1, n) for stem, rate, n in (("a", 8000, 8000), ("b", 16_000, 24_000))}
    assert assign_stems(Track("song", sounds), ["a"]).duration_s == 1.5
    assert assign_stems(Track("song", {}), ["a"]).duration_s == 0


def chi_square(counts: Counter[str], shares: dict[str, float]) -> float:
    n_all = sum(counts.values())
    assert set(counts) <= set(shares)
    return sum((counts[name] - n_all * share) ** 2 / (n_all * share) for name, share in shares.items())


SECONDS = {"a": 1.0, "b": 0.25, "c": 5.0, "d": 2.5, "e": 1.25}
# With 4 degrees of freedom, a chi-square beyond 23.5 has a probability of 1e-4.
LIMIT = 23.5


@pytest.fixture
def pool() -> Pool:
    """Songs of several lengths; some lack the drums."""
    tracks = [track(name, ["vocals"] if name in "bd" else ["vocals", "drums"], s) for name, s in SECONDS.items()]
    return make_pool(tracks, ["vocals", "drums"], are_songs=True, allow_missing=True)


def test_songs_are_drawn_by_their_length(pool: Pool) -> None:
    random = np.random.default_rng(1)
    counts = Counter(pool.draw_song(u).name for u in random.random(20_000))
    assert chi_square(counts, {name: seconds / 10 for name, seconds in SECONDS.items()}) < LIMIT
    assert pool.duration_s == pytest.approx(10)


def test_songs_with_a_target_are_drawn_by_their_length(pool: Pool) -> None:
    random = np.random.default_rng(2)
    counts = Counter(pool.draw_song_with(1, u).name for u in random.random(20_000))
    assert chi_square(counts, {"a": 1 / 7.25, "c": 5 / 7.25, "e": 1.25 / 7.25}) < LIMIT
    counts = Counter(pool.draw_song_with(0, u).name for u in random.random(20_000))
    assert chi_square(counts, {name: seconds / 10 for name, seconds in SECONDS.items()}) < LIMIT


def test_the_ends_of_the_draw_are_songs(pool: Pool) -> None:
    last = float(np.nextafter(1, 0))
    assert [pool.draw_song(u).name for u in (0.0, 0.0999, 0.1001, last)] == ["a", "a", "b", "e"]
    assert [pool.draw_song_with(1, u).name for u in (0.0, last)] == ["a", "e"]
    halves = make_pool([track("x", ["v"]), track("y", ["v"])], ["v"], are_songs=True)
    assert [halves.draw_song(u).name for u in (0.0, 0.49, 0.5, last)] == ["x", "x", "y", "y"]
    assert [halves.draw_song_with(0, u).name for u in (0.0, 0.49, 0.5, last)] == ["x", "x", "y", "y"]
    lacking = make_pool([track("x", ["v"]), track("y", ["v", "d"]), track("z", ["v"])], ["v", "d"], are_songs=False)
    assert {lacking.draw_song_with(1, u).name for u in (0.0, 0.5, last)} == {"y"}


def test_what_a_pool_has() -> None:
    pool = make_pool([track("x", ["vocals"]), track("y", ["bass"])], ["vocals", "drums", "bass"], are_songs=False)
    assert [pool.has(target) for target in range(3)] == [True, False, True]
    assert pool.n_targets == 3


def test_a_song_that_lacks_a_target_is_named() -> None:
    tracks = [track("whole", ["vocals", "drums"]), track("album/half", ["vocals"])]
    with pytest.raises(ConfigError, match=r"^album/half: expected a stem 'drums', found none; add it, or allow"):
        make_pool(tracks, ["vocals", "drums"], are_songs=True)
    pool = make_pool(tracks, ["vocals", "drums"], are_songs=True, allow_missing=True)
    assert [bool(song.parts[1]) for song in pool.songs] == [True, False]


def test_lone_sounds_lack_all_other_targets() -> None:
    pool = make_pool([track("vocals/x", ["vocals"]), track("drums/x", ["drums"])], ["vocals", "drums"], are_songs=False)
    assert [stems_of(song.sounds) for song in pool.songs] == [["vocals"], ["drums"]]


@pytest.mark.parametrize("allow_missing", [True, False])
def test_rates_that_differ_in_a_song_are_named(allow_missing: bool) -> None:
    stems = {
        **track("song", ["drums"], sample_rate=48_000).stems,
        **track("song", ["vocals"], sample_rate=44_100).stems,
    }
    tracks = [track("fine", ["vocals", "drums"]), Track("song", stems)]
    with pytest.raises(ConfigError) as caught:
        make_pool(tracks, ["vocals", "drums"], are_songs=True, allow_missing=allow_missing)
    expected = "song: expected stems of one sample rate, got vocals.wav 44100 Hz, drums.wav 48000 Hz; convert them"
    assert str(caught.value) == expected


def test_a_rate_that_differs_in_what_is_nobodys_target() -> None:
    stems = {**track("song", ["vocals"]).stems, **track("song", ["bass"], sample_rate=48_000).stems}
    with pytest.raises(ConfigError, match=r"bass\.wav 48000 Hz"):
        make_pool([Track("song", stems)], ["vocals"], are_songs=True)


def test_songs_may_differ_from_each_other_in_rate() -> None:
    tracks = [track("x", ["vocals", "drums"], sample_rate=44_100), track("y", ["vocals", "drums"], sample_rate=48_000)]
    pool = make_pool(tracks, ["vocals"], are_songs=True)
    assert [{sound.sample_rate for sound in song.sounds} for song in pool.songs] == [{44_100}, {48_000}]


def test_a_pool_without_songs() -> None:
    pool = make_pool([], ["vocals"], are_songs=True)
    assert pool.duration_s == 0
    assert not pool.has(0)
