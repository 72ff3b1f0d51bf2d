"""Chunks are pure functions of their number, and made as the policy says.

The samples of most sounds here tell where they come from: sample k of stem t of song s is ((4 s + t + 1) 2^14 + k)
2^-20, which floats hold exactly, as they do sums of four of them.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest
import soundfile

from auralflow.audio.types import Samples
from auralflow.data.augment import augmentations
from auralflow.data.draw import Chunk, ChunkDrawer, ChunkKey, Policy, Step
from auralflow.data.pool import make_pool
from auralflow.data.reader import SoundReader
from auralflow.data.track import Track, find_sound
from auralflow.errors import AudioError

RATE = 8000
N_CHUNK = 500
N_SONGS = 6
STEMS = ("vocals", "drums", "bass")
LENGTHS = (8000, 4000, 8000, 16_000, 2000, 2000)


class Place(NamedTuple):
    song: int
    stem: int
    start: int


def code(song: int, stem: int) -> int:
    return (4 * song + stem + 1) << 14


def place_of(samples: Samples) -> Place:
    """Where an unchanged chunk (channel, time) of one stem comes from; its samples must follow each other."""
    values = np.round(samples[0] * 2.0**20).astype(int)
    assert (np.diff(values) == 1).all()
    number, start = divmod(int(values[0]), 1 << 14)
    return Place(*divmod(number - 1, 4), start)


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> list[Track]:
    root, made = tmp_path_factory.mktemp("songs"), []
    for song, n_samples in enumerate(LENGTHS):
        stems = {}
        for index, stem in enumerate((*STEMS, "rest")):
            path = root / f"{song} {stem}.wav"
            soundfile.write(path, (code(song, index) + np.arange(n_samples)) / 2**20, RATE, subtype="FLOAT")
            stems[stem] = find_sound(path)
        made.append(Track(f"song {song}", stems))
    return made


def make_drawer(
    tracks: Sequence[Track],
    policy: Policy | None = None,
    *,
    targets: Sequence[str] = STEMS,
    seed: int = 0,
    are_songs: bool = True,
    channels: int = 1,
) -> ChunkDrawer:
    pool = make_pool(tracks, targets, are_songs=are_songs, allow_missing=True)
    return ChunkDrawer([pool], SoundReader(RATE, channels), policy or Policy(N_CHUNK), seed)


def draw(drawer: ChunkDrawer, number: int, epoch: int = 0) -> Chunk:
    return drawer.draw(ChunkKey(epoch, number))


def steps(*terms: tuple[Any, float]) -> tuple[Step, ...]:
    return tuple(Step(transform, probability) for transform, probability in terms)


def real_steps() -> tuple[Step, ...]:
    names = {"gain": 1.0, "polarity": 0.5, "channel_swap": 0.5}
    return steps(*((augmentations.load(name)(), probability) for name, probability in names.items()))


def digest(chunk: Chunk) -> str:
    return hashlib.sha256(chunk.targets.tobytes() + chunk.mixture.tobytes()).hexdigest()


FULL = {"remix": 0.5, "keep_silent": 0.3, "silence_db": -16.0}
"""With this floor about half of the chunks are silent, so that attempts are repeated."""


def test_a_chunk_depends_on_its_number_alone(tracks: list[Track]) -> None:
    """Not on what was drawn before, nor by whom."""
    policy = Policy(N_CHUNK, steps=real_steps(), **FULL)
    keys = [ChunkKey(epoch, number) for epoch, number in product(range(3), range(30))]
    one, other = make_drawer(tracks, policy, channels=2), make_drawer(tracks, policy, channels=2)
    expected = {key: digest(one.draw(key)) for key in keys}
    assert {key: digest(other.draw(key)) for key in reversed(keys)} == expected
    shuffled = [keys[i] for i in np.random.default_rng(0).permutation(len(keys))]
    assert {key: digest(one.draw(key)) for key in shuffled} == expected
    assert digest(make_drawer(tracks, policy, channels=2).draw(keys[77])) == expected[keys[77]]


TIMES_OF_SONG = """
class Times:
    SCOPE = "song"

    def __call__(self, samples, sample_rate, random):
        return samples * random.random(dtype="f4")
