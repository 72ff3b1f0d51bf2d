"""Which songs went best and which worst: those that a report shows."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from auralflow.evaluation.results import SongScore
from auralflow.metrics import Column

N_SHOWN = 3
"""At each end."""


def rank_songs(songs: Sequence[SongScore], column: Column) -> list[SongScore]:
    """Songs from best to worst by the mean over stems of one column; those without a finite score stay out."""
    means = [(_mean(song, column.name), song) for song in songs]
    usable = [(mean, song) for mean, song in means if mean is not None]
    sign = -1 if column.higher_is_better else 1
    return [song for _, song in sorted(usable, key=lambda pair: (sign * pair[0], pair[1].name))]


def choose_ends(ranked: Sequence[SongScore], n: int = N_SHOWN) -> tuple[list[SongScore], list[SongScore]]:
    """The best and the worst songs, worst first; of few songs none stands on both sides.

    Example:
        >>> songs = [SongScore(name, 1.0, 44100, 2, "sum", {}) for name in "abcde"]
        >>> [[song.name for song in end] for end in choose_ends(songs)]
        [['a', 'b', 'c'], ['e', 'd']]
    """
    best = list(ranked[: min(n, math.ceil(len(ranked) / 2))])
    worst = list(reversed(ranked[max(len(best), len(ranked) - n) :]))
    return best, worst


def _mean(song: SongScore, column: str) -> float | None:
    scores = [stem.scores[column] for stem in song.stems.values() if math.isfinite(stem.scores[column])]
    return statistics.mean(scores) if scores else None
