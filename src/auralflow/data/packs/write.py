"""Pack a data set: plan its shards, write those that are missing, list them."""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from auralflow.audio.in_memory import LosslessFormat
from auralflow.data.left_out import collect_left_out
from auralflow.data.packs.index import (
    FORMAT_VERSION,
    INDEX_NAME,
    ShardEntry,
    all_sounds,
    describe,
    from_json,
    read_shard,
    to_json,
    write_index,
)
from auralflow.data.packs.shard import ShardFile, pack_track
from auralflow.data.packs.target import Target
from auralflow.data.track import SPLITS, Dataset, Split, Track
from auralflow.errors import AudioError, ConfigError

_SHARD_NAME = re.compile(rf"({'|'.join(SPLITS)})-\d{{6}}\.(tar|json)")
_BYTES_PER_SAMPLE = 2


@dataclass(frozen=True)
class PackSettings:
    """How a data set is packed.

    Raises:
        ConfigError: a value that cannot be.
    """

    piece_s: float = 5.0
    """Seconds of a piece, the least that is read at once."""
    shard_mb: int = 512
    """Size of a shard, about, if all was 16-bit samples: 10^6 bytes."""
    format: LosslessFormat = "flac"
    """How pieces are stored. FLAC takes half of the room; WAV is read faster."""

    def __post_init__(self) -> None:
        if not 0.1 <= self.piece_s <= 600:
            raise ConfigError(f"piece: expected 0.1 to 600 seconds, got {self.piece_s!r}")
        if self.shard_mb < 1:
            raise ConfigError(f"shard: expected 1 MB or more, got {self.shard_mb!r}")


@dataclass(frozen=True)
class PackReport:
    """What `write_pack` did."""

    out: str
    n_tracks: int
    n_shards: int
    n_written: int
    """Shards that were written now; the others were there before."""
    size_bytes: int
    failures: tuple[str, ...]
    """Tracks (or sounds) that are not in the pack, and why; a line each."""
    seconds: float

    @property
    def exit_code(self) -> int:
        """1 when something had to be left out."""
        return 1 if self.failures else 0


@dataclass(frozen=True)
class _Plan:
    """A shard before it is written."""

    name: str
    split: Split
    tracks: tuple[tuple[int, Track], ...]
    """Each with its number in the pack."""


def write_pack(
    dataset: Dataset,
    target: Target,
    settings: PackSettings,
    *,
    n_workers: int | None = None,
    report: Callable[[int, int], None] = lambda n_done, n_tracks: None,
) -> PackReport:
    """Write what is not there yet. A track that cannot be read is left out, and told.

    Args:
        dataset: as `open_dataset` gives it.
        target: where the pack shall lie.
        n_workers: shards that are written at once, each in a thread; None for one per core.
        report: hears how many tracks are done, and how many there are; what it raises ends the packing.

    Raises:
        AudioError: nothing was found, or nothing of it can be read.
        OutputError: the pack cannot be written; shards that are complete stay, and are not written again.
    """
    if n_workers is not None and n_workers < 1:
        raise ConfigError(f"workers: expected 1 or more, got {n_workers!r}")
    started = time.monotonic()
    with collect_left_out() as left_out:
        plans = plan_shards(dataset.list_tracks(), settings.shard_mb * 10**6)
    packing = _Packing(target, settings, sum(len(plan.tracks) for plan in plans), report)
    made = packing.run(plans, n_workers or os.cpu_count() or 1)
    shards = [shard.entry for shard in made if shard.entry.tracks]
    failures = [
        *(f"{found.track}: {found.stem or 'track'}: {found.error}" for found in left_out),
        *chain.from_iterable(shard.failures for shard in made),
    ]
    if not shards:
        raise AudioError(f"no track could be packed; the first: {failures[0]}")
    target.write(INDEX_NAME, write_index(dataset.ARE_SONGS, shards))
    kept = {INDEX_NAME, *chain.from_iterable((shard.name, _told_by(shard.name)) for shard in shards)}
    target.remove_others(lambda name: _SHARD_NAME.fullmatch(name) is not None and name not in kept)
    return PackReport(
        str(target.place),
        sum(len(shard.tracks) for shard in shards),
        len(shards),
        sum(shard.is_new for shard in made),
        sum(shard.size_bytes for shard in shards),
        tuple(failures),
        time.monotonic() - started,
    )


