"""Divide songs into those that train and those that validate, where the data set does not.

Which side a song is on is told by a hash of its name alone:

    valid  where  SHA-256(seed, name) / 2^256 < fraction

So songs that are added later move no other, songs of one name are on one side in whatever data sets they stand, and the
share is the fraction in the mean. A side that is left without songs is given one, that with the nearest hash.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from auralflow.data.track import SPLITS, Split, Track
from auralflow.errors import ConfigError

N_NAMES_SHOWN = 20
"""So many names stand in a line; the rest is counted."""


@dataclass(frozen=True)
class Splits:
    """Tracks by what they are for."""

    train: tuple[Track, ...]
    valid: tuple[Track, ...]
    test: tuple[Track, ...]
    lines: tuple[str, ...]
    """Says to whoever trains what was divided, and how."""


def split_tracks(by_split: Mapping[Split, Sequence[Track]], valid_fraction: float = 0.15, seed: int = 0) -> Splits:
    """Tracks to train, validate and test with.

    Published splits stay as they are. Without `valid`, a share of the train songs validates, and unsplit songs are
    divided like them; with it, unsplit songs train, apart from those whose name stands in `valid`. Lone sounds are
    divided so that each stem is on both sides where it can be; files of one name in several stems' folders stay
    together.

    Args:
        by_split: tracks as data sets list them.
        valid_fraction: share of the songs that validate, above 0 and below 1.
        seed: changes which songs these are.

    Raises:
        ConfigError: there is nothing to train with, or one song alone to divide; or the fraction is out of range.

    Example:
        >>> splits = split_tracks({"train": [Track(f"train/{n}", {}) for n in range(10)]}, valid_fraction=0.3)
        >>> [track.name for track in splits.valid]
        ['train/1', 'train/4', 'train/8']
    """
    if not 0 < valid_fraction < 1:
        raise ConfigError(f"valid_fraction: expected more than 0, less than 1, got {valid_fraction!r}")
    train, valid, test, unsplit = (tuple(by_split.get(split, ())) for split in SPLITS)
    if not train + unsplit:
        raise ConfigError(
            f"expected at least two songs to train with, got {len(valid)} in valid, {len(test)} in test only"
        )
    if valid:
        how, keys, divided = "as published", {song_key(track) for track in valid}, unsplit
    else:
        how = f"by the names of {len(train + unsplit)} (fraction {valid_fraction:g}, seed {seed})"
        keys, divided, train = _choose_valid(train + unsplit, valid_fraction, seed), train + unsplit, ()
    train += tuple(track for track in divided if song_key(track) not in keys)
    valid += tuple(track for track in divided if song_key(track) in keys)
    if not train:
        raise ConfigError(f"expected songs to train with, but all {len(divided)} have the name of one in valid")
    sides = {"train": train, "valid": valid, "test": test}
    return Splits(train, valid, test, (*_describe(sides, how), *_describe_overlaps(sides)))


def song_key(track: Track) -> str:
    """By what a song is known again in other data sets: its name without the split, in one spelling.

    Of a lone sound in a stem's folder, the folder and the file's suffix are left out too.

    Example:
        >>> song_key(Track("train/Nina - Song", {}))
        'nina - song'
        >>> from auralflow.data.track import Sound
        >>> from pathlib import Path
        >>> song_key(Track("vocals/Song 1.wav", {"vocals": Sound(Path("Song 1.wav"), 44100, 2, 9)}))
        'song 1'
    """
    parts = unicodedata.normalize("NFC", track.name).casefold().split("/")
    if len(parts) > 1 and parts[0] in SPLITS:
        parts = parts[1:]
    if len(parts) > 1 and _lone_stem(track) == parts[0]:
        return os.path.splitext("/".join(parts[1:]))[0]
    return "/".join(parts)


def _lone_stem(track: Track) -> str:
    return next(iter(track.stems)).casefold() if len(track.stems) == 1 and track.mixture is None else ""


def _choose_valid(tracks: Iterable[Track], fraction: float, seed: int) -> set[str]:
    groups = _keys_by_group(tracks, seed)
    # What a group has but once is needed to train.
    needed = {keys[0] for keys in groups if len(keys) == 1}
    valid = {key for keys in groups for key in keys if _place(key, seed) < fraction} - needed
    for keys in groups:
        if valid.isdisjoint(keys):
            valid.update([key for key in keys if key not in needed][:1])
    for keys in groups:
        if valid.issuperset(keys):
            valid.remove(keys[-1])
    if not valid:
        raise ConfigError(
            f"expected at least two songs (or sounds of a stem) to divide into train and valid, got {_names(groups[0])}"
        )
    return valid


def _keys_by_group(tracks: Iterable[Track], seed: int) -> list[list[str]]:
    """Keys in the order of their hashes: those of all songs, and those of each stem's lone sounds."""
    groups: dict[str, set[str]] = defaultdict(set)
    for track in tracks:
        groups[_lone_stem(track)].add(song_key(track))
    return [sorted(keys, key=lambda key: _place(key, seed)) for _, keys in sorted(groups.items())]


def _place(key: str, seed: int) -> float:
    """A number from 0 to below 1."""
    digest = hashlib.sha256(f"{seed}\0{key}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:6]) / 2**48


def _describe(sides: Mapping[str, Sequence[Track]], how: str) -> Iterable[str]:
    train, valid, test = (len(tracks) for tracks in sides.values())
    yield f"train: {_count(train)}"
    yield f"valid: {_count(valid)}, {how}: {_names([track.name for track in sides['valid']])}"
    yield f"test: {_count(test)}, as published" if test else "test: none"


def _describe_overlaps(sides: Mapping[str, Sequence[Track]]) -> Iterable[str]:
    """Published splits are trusted, but not in silence."""
    keys = {side: {song_key(track) for track in tracks} for side, tracks in sides.items()}
    for one, other in combinations(sides, 2):
        shared = sorted(keys[one] & keys[other])
        if shared:
            yield f"in both {one} and {other} by name: {_names(shared)}; make sure that they are other songs"


def _count(n_tracks: int) -> str:
    return f"{n_tracks} track{'s' if n_tracks != 1 else ''}"


def _names(names: Collection[str]) -> str:
    shown = ", ".join(sorted(names)[:N_NAMES_SHOWN])
    return shown if len(names) <= N_NAMES_SHOWN else f"{shown} and {len(names) - N_NAMES_SHOWN} more"
