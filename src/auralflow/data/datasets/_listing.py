"""From names of files to tracks: every header is looked at, many at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from auralflow.data.track import SPLITS, Sound, Split, Track, find_sound
from auralflow.errors import AudioError

N_THREADS = 8
"""Headers looked at together; it is the wait for a network disk that they share."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Place:
    """Where a sound is said to be."""

    path: Path
    stream: int = 0
    told_by: str = ""
    """Who says so, for messages: a manifest and its line."""


@dataclass(frozen=True)
class Listed:
    """A track whose files have not been looked at."""

    name: str
    stems: Mapping[str, Place]
    mixture: Place | None = None


def map_in_order(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """The function of every item, in threads. Of several errors the first in order is raised, on every run the same."""
    with ThreadPoolExecutor(N_THREADS) as pool:
        return list(pool.map(function, items))


def open_tracks(root: Path, listed: Mapping[Split, Sequence[Listed]]) -> dict[Split, tuple[Track, ...]]:
    """Tracks by split, sorted by name; splits without tracks are left out.

    Raises:
        AudioError: a file cannot be read as audio, or nothing is listed.
    """
    places = list(dict.fromkeys(place for tracks in listed.values() for track in tracks for place in _places(track)))
    if not places:
        raise AudioError(f"{root}: expected songs, found none; see the layouts of data sets in the documentation")
    sounds = dict(zip(places, map_in_order(_look, places), strict=True))
    tracks = {split: [_open(track, sounds) for track in listed.get(split, ())] for split in SPLITS}
    return {split: tuple(sorted(found, key=lambda track: track.name)) for split, found in tracks.items() if found}


def _places(track: Listed) -> list[Place]:
    return [*track.stems.values(), *([track.mixture] if track.mixture else [])]


def _open(track: Listed, sounds: Mapping[Place, Sound]) -> Track:
    stems = {name: sounds[place] for name, place in sorted(track.stems.items())}
    return Track(track.name, stems, sounds[track.mixture] if track.mixture else None)


def _look(place: Place) -> Sound:
    try:
        return find_sound(place.path, place.stream)
    except AudioError as error:
        if not place.told_by:
            raise
        raise AudioError(f"{place.told_by}: {error}") from None
