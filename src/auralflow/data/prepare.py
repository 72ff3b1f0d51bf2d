"""From the config of the data to what draws chunks: open, split, check, cache."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from auralflow.config import from_dict
from auralflow.data.augment import augmentations
from auralflow.data.cache import PcmCache
from auralflow.data.channels import check_channels
from auralflow.data.config import AugmentConfig, DataConfig, SourceConfig
from auralflow.data.draw import ChunkDrawer, Policy, Step
from auralflow.data.open import find_root, open_dataset
from auralflow.data.pool import Pool, Song, assign_stems, make_pool
from auralflow.data.reader import SoundReader
from auralflow.data.split import Splits, song_key, split_tracks
from auralflow.errors import ConfigError, UnknownNameError
from auralflow.spec import ModelSpec


@dataclass(frozen=True)
class TrainingData:
    """Everything a run reads."""

    pools: tuple[Pool, ...]
    """To train on."""
    valid_songs: tuple[Song, ...]
    """To validate on; songs only, never lone sounds."""
    n_chunk: int
    """Samples of a chunk."""
    n_samples: int
    """Chunks of an epoch."""
    lines: tuple[str, ...]
    """What was found, for the user."""


def prepare_data(config: DataConfig, spec: ModelSpec) -> TrainingData:
    """List the data sets, split them, and refuse what cannot be trained on.

    Raises:
        ConfigError: no data, a single track, a stem that is missing, rates or channels that do not fit, a chunk that is
            longer than every track.
        AudioError: a file that cannot be read.
    """
    if not config.sources:
        raise ConfigError("data.sources: expected at least one folder of stems, got none")
    opened = [_open_source(source, config) for source in config.sources]
    held = {song_key(track) for one in opened for track in (*one.splits.valid, *one.splits.test)}
    pools = tuple(_make_pool(one, held, config, spec) for one in opened)
    valid = tuple(assign_stems(track, spec.stems) for one in opened for track in one.splits.valid)
    if config.remix == 0 and len({pool.are_songs for pool in pools}) > 1:
        raise ConfigError(
            "data.remix: 0 would never draw the lone sounds beside the songs; raise it, or leave them out"
        )
    n_chunk = spec.segment_samples if config.chunk_s is None else round(config.chunk_s * spec.sample_rate)
    _check_targets(pools, spec)
    _check_sounds(pools, valid, spec, n_chunk)
    total_s = sum(pool.duration_s for pool in pools)
    n_samples = config.n_samples or max(1, math.floor(total_s * spec.sample_rate / n_chunk))
    lines = tuple(line for one, pool in zip(opened, pools, strict=True) for line in _describe(one, pool))
    return TrainingData(pools, valid, n_chunk, n_samples, lines)


def make_drawer(
    data: TrainingData, config: DataConfig, spec: ModelSpec, *, seed: int, cache: PcmCache | None = None
) -> ChunkDrawer:
    """What draws the training chunks."""
    policy = Policy(
        data.n_chunk,
        config.remix,
        config.keep_silent,
        config.silence_db,
        tuple(build_step(term, f"data.augment.{i}") for i, term in enumerate(config.augment)),
    )
    return ChunkDrawer(data.pools, SoundReader(spec.sample_rate, spec.channels, cache), policy, seed)


def build_cache(
    data: TrainingData, folder: Path, spec: ModelSpec, report: Callable[[int, int], None] | None = None
) -> PcmCache:
    """The cache of all sounds of the training songs, complete."""
    cache = PcmCache(folder, spec.sample_rate, spec.channels)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Of several processes that train together, one stores and the others find it stored.
    with FileLock(folder.parent / f".{folder.name}.lock"):
        cache.build([sound for pool in data.pools for song in pool.songs for sound in song.sounds], report)
    return cache


def build_step(config: AugmentConfig, key: str) -> Step:
    """A transform from its name and options.

    Raises:
        ConfigError: no such transform, or an option that it refuses; the message starts with the dotted key.
    """
    try:
        part = augmentations.load(config.name)
    except (ConfigError, UnknownNameError) as error:
        raise ConfigError(f"{key}.name: {error}") from None
    is_transform = isinstance(part, type) and dataclasses.is_dataclass(part) and hasattr(part, "SCOPE")
    if not is_transform:
        raise ConfigError(f"{key}.name: expected a dataclass with a SCOPE in '{config.name}', got {part!r}")
    return Step(_build_transform(part, config.options, f"{key}.options"), config.probability)


def _build_transform(part: Any, options: dict[str, Any], key: str) -> Any:
    try:
        return from_dict(part, options, key)
    except ConfigError as error:
        # What a transform says of its own fields does not know where they stand.
        raise error if str(error).startswith(key) else ConfigError(f"{key}.{error}") from None


@dataclass(frozen=True)
class _Opened:
    source: SourceConfig
    splits: Splits
    are_songs: bool


def _open_source(source: SourceConfig, config: DataConfig) -> _Opened:
    root = find_root(source.root)
    dataset = open_dataset(root, source.layout)
    by_split = dataset.list_tracks()
    try:
        if dataset.ARE_SONGS:
            splits = split_tracks(by_split, config.valid_fraction, config.split_seed)
        else:  # no lone sound is held back: only whole songs validate
            splits = Splits((*by_split.get("train", ()), *by_split.get("unsplit", ())), (), (), ())
    except ConfigError as error:
        raise ConfigError(f"{root}: {error}") from None
    return _Opened(source, splits, dataset.ARE_SONGS)


def _make_pool(opened: _Opened, held: Collection[str], config: DataConfig, spec: ModelSpec) -> Pool:
    """What may be trained on: no song that validates or tests in this data set or in another."""
    tracks = [track for track in opened.splits.train if not (opened.are_songs and song_key(track) in held)]
    if not tracks:
        raise ConfigError(f"{opened.source.root}: every song to train on is in a valid or test split; add others")
    try:
        return make_pool(
            tracks[: config.max_tracks],
            spec.stems,
            are_songs=opened.are_songs,
            weight=opened.source.weight,
            allow_missing=config.missing == "silence",
        )
    except ConfigError as error:
        raise ConfigError(f"{opened.source.root}: {error}") from None


def _describe(opened: _Opened, pool: Pool) -> list[str]:
    kind = ("song" if pool.are_songs else "sound") + "s" * (len(pool.songs) != 1)
    told = f"{opened.source.root}: {len(pool.songs)} {kind} to train on, {pool.duration_s / 60:.1f} minutes"
    return [told, *opened.splits.lines]


def _check_targets(pools: Sequence[Pool], spec: ModelSpec) -> None:
    for index, stem in enumerate(spec.stems):
        if not any(pool.has(index) for pool in pools):
            raise ConfigError(f"spec.stems: no training track has a stem '{stem}'; name stems that the data has")


def _check_sounds(pools: Sequence[Pool], valid: Sequence[Song], spec: ModelSpec, n_chunk: int) -> None:
    songs = [song for pool in pools for song in pool.songs]
    for sound in {sound: None for song in (*songs, *valid) for sound in song.sounds}:
        check_channels(sound, spec.channels)
    longest_s = max(song.duration_s for song in songs)
    if longest_s * spec.sample_rate < n_chunk:
        raise ConfigError(
            f"data.chunk_s: a chunk of {n_chunk / spec.sample_rate:.3g} s is longer than every track "
            f"(the longest has {longest_s:.3g} s); choose a shorter one"
        )
