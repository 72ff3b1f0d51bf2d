"""Draw the training chunk of a given number: which songs, where, changed how.

A chunk is a pure function of (seed, epoch, number): every decision comes from a generator that is seeded with these
alone, so it is the same in any process, in any order, after any restart.

    song mode    one song, one place; all its stems and what else is in it
    remix mode   for each target a song and a place of its own

In both, each stem goes through the transforms, and the mixture is the sum of all that comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from auralflow.audio.types import Samples
from auralflow.data.pool import Pool, Song
from auralflow.data.reader import SoundReader
from auralflow.data.track import Sound
from auralflow.errors import AudioError

_N_ATTEMPTS = 16
_PIECE_SAMPLES = 16384


class ChunkKey(NamedTuple):
    """Which chunk of the endless supply."""

    epoch: int
    number: int
    """Of the chunk in its epoch."""


class Chunk(NamedTuple):
    """Targets, and the mixture that is the sum of them and of what is nobody's target.

    Shape:
        targets: (stem, channel, time); mixture: (channel, time)
    """

    targets: Samples
    mixture: Samples
    failures: tuple[str, ...]
    """What could not be read on the way, a line for each that begins with the path; other songs were drawn instead."""


class Transform(Protocol):
    """What a file of `auralflow.data.augment` defines."""

    SCOPE: str

    def __call__(self, samples: Samples, sample_rate: int, random: np.random.Generator) -> Samples: ...


@dataclass(frozen=True)
class Step:
    """A transform and its probability."""

    transform: Transform
    probability: float


@dataclass(frozen=True)
class Policy:
    """How chunks are drawn."""

    n_samples: int
    """Length of a chunk."""
    remix: float = 0.0
    """Share of chunks in remix mode, where the data offers the choice."""
    keep_silent: float = 1.0
    """Share of chunks with a silent target that is kept."""
    silence_db: float = -60.0
    """RMS level below which a target is silent."""
    steps: tuple[Step, ...] = ()
    """Transforms of every stem, in order."""


class ChunkDrawer:
    """Draws chunks from pools; see the head of this file.

    Example:
        >>> drawer = ChunkDrawer([pool], reader, Policy(n_samples=44100), seed=0)  # doctest: +SKIP
        >>> drawer.draw(ChunkKey(epoch=0, number=7)).mixture.shape  # doctest: +SKIP
        (2, 44100)
    """

    def __init__(self, pools: Sequence[Pool], reader: SoundReader, policy: Policy, seed: int) -> None:
        self._pools, self._reader, self._policy, self._seed = list(pools), reader, policy, seed
        self._n_targets = pools[0].n_targets
        self._of_songs = [pool for pool in pools if pool.are_songs]

    def draw(self, key: ChunkKey) -> Chunk:
        """The chunk of this number.

        Raises:
            AudioError: again and again the files that were drawn could not be read.
        """
        failures: list[str] = []
        drawn = None
        for attempt in range(_N_ATTEMPTS):
            random = np.random.default_rng((self._seed, key.epoch, key.number, attempt))
            try:
                drawn = self._attempt(random)
            except AudioError as error:
                failures.append(str(error))
                continue
            if not self._is_silent(drawn[0]) or random.random() < self._policy.keep_silent:
                break
        if drawn is None:
            raise AudioError(f"{len(failures)} files in a row could not be read, the last: {failures[-1]}")
        return Chunk(*drawn, tuple(dict.fromkeys(failures)))

    def _attempt(self, random: np.random.Generator) -> tuple[Samples, Samples]:
        is_remix = not self._of_songs or random.random() < self._policy.remix
        seed = int(random.integers(2**63))
        draw = _Mixing(self._reader, self._policy, random, seed)
        if not is_remix:
            song = _choose(self._of_songs, random).draw_song(random.random())
            return draw.mix([song] * self._n_targets, rest=song, place=random.random())
        songs = [self._draw_song_with(target, random) for target in range(self._n_targets)]
        # What is nobody's target comes from the song of one of them.
        return draw.mix(songs, rest=songs[int(random.integers(self._n_targets))], place=None)

    def _draw_song_with(self, target: int, random: np.random.Generator) -> Song:
        pool = _choose([pool for pool in self._pools if pool.has(target)], random)
        return pool.draw_song_with(target, random.random())

    def _is_silent(self, targets: Samples) -> bool:
        """Whether any target is."""
        floor = 10 ** (self._policy.silence_db / 10)
        return any(not _reaches(target.reshape(-1), floor * target.size) for target in targets)


class _Mixing:
    """The state of one attempt."""

    def __init__(self, reader: SoundReader, policy: Policy, random: np.random.Generator, seed: int) -> None:
        self._reader, self._policy, self._random, self._seed = reader, policy, random, seed
        # A pitch or tempo that changes must read more than it gives.
        self._n_input = policy.n_samples
        for step in reversed(policy.steps):
            n_input = getattr(step.transform, "n_input", None)
            self._n_input = self._n_input if n_input is None else n_input(self._n_input)

    def mix(self, songs: Sequence[Song], rest: Song, place: float | None) -> tuple[Samples, Samples]:
        """Targets and mixture; `place` is where in its song every stem begins, None to draw it for each."""
        n_samples, channels = self._policy.n_samples, self._reader.channels
        targets = np.empty((len(songs), channels, n_samples), np.float32)
        for index, song in enumerate(songs):
            self._fill(targets[index], song, song.parts[index], place)
        mixture = targets.sum(axis=0)
        if rest.rest:
            others = np.empty_like(mixture)
            self._fill(others, rest, rest.rest, place)
            mixture += others
        return targets, mixture

    def _fill(self, total: Samples, song: Song, sounds: Sequence[Sound], place: float | None) -> None:
        """The sum of some sounds of a song, each transformed."""
        u = self._random.random() if place is None else place
        n_spare = max((self._reader.length(sound) for sound in song.sounds), default=0) - self._n_input
        start = int(u * max(0, n_spare + 1))
        if not sounds:
            total[:] = 0
        for number, sound in enumerate(sounds):
            if number == 0 and not self._policy.steps:
                self._reader.read_into(total, sound, start)  # the common case without a copy
                continue
            samples = self._transform(self._reader.read(sound, start, self._n_input), song)
            np.copyto(total, samples) if number == 0 else np.add(total, samples, out=total)

    def _transform(self, samples: Samples, song: Song) -> Samples:
        # Stems of one song draw alike where the transform's scope is the song.
        key = [ord(letter) for letter in song.name]
        shared = np.random.default_rng((self._seed, *key)) if self._policy.steps else self._random
        for step in self._policy.steps:
            random = shared if step.transform.SCOPE == "song" else self._random
            if random.random() < step.probability:
                samples = step.transform(samples, self._reader.sample_rate, random)
        return samples[:, : self._policy.n_samples]


def _reaches(samples: Samples, energy: float) -> bool:
    """Whether the sum of squares is this large; of loud sounds the beginning tells."""
    for start in range(0, len(samples), _PIECE_SAMPLES):
        piece = samples[start : start + _PIECE_SAMPLES]
        energy -= float(np.vdot(piece, piece))
        if energy <= 0:
            return True
    return False


def _choose(pools: Sequence[Pool], random: np.random.Generator) -> Pool:
    weights = np.cumsum([pool.weight for pool in pools])
    return pools[int(np.searchsorted(weights, random.random() * weights[-1], side="right"))]
