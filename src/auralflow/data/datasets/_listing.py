"""From names of files to tracks: every header is looked at, many at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from auralflow.data.datasets._folders import MIXTURE
from auralflow.data.left_out import leave_out
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
        AudioError: a file cannot be read as audio (and `collect_left_out` is not in force), or nothing is listed.
    """
    places = list(dict.fromkeys(place for tracks in listed.values() for track in tracks for place in _places(track)))
    if not places:
        raise AudioError(f"{root}: expected songs, found none; see the layouts of data sets in the documentation")
    looked = dict(zip(places, map_in_order(_look, places), strict=True))
    tracks = {split: [_open(track, looked) for track in listed.get(split, ())] for split in SPLITS}
    return {
        split: tuple(sorted((track for track in found if track.stems), key=lambda track: track.name))
        for split, found in tracks.items()
        if any(track.stems for track in found)
    }


def _places(track: Listed) -> list[Place]:
    return list(_by_stem(track).values())


def _by_stem(track: Listed) -> dict[str, Place]:
    return {**dict(sorted(track.stems.items())), **({MIXTURE: track.mixture} if track.mixture else {})}


def _open(track: Listed, looked: Mapping[Place, Sound | AudioError]) -> Track:
    sounds: dict[str, Sound] = {}
    for stem, place in _by_stem(track).items():
        found = looked[place]
        if isinstance(found, AudioError):
            leave_out(track.name, stem, found)
        else:
            sounds[stem] = found
    mixture = sounds.pop(MIXTURE, None)
    return Track(track.name, sounds, mixture)


def _look(place: Place) -> Sound | AudioError:
    """The sound, or why there is none; raised or collected where it is known what is missing."""
    try:
        return find_sound(place.path, place.stream)
    except AudioError as error:
        return AudioError(f"{place.told_by}: {error}") if place.told_by else error
