"""Tracks to draw from: which sounds make each target of a model, and what else belongs into the mixture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from auralflow.data.track import Sound, Track
from auralflow.errors import ConfigError

Shares = npt.NDArray[np.float64]

CATCH_ALL = ("other", "accompaniment", "instrumental")
"""Stems that take in whatever else a song has, unless the song has a stem of that very name and no more."""


@dataclass(frozen=True)
class Song:
    """A track seen by a model: the sounds that sum to each of its targets.

    Args:
        parts: for each target the sounds it is the sum of; none for a stem that the track lacks.
        rest: sounds that are in the mixture and in no target.
    """

    name: str
    parts: tuple[tuple[Sound, ...], ...]
    rest: tuple[Sound, ...] = ()

    @property
    def duration_s(self) -> float:
        """Of its longest sound."""
        return max((sound.duration_s for sound in self.sounds), default=0.0)

    @property
    def sounds(self) -> tuple[Sound, ...]:
        """All of its sounds."""
        return (*(sound for part in self.parts for sound in part), *self.rest)


def assign_stems(track: Track, targets: Sequence[str]) -> Song:
    """Give each target of a model its sounds.

    A target takes the stem of its name. What is left goes to the first target that is called `other`, `accompaniment`
    or `instrumental`; where the model has none of these, it is heard in the mixture only.

    Example:
        >>> from pathlib import Path
        >>> song = Track("song", {name: Sound(Path(name), 44100, 2, 9) for name in ("vocals", "drums", "bass")})
        >>> [[sound.path.name for sound in part] for part in assign_stems(song, ["vocals", "other"]).parts]
        [['vocals'], ['drums', 'bass']]
    """
    left = {name: sound for name, sound in track.stems.items() if name not in targets}
    parts: dict[str, tuple[Sound, ...]] = {t: (track.stems[t],) if t in track.stems else () for t in targets}
    catch_all = next((target for target in targets if target in CATCH_ALL), None)
    if catch_all is not None:
        parts[catch_all] += tuple(left.values())
        left = {}
    return Song(track.name, tuple(parts[target] for target in targets), tuple(left.values()))


@dataclass(frozen=True)
class Pool:
    """The songs of one data set, ready to draw from.

    Args:
        are_songs: the sounds of a song belong together; if not, mixtures are always drawn from several.
        weight: how often this pool is drawn from, relative to others.
    """

    songs: tuple[Song, ...]
    n_targets: int
    are_songs: bool = True
    weight: float = 1.0
    _whole: Shares = field(init=False, repr=False, compare=False)
    _having: tuple[Shares, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        durations = np.array([song.duration_s for song in self.songs])
        object.__setattr__(self, "_whole", _cumulate(durations))
        having = [
            _cumulate(durations * np.array([bool(song.parts[target]) for song in self.songs]))
            for target in range(self.n_targets)
        ]
        object.__setattr__(self, "_having", tuple(having))

    @property
    def duration_s(self) -> float:
        """Of all songs end to end."""
        return sum(song.duration_s for song in self.songs)

    def has(self, target: int) -> bool:
        """Whether any song has this target."""
        return any(song.parts[target] for song in self.songs)

    def draw_song(self, u: float) -> Song:
        """The song at `u` (0 to below 1) of all songs end to end: every second is as likely as any other."""
        return self.songs[int(np.searchsorted(self._whole, u, side="right"))]

    def draw_song_with(self, target: int, u: float) -> Song:
        """As `draw_song`, of the songs that have this target; there must be one."""
        return self.songs[int(np.searchsorted(self._having[target], u, side="right"))]


def make_pool(
    tracks: Sequence[Track],
    targets: Sequence[str],
    *,
    are_songs: bool,
    weight: float = 1.0,
    allow_missing: bool = False,
) -> Pool:
    """Songs of a data set as a pool.

    Raises:
        ConfigError: a song lacks a target, and that is not allowed; or its stems have different sample rates.
    """
    songs = tuple(assign_stems(track, targets) for track in tracks)
    for song in songs if are_songs else ():
        _check_rates(song)
        for target, part in zip(targets, song.parts, strict=True):
            if not part and not allow_missing:
                raise ConfigError(
                    f"{song.name}: expected a stem '{target}', found none; add it, or allow silence in its place "
                    "with --data.missing silence"
                )
    return Pool(songs, len(targets), are_songs, weight)


def _check_rates(song: Song) -> None:
    rates = {sound.sample_rate: sound.path for sound in song.sounds}
    if len(rates) > 1:
        told = ", ".join(f"{path.name} {rate} Hz" for rate, path in sorted(rates.items()))
        raise ConfigError(f"{song.name}: expected stems of one sample rate, got {told}; convert them")


def _cumulate(weights: Shares) -> Shares:
    """Running sum that ends in exactly 1; zeros where there is nothing to draw from."""
    running = np.cumsum(weights)
    total = running[-1] if len(running) else 0.0
    return running / total if total > 0 else np.zeros_like(running)
