"""From folders to what trains: which songs, and one line for whatever cannot be trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auralflow.audio.types import Samples
from auralflow.config import from_dict, to_dict
from auralflow.data.config import AugmentConfig, DataConfig, SourceConfig
from auralflow.data.draw import ChunkKey
from auralflow.data.prepare import TrainingData, build_cache, build_step, make_drawer, prepare_data
from auralflow.errors import AudioError, AuralflowError, ConfigError
from auralflow.spec import ModelSpec

RATE = 8000
STEMS = ("vocals", "drums")
SPEC = ModelSpec(stems=STEMS, sample_rate=RATE, channels=1, segment_samples=2000)

WriteSong = Callable[..., Path]


@pytest.fixture
def write_song(tmp_path: Path, write_wav: Callable[..., Path]) -> WriteSong:
    """Write the stems of a song below a folder of `tmp_path`."""

    def write(name: str, *stems: str, seconds: float = 1.0, channels: int = 1, sample_rate: int = RATE) -> Path:
        for stem in stems or STEMS:
            path = tmp_path / name / f"{stem}.wav"
            write_wav(path, seconds, channels, sample_rate, seed=sum(map(ord, f"{name}{stem}")))
        return tmp_path / name

    return write


@pytest.fixture
def prepare(tmp_path: Path) -> Callable[..., TrainingData]:
    """Prepare the data in folders of `tmp_path`."""

    def run(*roots: str, spec: ModelSpec = SPEC, **settings: Any) -> TrainingData:
        return prepare_data(config(tmp_path, *roots, **settings), spec)

    return run


def config(folder: Path, *roots: str, **settings: Any) -> DataConfig:
    return DataConfig(tuple(SourceConfig(str(folder / root)) for root in roots or ("set",)), **settings)


def trained(data: TrainingData) -> list[list[str]]:
    return [[song.name for song in pool.songs] for pool in data.pools]


def refused(prepare: Callable[..., TrainingData], *words: str, error: type = ConfigError, **settings: Any) -> None:
    """One line that has these words, in their order."""
    roots = settings.pop("roots", ())
    with pytest.raises(error) as caught:
        prepare(*roots, **settings)
    message, place = str(caught.value), 0
    assert len(message.splitlines()) == 1
    for word in words:
        place = message.find(word, place)
        assert place >= 0, f"{word!r} is not in its place in: {message}"


def test_published_splits(write_song: WriteSong, prepare: Callable[..., TrainingData]) -> None:
    for name in ("train/a", "train/b", "valid/c", "test/d"):
        write_song(f"set/{name}")
    data = prepare()
    assert trained(data) == [["train/a", "train/b"]]
    assert [song.name for song in data.valid_songs] == ["valid/c"]
    assert data.n_chunk == 2000
    assert data.n_samples == 2 * RATE // 2000
    assert data.lines[0].endswith("set: 2 songs to train on, 0.0 minutes")
    assert any(line.startswith("valid: 1 track, as published: valid/c") for line in data.lines)


def test_without_valid_a_share_is_held_back(write_song: WriteSong, prepare: Callable[..., TrainingData]) -> None:
    names = [write_song(f"set/song {number}").name for number in range(8)]
    one, other = prepare(valid_fraction=0.5), prepare(valid_fraction=0.5, split_seed=1)
    for data in (one, other):
        valid = [song.name for song in data.valid_songs]
        assert sorted([*trained(data)[0], *valid]) == names
        assert valid
    assert trained(one) != trained(other)
    assert trained(one) == trained(prepare(valid_fraction=0.5))


@pytest.mark.parametrize(
    ("settings", "n_chunk", "n_samples"),
    [
        ({}, 2000, 9),
        ({"chunk_s": 0.1}, 800, 22),
        ({"chunk_s": 0.1, "n_samples": 5}, 800, 5),
        ({"chunk_s": 1.25}, 10_000, 1),
    ],
)
def test_how_long_chunks_and_epochs_are(
    write_song: WriteSong,
    prepare: Callable[..., TrainingData],
    settings: dict[str, Any],
    n_chunk: int,
    n_samples: int,
) -> None:
    """Of 2.25 seconds, as many as they hold end to end."""
    for name, seconds in (("train/a", 1.25), ("train/b", 1.0), ("valid/c", 9.0)):
        write_song(f"set/{name}", seconds=seconds)
    data = prepare(**settings)
    assert (data.n_chunk, data.n_samples) == (n_chunk, n_samples)


def test_a_song_that_validates_in_one_source_trains_in_none(
    write_song: WriteSong, prepare: Callable[..., TrainingData]
) -> None:
    for name in ("train/a", "train/b", "valid/Song C", "test/d"):
        write_song(f"one/{name}")
    for name in ("train/song c", "train/D", "train/e", "valid/f"):
        write_song(f"other/{name}")
    write_song("other/train/B")  # in both train splits: no harm
    data = prepare("one", "other")
    assert trained(data) == [["train/a", "train/b"], ["train/B", "train/e"]]
    assert [song.name for song in data.valid_songs] == ["valid/Song C", "valid/f"]
    assert trained(prepare("other", "one")) == trained(data)[::-1]


def test_also_if_the_split_is_by_name(write_song: WriteSong, prepare: Callable[..., TrainingData]) -> None:
    for number in range(8):
        write_song(f"one/song {number}")
        write_song(f"other/train/song {number}")
    write_song("other/valid/x")
    data = prepare("one", "other", valid_fraction=0.3)
    held = {song.name for song in data.valid_songs} - {"valid/x"}
    assert held
    assert {name.removeprefix("train/") for name in trained(data)[1]} == set(trained(data)[0])
    assert not held & set(trained(data)[0])


def test_nothing_is_left_to_train_on(write_song: WriteSong, prepare: Callable[..., TrainingData]) -> None:
    for name in ("one/train/a", "one/valid/b", "other/train/b", "other/valid/c"):
        write_song(name)
    refused(prepare, "other: every song to train on is in a valid or test split", roots=["one", "other"])


def test_lone_sounds_all_train(
    write_wav: Callable[..., Path], tmp_path: Path, write_song: WriteSong, prepare: Callable[..., TrainingData]
) -> None:
    for index, stem in enumerate(STEMS):
        for number in range(3):
            write_wav(tmp_path / "lone" / stem / f"{stem} {number}.wav", 1.0, 1, RATE, seed=3 * index + number)
    data = prepare("lone")
    assert trained(data) == [[f"{stem}/{stem} {number}.wav" for stem in sorted(STEMS) for number in range(3)]]
    assert data.valid_songs == ()
    assert not data.pools[0].are_songs
    assert data.lines == (f"{tmp_path / 'lone'}: 6 sounds to train on, 0.1 minutes",)
    # Beside songs too, of which some validate; even if a sound has the name of one.
    write_song("set/train/a")
    write_song("set/valid/vocals 1")
    data = prepare("set", "lone")
    assert [len(names) for names in trained(data)] == [1, 6]
    assert [song.name for song in data.valid_songs] == ["valid/vocals 1"]
    refused(prepare, "data.remix: 0 would never draw the lone sounds", roots=["set", "lone"], remix=0.0)


def test_lone_sounds_of_valid_and_test_do_not_train(
    write_wav: Callable[..., Path], tmp_path: Path, prepare: Callable[..., TrainingData]
) -> None:
    for split in ("train", "valid", "test"):
        for stem in STEMS:
            write_wav(tmp_path / "lone" / split / stem / f"{split} {stem}.wav", 1.0, 1, RATE)
    assert trained(prepare("lone")) == [["train/drums/train drums.wav", "train/vocals/train vocals.wav"]]


def test_max_tracks_is_of_each_source(write_song: WriteSong, prepare: Callable[..., TrainingData]) -> None:
    for name in ("one/train/a", "one/train/b", "one/train/c", "one/valid/d", "other/train/e", "other/valid/f"):
        write_song(name)
    assert trained(prepare("one", "other", max_tracks=2)) == [["train/a", "train/b"], ["train/e"]]
    assert len(prepare("one", "other", max_tracks=1).valid_songs) == 2


def test_weights_reach_the_pools(write_song: WriteSong, tmp_path: Path) -> None:
    for name in ("one/train/a", "one/valid/b", "other/train/c", "other/valid/d"):
        write_song(name)
    sources = (SourceConfig(str(tmp_path / "one"), weight=3.0), SourceConfig(str(tmp_path / "other"), "musdb_hq"))
    assert [pool.weight for pool in prepare_data(DataConfig(sources), SPEC).pools] == [3.0, 1.0]


# Bad input


def test_no_sources() -> None:
    with pytest.raises(ConfigError, match=r"^data\.sources: expected at least one folder of stems, got none$"):
        prepare_data(DataConfig(), SPEC)


def test_empty_and_missing_folders(tmp_path: Path, prepare: Callable[..., TrainingData]) -> None:
    refused(prepare, "set: no such data set", error=AudioError)
    (tmp_path / "set").mkdir()
    refused(prepare, "set: ", "expected", error=AudioError)
    for split in ("train", "valid"):
        (tmp_path / "set" / split).mkdir()
    refused(prepare, "set", "expected", error=AudioError)


@pytest.mark.parametrize("name", ["set/alone", "set/train/alone"])
def test_one_track(write_song: WriteSong, prepare: Callable[..., TrainingData], name: str) -> None:
    write_song(name)
    refused(prepare, "set: expected at least two songs", "alone")


def test_songs_to_test_only(write_song: WriteSong, prepare: Callable[..., TrainingData]) -> None:
    write_song("set/test/a")
    write_song("set/test/b")
    refused(prepare, "set: expected at least two songs to train with, got 0 in valid, 2 in test only")


def test_a_stem_that_is_missing_in_one_track(write_song: WriteSong, prepare: Callable[..., TrainingData]) -> None:
    for name in ("train/a", "train/c", "valid/d"):
        write_song(f"set/{name}")
    write_song("set/train/b", "vocals")
    refused(prepare, "set: train/b: expected a stem 'drums', found none; add it, or allow silence")
    data = prepare(missing="silence")
    assert trained(data) == [["train/a", "train/b", "train/c"]]
    assert [bool(song.parts[1]) for song in data.pools[0].songs] == [True, False, True]


def test_a_stem_that_no_track_has(write_song: WriteSong, prepare: Callable[..., TrainingData]) -> None:
    for name in ("train/a", "valid/b"):
        write_song(f"set/{name}")
    spec = ModelSpec(stems=("vocals", "piano"), sample_rate=RATE, channels=1, segment_samples=2000)
    refused(prepare, "spec.stems: no training track has a stem 'piano'", spec=spec, missing="silence")


def test_rates_that_differ_in_a_song(write_song: WriteSong, prepare: Callable[..., TrainingData]) -> None:
    for name in ("train/a", "valid/b"):
        write_song(f"set/{name}")
    write_song("set/train/odd", "vocals")
    write_song("set/train/odd", "drums", sample_rate=16_000)
    refused(prepare, "set: train/odd: expected stems of one sample rate, got vocals.wav 8000 Hz, drums.wav 16000 Hz")


def test_rates_that_differ_between_songs_are_fine(write_song: WriteSong, prepare: Callable[..., TrainingData]) -> None:
    for name, sample_rate in (("train/a", 8000), ("train/b", 16_000), ("valid/c", 11_025)):
        write_song(f"set/{name}", sample_rate=sample_rate)
    assert prepare().n_samples == 8


@pytest.mark.parametrize("split", ["train", "valid"])
def test_channels_that_do_not_fit(write_song: WriteSong, prepare: Callable[..., TrainingData], split: str) -> None:
    """Also in a song that validates: it would stop the run at the end of the first epoch."""
    for name in ("train/a", "valid/b"):
        write_song(f"set/{name}", channels=2)
    write_song(f"set/{split}/odd", channels=3)
    spec = ModelSpec(stems=STEMS, sample_rate=RATE, channels=2, segment_samples=2000)
    refused(prepare, f"{split}/odd/", ".wav: expected 2 channels, as the model has, or 1, got 3; convert it", spec=spec)
    assert trained(prepare()) == [["train/a", "train/odd"][: 1 + (split == "train")]]  # any count makes mono


def test_a_chunk_longer_than_every_track(write_song: WriteSong, prepare: Callable[..., TrainingData]) -> None:
    for name, seconds in (("train/a", 1.25), ("train/b", 1.0), ("valid/c", 9.0)):
        write_song(f"set/{name}", seconds=seconds)
    refused(
        prepare,
        "data.chunk_s: a chunk of 1.5 s is longer than every track (the longest has 1.25 s); choose a shorter one",
        chunk_s=1.5,
    )
    spec = ModelSpec(stems=STEMS, sample_rate=RATE, channels=1, segment_samples=6 * RATE)
    refused(prepare, "data.chunk_s: a chunk of 6 s is longer than every track", spec=spec)


def test_a_file_that_is_no_audio_is_named(write_song: WriteSong, prepare: Callable[..., TrainingData]) -> None:
    for name in ("train/a", "valid/b"):
        write_song(f"set/{name}")
    (write_song("set/train/c") / "drums.wav").write_bytes(b"")
    refused(prepare, "train/c/drums.wav: ", "empty", error=AudioError)


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        (AugmentConfig("gian"), r"^data\.augment\.1\.name: unknown augmentation 'gian': did you mean 'gain'"),
        (AugmentConfig("mine.py"), r"^data\.augment\.1\.name: mine\.py: no such file"),
        (
            AugmentConfig("gain", 0.5, {"rnage_db": [-1, 1]}),
            r"^data\.augment\.1\.options\.rnage_db: unknown key, did you mean 'range_db'",
        ),
        (
            AugmentConfig("gain", 0.5, {"range_db": "loud"}),
            r"^data\.augment\.1\.options\.range_db: expected a list, got 'loud'",
        ),
        (
            AugmentConfig("gain", 0.5, {"range_db": [3, 1]}),
            r"^data\.augment\.1\.options\.range_db: expected two numbers, the least first",
        ),
    ],
)
def test_augmentations_that_cannot_be(
    write_song: WriteSong, prepare: Callable[..., TrainingData], augment: AugmentConfig, message: str
) -> None:
    for name in ("train/a", "valid/b"):
        write_song(f"set/{name}")
    settings = DataConfig(augment=(AugmentConfig("polarity"), augment))
    with pytest.raises(ConfigError, match=message) as caught:
        make_drawer(prepare(), settings, SPEC, seed=0)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "text",
    [
        "def silence(samples, sample_rate, random): return 0 * samples\n",
        "class Silence:\n    SCOPE = 'stem'\n",
        "from dataclasses import dataclass\n@dataclass\nclass Silence:\n    level: float = 0.0\n",
    ],
)
def test_a_file_that_defines_no_augmentation(tmp_path: Path, text: str) -> None:
    path = tmp_path / "silence.py"
    path.write_text(text)
    with pytest.raises(
        ConfigError, match=r"^data\.augment\.0\.name: expected a dataclass with a SCOPE in '.*silence\.py'"
    ):
        build_step(AugmentConfig(str(path)), "data.augment.0")


def test_an_augmentation_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "times.py"
    path.write_text(
        "from dataclasses import dataclass\n"
        "from typing import ClassVar\n"
        "@dataclass(frozen=True)\n"
        "class Times:\n"
        "    SCOPE: ClassVar[str] = 'stem'\n"
        "    factor: float = 1.0\n"
        "    def __call__(self, samples, sample_rate, random):\n"
        "        return self.factor * samples\n"
    )
    step = build_step(AugmentConfig(str(path), 0.25, {"factor": 3}), "data.augment.0")
    assert step.probability == 0.25
    samples = np.ones((1, 4), np.float32)
    assert step.transform(samples, RATE, np.random.default_rng(0)).tolist() == [[3.0] * 4]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"batch_size": 0}, "data.batch_size: expected 1 or more, got 0"),
        ({"n_workers": -1}, "data.n_workers: expected 0 or more, got -1"),
        ({"prefetch": 0}, "data.prefetch: expected 1 or more"),
        ({"max_failures": -1}, "data.max_failures: expected 0 or more"),
        ({"n_samples": 0}, "data.n_samples: expected 1 or more"),
        ({"max_tracks": 0}, "data.max_tracks: expected 1 or more"),
        ({"remix": 1.1}, "data.remix: expected 0 to 1"),
        ({"keep_silent": -0.1}, "data.keep_silent: expected 0 to 1"),
        ({"remix": float("nan")}, "data.remix: expected a number, got nan"),
        ({"chunk_s": 0.0}, "data.chunk_s: expected more than 0"),
        ({"chunk_s": float("nan")}, "data.chunk_s: expected a number, got nan"),
        ({"valid_fraction": 1.0}, "data.valid_fraction: expected more than 0, less than 1"),
        ({"sources": [{"root": "x", "weight": 0.0}]}, "data.sources.weight: expected more than 0, got 0.0"),
        ({"augment": [{"name": "gain", "probability": 2.0}]}, "augment.probability: expected 0 to 1, got 2.0"),
        ({"augment": [{"nmae": "gain"}]}, "data.augment.0.nmae: unknown key, did you mean 'name'"),
        ({"cache": "pcn"}, "data.cache: expected one of 'none', 'pcm', got 'pcn'"),
        ({"missing": "ignore"}, "data.missing: expected one of 'refuse', 'silence'"),
        ({"batchsize": 4}, "data.batchsize: unknown key, did you mean 'batch_size'"),
    ],
)
def test_settings_that_cannot_be(values: dict[str, Any], message: str) -> None:
    with pytest.raises(AuralflowError) as caught:
        from_dict(DataConfig, values, "data")
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_settings_come_back() -> None:
    config = DataConfig((SourceConfig("x", "musdb_hq", 2.0),), 0.5, augment=(AugmentConfig("gain", 1.0, {"a": 1}),))
    assert from_dict(DataConfig, to_dict(config)) == config


# What trains


def test_the_settings_reach_the_chunks(
    write_song: WriteSong, prepare: Callable[..., TrainingData], tmp_path: Path
) -> None:
    for name in ("train/a", "train/b", "train/c", "valid/d"):
        write_song(f"set/{name}")
    plain = config(tmp_path, remix=0.0, augment=(), chunk_s=0.1)
    chunk = make_drawer(prepare(chunk_s=0.1), plain, SPEC, seed=0).draw(ChunkKey(0, 0))
    assert chunk.targets.shape == (2, 1, 800)
    np.testing.assert_array_equal(chunk.mixture, chunk.targets.sum(axis=0))

    def draw(seed: int = 0, **settings: Any) -> Samples:
        drawn = make_drawer(prepare(chunk_s=0.1), config(tmp_path, **settings), SPEC, seed=seed).draw(ChunkKey(0, 0))
        return drawn.targets

    np.testing.assert_array_equal(draw(remix=0.0, augment=()), chunk.targets)
    assert not np.array_equal(draw(remix=1.0, augment=()), chunk.targets)
    assert not np.array_equal(draw(remix=0.0, augment=(), seed=1), chunk.targets)
    np.testing.assert_array_equal(draw(remix=0.0, augment=(AugmentConfig("polarity", 1.0),)), -chunk.targets)


def test_the_cache_holds_all_that_trains(
    write_song: WriteSong, prepare: Callable[..., TrainingData], tmp_path: Path
) -> None:
    for name in ("train/a", "train/b", "valid/c"):
        write_song(f"set/{name}", "vocals", "drums", "rest", channels=2)
    data, told = prepare(), []
    spec = ModelSpec(stems=STEMS, sample_rate=RATE, channels=2, segment_samples=2000)
    cache = build_cache(data, tmp_path / "cache", spec, lambda *counts: told.append(counts))
    assert told[-1] == (6, 6)
    assert len(list((tmp_path / "cache").iterdir())) == 6
    drawers = [make_drawer(data, config(tmp_path), spec, seed=0, cache=one) for one in (None, cache)]
    for number in range(20):
        plain, cached = (drawer.draw(ChunkKey(0, number)) for drawer in drawers)
        np.testing.assert_array_equal(cached.targets, plain.targets)
        np.testing.assert_array_equal(cached.mixture, plain.mixture)
