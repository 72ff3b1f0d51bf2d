"""From the scores of frames to the score of a song, and from those of songs to that of a set.

The field has two ways. museval (the SiSEC and MUSDB18 tables): the median over a song's frames of one second, then the
median over songs (Stöter, Liutkus and Ito 2018, "The 2018 Signal Separation Evaluation Campaign"). MDX and SDX: one
score per whole song, then the mean over songs (Mitsufuji et al. 2022, "Music Demixing Challenge 2021").

NaN (silence, nothing to score) and infinity (an estimate equal to its target) are counted and left out, never taken for
a number; museval leaves both out too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from auralflow.evaluation.statistics.bootstrap import interval_over_songs
from auralflow.evaluation.statistics.interval import Interval, Statistic, take_finite, to_scores


@dataclass(frozen=True)
class Counts:
    """How many scores there are of each kind."""

    n_finite: int
    """Ordinary numbers: what averages are made of."""
    n_nan: int
    """Undefined, as for a silent target."""
    n_plus_infinite: int
    """Infinite: for a ratio in dB, an estimate equal to its target."""
    n_minus_infinite: int
    """Minus infinite: for a scale-invariant ratio, an estimate with nothing of its target."""

    @property
    def n_left_out(self) -> int:
        """Those that no average holds."""
        return self.n_nan + self.n_plus_infinite + self.n_minus_infinite


@dataclass(frozen=True)
class Summary:
    """The score of a set of songs."""

    statistic: Statistic
    """What was taken over songs."""
    interval: Interval
    """The average and its confidence interval."""
    songs: Counts
    """What became of the songs."""


def count_scores(scores: ArrayLike) -> Counts:
    """Count finite, undefined and infinite scores.

    Example:
        >>> count_scores([3.0, float("nan"), float("inf")]).n_left_out
        2
    """
    values = to_scores(scores)
    return Counts(
        n_finite=int(np.isfinite(values).sum()),
        n_nan=int(np.isnan(values).sum()),
        n_plus_infinite=int(np.isposinf(values).sum()),
        n_minus_infinite=int(np.isneginf(values).sum()),
    )


def score_song(frames: ArrayLike) -> float:
    """The score of a song from those of its frames: the median of the finite ones.

    Without a single finite frame the song is infinite where all frames that are defined are the same infinity, so that
    an estimate equal to its target is still counted as such, and else NaN.

    Raises:
        ShapeError: there is more than one axis.

    Example:
        >>> score_song([5.0, float("nan"), 6.0, 9.0])
        6.0
    """
    values = to_scores(frames)
    usable = take_finite(values)
    if len(usable):
        return float(np.median(usable))
    kinds = np.unique(values[np.isinf(values)])
    return float(kinds[0]) if len(kinds) == 1 else float("nan")


def summarise(
    scores: ArrayLike, statistic: Statistic = "mean", *, level: float = 0.95, n_resamples: int = 10_000, seed: int = 0
) -> Summary:
    """The score of a set from one score per song, with its interval (see `interval_over_songs`) and what was left out.

    Args:
        scores: one per song; for museval's way those of `score_song`.
        statistic: `median` for museval's way, `mean` for MDX's.
        level: how often the interval should hold the true value.
        n_resamples: sets drawn for the interval.
        seed: the same seed gives the same interval.

    Raises:
        ConfigError: an option out of its range.
        ShapeError: `scores` has more than one axis.

    Example:
        >>> summary = summarise([5.0, 7.0, float("nan")])
        >>> summary.interval.value, summary.songs.n_nan
        (6.0, 1)
    """
    interval = interval_over_songs(scores, statistic, level=level, n_resamples=n_resamples, seed=seed)
    return Summary(statistic, interval, count_scores(scores))