def plan_shards(by_split: Mapping[Split, Sequence[Track]], shard_bytes: int) -> list[_Plan]:
    """Tracks in order, as many in each shard as it holds; told by the listing alone."""
    plans: list[_Plan] = []
    number = 0
    for split in SPLITS:
        groups: list[list[tuple[int, Track]]] = []
        room = 0
        for track in by_split.get(split, ()):
            size = _estimate_bytes(track)
            if not groups or room < size:
                groups.append([])
                room = shard_bytes
            groups[-1].append((number, track))
            room -= size
            number += 1
        plans += [_Plan(f"{split}-{index:06d}.tar", split, tuple(group)) for index, group in enumerate(groups)]
    return plans


def _estimate_bytes(track: Track) -> int:
    return sum(sound.n_samples * sound.channels * _BYTES_PER_SAMPLE for sound in all_sounds(track).values())


@dataclass(frozen=True)
class _Made:
    entry: ShardEntry
    failures: tuple[str, ...]
    is_new: bool


class _Packing:
    """Shards on their way to the target."""

    def __init__(
        self, target: Target, settings: PackSettings, n_tracks: int, report: Callable[[int, int], None]
    ) -> None:
        self._target, self._settings, self._n_tracks, self._report = target, settings, n_tracks, report
        self._n_done, self._lock = 0, threading.Lock()

    def run(self, plans: Sequence[_Plan], n_workers: int) -> list[_Made]:
        """All shards, in order."""
        # Decoders and encoders work without the interpreter's lock, so threads are enough.
        pool = ThreadPoolExecutor(n_workers)
        try:
            return list(pool.map(self._make, plans))
        finally:
            pool.shutdown(cancel_futures=True)

    def _make(self, plan: _Plan) -> _Made:
        made_from = _fingerprint(plan, self._settings)
        there = _find_there(plan, self._target, made_from)
        if there is not None:
            self._advance(len(plan.tracks))
            return _Made(there, (), False)
        made = self._write(plan)
        if not made.failures:  # else it is tried again next time
            told = {"made_from": made_from, **describe(made.entry)}
            self._target.write(_told_by(plan.name), to_json(told))
        return made

    def _write(self, plan: _Plan) -> _Made:
        tracks, failures = [], []
        wanted = self._settings
        with self._target.writing(plan.name) as path:
            with ShardFile(path) as shard:
                for number, track in plan.tracks:
                    self._advance(0)
                    try:
                        tracks.append(pack_track(shard, number, plan.split, track, wanted.piece_s, wanted.format))
                    except AudioError as error:
                        failures.append(f"{track.name}: {error}")
                    self._advance(1)
            size_bytes = path.stat().st_size
        return _Made(ShardEntry(plan.name, plan.split, size_bytes, tuple(tracks)), tuple(failures), True)

    def _advance(self, n_tracks: int) -> None:
        with self._lock:
            self._n_done += n_tracks
            self._report(self._n_done, self._n_tracks)


def _find_there(plan: _Plan, target: Target, made_from: str | None) -> ShardEntry | None:
    """The shard, if it was made from the same files in the same way."""
    content = target.read(_told_by(plan.name))
    if content is None or made_from is None:
        return None
    try:
        told = from_json(content)
        entry = read_shard(told)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    is_same = told.get("made_from") == made_from and target.size_of(plan.name) == entry.size_bytes
    return entry if is_same else None


def _fingerprint(plan: _Plan, settings: PackSettings) -> str | None:
    """Changes with anything that the shard depends on; None when a file is gone."""
    try:
        sounds = [
            (number, track.name, stem, sound.version, sound.n_samples)
            for number, track in plan.tracks
            for stem, sound in all_sounds(track).items()
        ]
    except OSError:
        return None
    text = repr((FORMAT_VERSION, settings.piece_s, settings.format, plan.split, sounds))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _told_by(shard: str) -> str:
    return str(Path(shard).with_suffix(".json"))