"""


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_a_chunk_is_the_same_in_another_process(
    tracks: list[Track], tmp_path: Path, hash_seed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "times_of_song.py").write_text(TIMES_OF_SONG)
    monkeypatch.syspath_prepend(tmp_path)
    of_song = steps((importlib.import_module("times_of_song").Times(), 0.8))
    drawer = make_drawer(tracks, Policy(N_CHUNK, steps=(*of_song, *real_steps()), **FULL), channels=2)
    (tmp_path / "drawer.pickle").write_bytes(pickle.dumps(drawer))
    code = (
        "import hashlib, pickle, pathlib, sys\n"
        "from auralflow.data.draw import ChunkKey\n"
        "drawer = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "for number in range(20):\n"
        "    chunk = drawer.draw(ChunkKey(5, number))\n"
        "    print(hashlib.sha256(chunk.targets.tobytes() + chunk.mixture.tobytes()).hexdigest())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "drawer.pickle"],
        env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [digest(draw(drawer, number, 5)) for number in range(20)]


def test_seed_epoch_and_number_all_matter(tracks: list[Track]) -> None:
    policy = Policy(N_CHUNK, remix=0.5)
    drawers = [make_drawer(tracks, policy, seed=seed) for seed in (0, 1, 2, 2**31)]
    digests = {digest(draw(d, number, epoch)) for d, number, epoch in product(drawers, range(6), range(6))}
    # A song has at most 15 501 places and 6 songs; some of 144 chunks may meet, no row or column may.
    assert len(digests) > 140


def test_numbers_of_one_epoch_are_not_those_of_the_next(tracks: list[Track]) -> None:
    drawer = make_drawer(tracks)
    epochs = [[place_of(draw(drawer, number, epoch).targets[0]) for number in range(40)] for epoch in range(2)]
    assert len(set(epochs[0]) & set(epochs[1])) < 4


def test_song_mode_keeps_stems_together(tracks: list[Track]) -> None:
    drawer = make_drawer(tracks)
    for number in range(100):
        chunk = draw(drawer, number)
        assert chunk.targets.shape == (3, 1, N_CHUNK)
        assert chunk.mixture.shape == (1, N_CHUNK)
        assert chunk.targets.dtype == chunk.mixture.dtype == np.float32
        places = [place_of(target) for target in chunk.targets]
        rest = place_of(chunk.mixture - chunk.targets.sum(axis=0))
        assert {(place.song, place.start) for place in (*places, rest)} == {(places[0].song, places[0].start)}
        assert [place.stem for place in (*places, rest)] == [0, 1, 2, 3]


def test_songs_and_places_are_uniform(tracks: list[Track]) -> None:
    drawer = make_drawer(tracks)
    places = [place_of(draw(drawer, number).targets[0]) for number in range(2000)]
    counts, total = Counter(place.song for place in places), sum(LENGTHS)
    expected = [2000 * n_samples / total for n_samples in LENGTHS]
    # Chi-square with 5 degrees of freedom: beyond 25.7 with a probability of 1e-4.
    assert sum((counts[song] - n) ** 2 / n for song, n in enumerate(expected)) < 25.7
    for song in (0, 3, 5):
        spare = LENGTHS[song] - N_CHUNK
        shares = np.sort([place.start / spare for place in places if place.song == song])
        assert shares.max() <= 1
        # Kolmogorov-Smirnov: beyond 2.23 / sqrt(n) with a probability of 1e-4.
        distance = np.abs(shares - (np.arange(len(shares)) + 0.5) / len(shares)).max()
        assert distance < 2.23 / np.sqrt(len(shares))


def test_first_and_last_sample_are_reached(tracks: list[Track]) -> None:
    """Of a song with three places, each is drawn a third of the time."""
    drawer = make_drawer(tracks[4:5], Policy(LENGTHS[4] - 2))
    counts = Counter(place_of(draw(drawer, number).targets[0]).start for number in range(600))
    assert set(counts) == {0, 1, 2}
    assert all(abs(count - 200) < 4 * 11.5 for count in counts.values())


def test_remix_mode_draws_each_target_for_itself(tracks: list[Track]) -> None:
    drawer = make_drawer(tracks, Policy(N_CHUNK, remix=1.0))
    n_same = {"song": 0, "start": 0}
    for number in range(400):
        chunk = draw(drawer, number)
        places = [place_of(target) for target in chunk.targets]
        assert [place.stem for place in places] == [0, 1, 2]
        rest = place_of(chunk.mixture - chunk.targets.sum(axis=0))
        assert rest.stem == 3
        assert rest.song in {place.song for place in places}
        n_same["song"] += places[0].song == places[1].song
        n_same["start"] += places[0].start == places[1].start
    same = sum((n_samples / sum(LENGTHS)) ** 2 for n_samples in LENGTHS)
    assert abs(n_same["song"] - 400 * same) < 4 * np.sqrt(400 * same * (1 - same))
    assert n_same["start"] < 10


@pytest.mark.parametrize("remix", [0.0, 0.3, 1.0])
def test_the_share_of_remixes(tracks: list[Track], remix: float) -> None:
    drawer = make_drawer(tracks, Policy(N_CHUNK, remix=remix))
    n_remixed = 0
    for number in range(600):
        places = [place_of(target) for target in draw(drawer, number).targets]
        n_remixed += len({place.start for place in places}) > 1
    assert abs(n_remixed - 600 * remix) <= 4 * np.sqrt(600 * remix * (1 - remix)) + 2


def test_lone_sounds_are_always_remixed(tracks: list[Track]) -> None:
    """Even if none are asked for: there is nothing else to draw."""
    lone = [Track(f"{stem}/{i}", {stem: track.stems[stem]}) for stem in STEMS for i, track in enumerate(tracks)]
    drawer = make_drawer(lone, Policy(N_CHUNK, remix=0.0), are_songs=False)
    songs = set()
    for number in range(100):
        chunk = draw(drawer, number)
        places = [place_of(target) for target in chunk.targets]
        assert [place.stem for place in places] == [0, 1, 2]
        songs.update(place.song for place in places)
        np.testing.assert_array_equal(chunk.mixture, chunk.targets.sum(axis=0))
    assert songs == set(range(N_SONGS))


def test_songs_that_lack_a_target_do_not_give_it_in_remixes(tracks: list[Track]) -> None:
    half = [Track(t.name, {n: s for n, s in t.stems.items() if n != "drums" or i < 3}) for i, t in enumerate(tracks)]
    drawer = make_drawer(half, Policy(N_CHUNK, remix=1.0))
    drums = [place_of(draw(drawer, number).targets[1]).song for number in range(100)]
    assert set(drums) == {0, 1, 2}


def test_a_missing_target_is_silent_in_song_mode(tracks: list[Track]) -> None:
    half = [Track(track.name, {"vocals": track.stems["vocals"]}) for track in tracks]
    drawer = make_drawer(half)
    for number in range(20):
        chunk = draw(drawer, number)
        assert not chunk.targets[1:].any()
        np.testing.assert_array_equal(chunk.mixture, chunk.targets[0])


@pytest.mark.parametrize(("remix", "weights"), [(0.0, (1, 3)), (1.0, (1, 3)), (0.0, (0.5, 0.125))])
def test_pools_are_drawn_by_their_weights(tracks: list[Track], remix: float, weights: tuple[float, float]) -> None:
    pools = [
        make_pool(part, STEMS, are_songs=True, weight=weight)
        for part, weight in zip((tracks[:3], tracks[3:]), weights, strict=True)
    ]
    drawer = ChunkDrawer(pools, SoundReader(RATE, 1), Policy(N_CHUNK, remix=remix), 0)
    n_first = sum(place_of(draw(drawer, number).targets[0]).song < 3 for number in range(500))
    share = weights[0] / sum(weights)
    assert abs(n_first - 500 * share) < 4 * np.sqrt(500 * share * (1 - share))


def test_songs_and_lone_sounds_together(tracks: list[Track]) -> None:
    """Lone sounds are in remixes only, in them as their weight says."""
    lone = [Track(f"drums/{i}", {"drums": track.stems["drums"]}) for i, track in enumerate(tracks[3:])]
    pools = [make_pool(tracks[:3], STEMS, are_songs=True), make_pool(lone, STEMS, are_songs=False)]
    drawer = ChunkDrawer(pools, SoundReader(RATE, 1), Policy(N_CHUNK, remix=1.0), 0)
    songs = np.array([[place_of(target).song for target in draw(drawer, n).targets] for n in range(400)])
    assert (songs[:, [0, 2]] < 3).all()
    assert abs((songs[:, 1] < 3).sum() - 200) < 4 * 10
    together = ChunkDrawer(pools, SoundReader(RATE, 1), Policy(N_CHUNK, remix=0.0), 0)
    assert all(place_of(draw(together, number).targets[1]).song < 3 for number in range(50))


def test_what_is_shorter_than_the_chunk_ends_in_silence(tracks: list[Track]) -> None:
    chunk = draw(make_drawer(tracks[4:5], Policy(3000)), 0)
    for stem, target in enumerate(chunk.targets):
        assert place_of(target[:, : LENGTHS[4]]) == (4, stem, 0)
        assert not target[:, LENGTHS[4] :].any()


@pytest.mark.parametrize("remix", [0.0, 1.0])
def test_a_stem_that_ends_before_the_others_is_silent_there(tracks: list[Track], remix: float) -> None:
    """The song is as long as its longest stem, and time is that of the song."""
    song = Track("song", {"vocals": tracks[4].stems["vocals"], "drums": tracks[0].stems["drums"]})
    drawer = make_drawer([song], Policy(N_CHUNK, remix=remix), targets=["vocals", "drums"])
    n_silent = 0
    for number in range(60):
        vocals, drums = draw(drawer, number).targets
        if remix == 0:
            start = place_of(drums).start
            expected = np.zeros(N_CHUNK)
            n_left = max(0, min(N_CHUNK, LENGTHS[4] - start))
            expected[:n_left] = (code(4, 0) + start + np.arange(n_left)) / 2**20
            np.testing.assert_array_equal(vocals[0], expected)
        n_silent += not vocals.any()
    assert abs(n_silent / 60 - 5500 / 7501) < 4 * 0.057


@pytest.mark.parametrize("remix", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("targets", [STEMS, ("vocals",), ("vocals", "other"), ("other", "bass")])
def test_the_mixture_is_the_sum(tracks: list[Track], remix: float, targets: tuple[str, ...]) -> None:
    drawer = make_drawer(tracks, Policy(N_CHUNK, remix, steps=real_steps()), targets=targets, channels=2)
    for number in range(20):
        chunk = draw(drawer, number)
        rest = chunk.mixture - chunk.targets.sum(axis=0)
        if "other" in targets:  # takes all that is left
            np.testing.assert_array_equal(rest, 0)
        else:
            assert rest.any()


# Silence


@pytest.fixture
def half_silent(tmp_path: Path) -> list[Track]:
    """Eight songs of one chunk; the drums of the first four are silent."""
    made = []
    for song in range(8):
        stems = {}
        for stem in ("vocals", "drums"):
            path = tmp_path / f"{song} {stem}.wav"
            level = 0.0 if stem == "drums" and song < 4 else 0.5
            soundfile.write(path, np.full(N_CHUNK, level), RATE, subtype="FLOAT")
            stems[stem] = find_sound(path)
        made.append(Track(f"song {song}", stems))
    return made


@pytest.mark.parametrize("keep", [0.0, 0.1, 0.5, 1.0])
def test_the_share_of_silent_chunks(half_silent: list[Track], keep: float) -> None:
    """Of each draw, half is silent and kept with a probability; so the share is (k / 2) / (1 / 2 + k / 2)."""
    drawer = make_drawer(half_silent, Policy(N_CHUNK, keep_silent=keep), targets=["vocals", "drums"])
    chunks = [draw(drawer, number) for number in range(1000)]
    n_silent = sum(not chunk.targets[1].any() for chunk in chunks)
    share = keep / (1 + keep)
    assert abs(n_silent - 1000 * share) <= 4 * np.sqrt(1000 * share * (1 - share))
    again = make_drawer(half_silent, Policy(N_CHUNK, keep_silent=keep), targets=["vocals", "drums"])
    for number in range(999, 0, -10):
        assert digest(draw(again, number)) == digest(chunks[number])


def test_all_silent_data_is_drawn_all_the_same(half_silent: list[Track]) -> None:
    drawer = make_drawer(half_silent[:4], Policy(N_CHUNK, keep_silent=0.0), targets=["vocals", "drums"])
    chunk = draw(drawer, 0)
    assert not chunk.targets[1].any()
    assert chunk.failures == ()


def test_silence_in_what_is_nobodys_target_does_not_count(half_silent: list[Track]) -> None:
    drawer = make_drawer(half_silent, Policy(N_CHUNK, keep_silent=0.0), targets=["vocals"])
    assert any(np.array_equal(chunk.mixture, chunk.targets[0]) for chunk in (draw(drawer, n) for n in range(40)))


@pytest.mark.parametrize(("level_db", "is_silent"), [(-40.1, True), (-39.9, False)])
def test_the_level_of_silence(tmp_path: Path, level_db: float, is_silent: bool) -> None:
    """The RMS over the whole chunk and all channels."""
    made = []
    for name, level in (("soft", 10 ** (level_db / 20)), ("loud", 0.5)):
        samples = np.zeros((N_CHUNK, 2))
        samples[: N_CHUNK // 2, 0] = 2 * level  # a quarter of the samples, of four times the power
        soundfile.write(tmp_path / f"{name}.wav", samples, RATE, subtype="FLOAT")
        made.append(Track(name, {"vocals": find_sound(tmp_path / f"{name}.wav")}))
    policy = Policy(N_CHUNK, keep_silent=0.0, silence_db=-40.0)
    drawer = make_drawer(made, policy, targets=["vocals"], channels=2)
    has_soft = any(draw(drawer, number).targets.max() < 0.5 for number in range(40))
    assert has_soft == (not is_silent)


# Transforms


@dataclass(frozen=True)
class Scale:
    """Times a power of two from 1 to 2^7, drawn."""

    SCOPE: ClassVar[str] = "stem"

    def __call__(self, samples: Samples, sample_rate: int, random: np.random.Generator) -> Samples:
        assert sample_rate == RATE
        return samples * np.float32(2.0 ** random.integers(8))


@dataclass(frozen=True)
class ScaleSong(Scale):
    SCOPE: ClassVar[str] = "song"


@dataclass(frozen=True)
class Add:
    """Plus a constant."""

    value: float
    SCOPE: ClassVar[str] = "stem"

    def __call__(self, samples: Samples, sample_rate: int, random: np.random.Generator) -> Samples:
        return samples + np.float32(self.value)


@dataclass(frozen=True)
class Faster:
    """Every second sample, or every n-th."""

    n: int = 2
    SCOPE: ClassVar[str] = "song"

    def n_input(self, n_output: int) -> int:
        return self.n * n_output

    def __call__(self, samples: Samples, sample_rate: int, random: np.random.Generator) -> Samples:
        return samples[:, :: self.n]


def exponents(chunk: Chunk) -> list[int]:
    """By which powers of two `Scale` has multiplied the targets and the rest: the step of the ramp tells."""
    ramps = [*chunk.targets, chunk.mixture - chunk.targets.sum(axis=0)]
    return [round(np.log2((ramp[0, -1] - ramp[0, 0]) * 2**20 / (N_CHUNK - 1))) for ramp in ramps]


def test_scope_song_is_one_draw_for_a_song(tracks: list[Track]) -> None:
    drawer = make_drawer(tracks, Policy(N_CHUNK, steps=steps((ScaleSong(), 1.0))))
    drawn = [exponents(draw(drawer, number)) for number in range(100)]
    assert all(len(set(row)) == 1 for row in drawn)
    assert {row[0] for row in drawn} == set(range(8))


def test_scope_song_is_drawn_for_each_chunk_anew(tracks: list[Track]) -> None:
    """Also of one song alone."""
    drawer = make_drawer(tracks[:1], Policy(N_CHUNK, steps=steps((ScaleSong(), 1.0))))
    counts = Counter(exponents(draw(drawer, number))[0] for number in range(400))
    assert set(counts) == set(range(8))
    assert all(abs(count - 50) < 4 * 6.7 for count in counts.values())


def test_scope_stem_is_a_draw_for_each_stem(tracks: list[Track]) -> None:
    drawer = make_drawer(tracks, Policy(N_CHUNK, steps=steps((Scale(), 1.0))))
    drawn = np.array([exponents(draw(drawer, number)) for number in range(300)])
    assert set(drawn.flat) == set(range(8))
    for one, other in ((0, 1), (0, 2), (1, 2), (2, 3)):
        n_equal = (drawn[:, one] == drawn[:, other]).sum()
        assert abs(n_equal - 300 / 8) < 4 * np.sqrt(300 * 7 / 64)


def test_scope_song_in_remixes(tracks: list[Track]) -> None:
    """Stems that happen to be of one song share the draw; those of others do not."""
    drawer = make_drawer(tracks, Policy(N_CHUNK, remix=1.0, steps=steps((ScaleSong(), 1.0))))
    equal: dict[bool, list[bool]] = {True: [], False: []}
    plain = make_drawer(tracks, Policy(N_CHUNK, remix=1.0))
    for number in range(200):
        songs = [place_of(target).song for target in draw(plain, number).targets]
        powers = exponents(draw(drawer, number))
        for one, other in ((0, 1), (0, 2), (1, 2)):
            equal[songs[one] == songs[other]].append(powers[one] == powers[other])
    assert all(equal[True])
    assert np.mean(equal[False]) < 0.3


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_probability_for_each_stem(tracks: list[Track], probability: float) -> None:
    drawer = make_drawer(tracks, Policy(N_CHUNK, steps=steps((Add(16.0), probability))))
    is_changed = np.array([[target[0, 0] >= 16 for target in draw(drawer, number).targets] for number in range(300)])
    deviation = 4 * np.sqrt(900 * probability * (1 - probability))
    assert abs(is_changed.sum() - 900 * probability) <= deviation
    if 0 < probability < 1:
        assert (is_changed.any(axis=1) & ~is_changed.all(axis=1)).any()


def slopes(chunk: Chunk) -> list[int]:
    """How fast each target runs through its song; all of it must be from there."""
    steps = np.diff(np.round(2**20 * chunk.targets[:, 0].astype(np.float64)).astype(int))
    assert (steps == steps[:, :1]).all()
    return [int(row[0]) for row in steps]


def test_probability_for_a_song(tracks: list[Track]) -> None:
    drawer = make_drawer(tracks, Policy(N_CHUNK, steps=steps((Faster(), 0.3))))
    counts = Counter(tuple(slopes(draw(drawer, number))) for number in range(300))
    assert set(counts) == {(1, 1, 1), (2, 2, 2)}
    assert abs(counts[2, 2, 2] - 90) < 4 * 8


def test_what_stems_draw_does_not_part_a_song(tracks: list[Track]) -> None:
    drawer = make_drawer(tracks, Policy(N_CHUNK, steps=steps((Add(1.0), 0.5), (Faster(), 0.5), (Add(2.0), 0.5))))
    drawn = [draw(drawer, number) for number in range(50)]
    assert {tuple(slopes(chunk)) for chunk in drawn} == {(1, 1, 1), (2, 2, 2)}
    assert len({tuple((chunk.targets[:, 0, 0] // 1).tolist()) for chunk in drawn}) > 20


def test_a_longer_input_is_read_and_stays_in_the_song(tracks: list[Track]) -> None:
    """2 x 3 times as much; of the shortest song, with 2000 samples, there is none to spare for a chunk of 333."""
    policy = Policy(333, steps=steps((Faster(2), 0.5), (Faster(3), 0.5)))
    drawer = make_drawer(tracks, policy)
    counts = Counter(tuple(slopes(draw(drawer, number))) for number in range(200))
    assert {slope for slope, *_ in counts} == {1, 2, 3, 6}
    assert all(len(set(row)) == 1 for row in counts)
    starts = {place_of(draw(make_drawer(tracks[4:5], policy), number).targets[0][:, :1]).start for number in range(60)}
    assert starts == {0, 1, 2}


def test_a_song_that_is_too_short_for_the_longer_input(tracks: list[Track]) -> None:
    chunk = draw(make_drawer(tracks[4:5], Policy(1500, steps=steps((Faster(), 1.0)))), 0)
    assert chunk.targets.shape == (3, 1, 1500)
    assert slopes(chunk._replace(targets=chunk.targets[:, :, :1000])) == [2, 2, 2]
    assert not chunk.targets[:, :, 1000:].any()


def test_all_sounds_of_a_target_are_changed(tracks: list[Track]) -> None:
    targets = ["vocals", "other"]
    plain = make_drawer(tracks, targets=targets)
    scaled = make_drawer(tracks, Policy(N_CHUNK, steps=steps((ScaleSong(), 1.0))), targets=targets)
    for number in range(20):
        one, other = draw(plain, number), draw(scaled, number)
        factor = other.mixture[0, 0] / one.mixture[0, 0]
        np.testing.assert_array_equal(other.targets, factor * one.targets)
        np.testing.assert_array_equal(other.mixture, factor * one.mixture)


def test_steps_come_in_their_order(tracks: list[Track]) -> None:
    @dataclass(frozen=True)
    class Double:
        SCOPE: ClassVar[str] = "stem"

        def __call__(self, samples: Samples, sample_rate: int, random: np.random.Generator) -> Samples:
            return 2 * samples

    plain = draw(make_drawer(tracks), 3).targets
    for terms, expected in (((Add(1.0), Double()), (plain + 1) * 2), ((Double(), Add(1.0)), plain * 2 + 1)):
        drawer = make_drawer(tracks, Policy(N_CHUNK, steps=steps(*((term, 1.0) for term in terms))))
        np.testing.assert_array_equal(draw(drawer, 3).targets, expected)


# Files that cannot be read


@pytest.fixture
def damaged(tracks: list[Track], tmp_path: Path) -> Callable[[int], list[Track]]:
    """The songs, with the drums of the first n cut off behind their header."""

    def spoil(n_damaged: int) -> list[Track]:
        made = list(tracks)
        for song in range(n_damaged):
            sound = tracks[song].stems["drums"]
            path = tmp_path / sound.path.name
            path.write_bytes(sound.path.read_bytes()[:60])
            drums = type(sound)(path, sound.sample_rate, sound.channels, sound.n_samples)
            made[song] = Track(tracks[song].name, {**tracks[song].stems, "drums": drums})
        return made

    return spoil


@pytest.mark.parametrize("remix", [0.0, 1.0])
def test_other_songs_stand_in_for_what_cannot_be_read(damaged: Callable[[int], list[Track]], remix: float) -> None:
    drawer = make_drawer(damaged(3), Policy(N_CHUNK, remix))
    chunks = [draw(drawer, number) for number in range(100)]
    told = {failure for chunk in chunks for failure in chunk.failures}
    assert {Path(failure.partition(": ")[0]).name for failure in told} == {f"{song} drums.wav" for song in range(3)}
    assert all(place_of(chunk.targets[1]).song >= 3 for chunk in chunks)
    share = sum(LENGTHS[:3]) / sum(LENGTHS)
    assert abs(sum(bool(chunk.failures) for chunk in chunks) - 100 * share) < 4 * 5
    assert all(len(set(chunk.failures)) == len(chunk.failures) for chunk in chunks)


def test_chunks_with_failures_are_pure_too(damaged: Callable[[int], list[Track]]) -> None:
    songs = damaged(2)
    one, other = make_drawer(songs), make_drawer(songs)
    expected = [draw(one, number) for number in range(40)]
    assert any(chunk.failures for chunk in expected)
    for number in reversed(range(40)):
        chunk = draw(other, number)
        assert digest(chunk) == digest(expected[number])
        assert chunk.failures == expected[number].failures


def test_chunks_of_readable_songs_are_untouched(tracks: list[Track], damaged: Callable[[int], list[Track]]) -> None:
    whole, spoiled = make_drawer(tracks), make_drawer(damaged(2))
    for number in range(40):
        chunk = draw(spoiled, number)
        assert bool(chunk.failures) == (digest(draw(whole, number)) != digest(chunk))


def test_nothing_can_be_read(damaged: Callable[[int], list[Track]]) -> None:
    drawer = make_drawer(damaged(6))
    with pytest.raises(AudioError, match=r"^16 files in a row could not be read, the last: .*drums\.wav: ") as caught:
        draw(drawer, 0)
    assert len(str(caught.value).splitlines()) == 1


def test_a_silent_chunk_is_better_than_none(damaged: Callable[[int], list[Track]]) -> None:
    """All that can be read is silent and none of it is to be kept: the run goes on all the same."""
    drawer = make_drawer(damaged(3), Policy(N_CHUNK, keep_silent=0.0, silence_db=40.0))
    for number in range(60):
        assert place_of(draw(drawer, number).targets[1]).song >= 3
