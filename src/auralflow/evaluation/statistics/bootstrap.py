"""How far an average over songs may be off, from the scores themselves: the bootstrap.

Songs are drawn from the test set with replacement, as many as it has, and the average is taken anew; the spread of many
such averages stands for the spread that other songs would have given (Efron and Tibshirani 1993, "An Introduction to
the Bootstrap"). Scores that are not finite take no part.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auralflow.errors import ShapeError
from auralflow.evaluation.statistics.interval import (
    Interval,
    Method,
    Scores,
    Statistic,
    check_draws,
    check_fraction,
    check_statistic,
    split_draws,
    take_average,
    take_finite,
)

_NORMAL = NormalDist()
_LEAST_SHARE = 0.05
"""Of draws that have every stem."""


def interval_over_songs(
    scores: ArrayLike, statistic: Statistic = "mean", *, level: float = 0.95, n_resamples: int = 10_000, seed: int = 0
) -> Interval:
    """Bootstrap confidence interval of the mean or median score over songs.

    The mean gets BCa intervals (bias-corrected and accelerated; Efron and Tibshirani 1993, chapter 14), which follow a
    skewed distribution. The acceleration comes from the jackknife, which fails for medians (the same, section 11.6), so
    that these get plain percentiles (chapter 13).

    Args:
        scores: one per song.
        statistic: `mean` or `median`.
        level: how often the interval should hold the true value.
        n_resamples: sets drawn.
        seed: the same seed gives the same interval.

    Raises:
        ConfigError: an option out of its range.
        ShapeError: `scores` has more than one axis.

    Example:
        >>> interval = interval_over_songs([5.0, 6.0, 7.0, 8.0, 6.5, 5.5])
        >>> round(interval.value, 2), interval.low < interval.value < interval.high
        (6.33, True)
    """
    check_statistic(statistic)
    check_fraction("level", level)
    check_draws("n_resamples", n_resamples)
    values = take_finite(scores)
    method: Method = "bca" if statistic == "mean" else "percentile"
    value = take_average(values, statistic)
    if len(values) < 2:
        return Interval(value, None, None, level, method, len(values))
    averages = _average_resamples(values, statistic, n_resamples, seed)
    tails = _bca_tails(values, averages, level) if method == "bca" else ((1 - level) / 2, (1 + level) / 2)
    low, high = np.quantile(averages, tails)
    return Interval(value, float(low), float(high), level, method, len(values))


def interval_over_stems(
    scores: NDArray[np.float64],
    statistic: Statistic = "mean",
    *,
    level: float = 0.95,
    n_resamples: int = 10_000,
    seed: int = 0,
) -> Interval:
    """The mean over stems of their averages over songs, with a bootstrap interval.

    Whole songs are drawn, with all their stems, since a song that is hard in one is hard in the others. Stems without
    a finite score take no part; nor do draws that leave one of the others without any, and where hardly a draw has them
    all, as of many stems in a song each, there is no interval. It is of percentiles (Efron and Tibshirani 1993,
    chapter 13).

    Args:
        scores: one per song and stem, `(song, stem)`; not finite where there is none.

    Raises:
        ConfigError: an option out of its range.
        ShapeError: `scores` has not two axes.

    Example:
        >>> interval = interval_over_stems(np.array([[5.0, 7.0], [6.0, 9.0], [7.0, 8.0]]))
        >>> interval.value, interval.n_values
        (7.0, 3)
    """
    check_statistic(statistic)
    check_fraction("level", level)
    check_draws("n_resamples", n_resamples)
    if scores.ndim != 2:
        raise ShapeError(f"expected scores by song and stem, got shape {scores.shape}")
    table = np.where(np.isfinite(scores), scores, np.nan)
    table = table[:, np.isfinite(table).any(axis=0)]
    table = table[np.isfinite(table).any(axis=1)]
    if not table.size:
        return Interval(None, None, None, level, "percentile", 0)
    reduce = np.nanmean if statistic == "mean" else np.nanmedian
    value, n_songs = float(reduce(table, axis=0).mean()), len(table)
    if n_songs < 2:
        return Interval(value, None, None, level, "percentile", n_songs)
    random, averages = np.random.default_rng(seed), []
    for n_rows in split_draws(n_resamples, table.size):
        drawn: NDArray[np.float64] = table[random.integers(n_songs, size=(n_rows, n_songs))]
        is_usable = np.all(np.any(np.isfinite(drawn), axis=1), axis=1)
        usable = drawn[is_usable]
        averages.append(reduce(usable, axis=1).mean(axis=1))
    found = np.concatenate(averages)
    if len(found) < _LEAST_SHARE * n_resamples:
        return Interval(value, None, None, level, "percentile", n_songs)
    low, high = np.quantile(found, ((1 - level) / 2, (1 + level) / 2))
    return Interval(value, float(low), float(high), level, "percentile", n_songs)


def _average_resamples(values: Scores, statistic: Statistic, n_resamples: int, seed: int) -> Scores:
    random, n_values = np.random.default_rng(seed), len(values)
    reduce = np.mean if statistic == "mean" else np.median
    return np.concatenate(
        [
            reduce(values[random.integers(n_values, size=(n_rows, n_values))], axis=1)
            for n_rows in split_draws(n_resamples, n_values)
        ]
    )


def _bca_tails(values: Scores, averages: Scores, level: float) -> tuple[float, float]:
    """Which quantiles of the resampled means are the ends (equations 14.10, 14.14 and 14.15 of the book).

    With b the bias in standard deviations and a the acceleration, the quantile for a normal tail z is
    `Phi(b + (b + z) / (1 - a (b + z)))`. For a mean the jackknife's acceleration is a sixth of the skewness of the sum:
    `sum((x - mean)^3) / (6 sum((x - mean)^2)^1.5)`.
    """
    mean, n_averages = values.mean(), len(averages)
    # Ties count half, as many scores may be alike.
    share_below = (np.sum(averages < mean) + np.sum(averages <= mean)) / (2 * n_averages)
    bias = _NORMAL.inv_cdf(float(np.clip(share_below, 0.5 / n_averages, 1 - 0.5 / n_averages)))
    deviations = values - mean
    spread = np.sum(deviations**2) ** 1.5
    acceleration = float(np.sum(deviations**3) / (6 * spread)) if spread > 0 else 0.0
    low, high = (bias + z for z in (_NORMAL.inv_cdf((1 - level) / 2), _NORMAL.inv_cdf((1 + level) / 2)))
    return (
        _NORMAL.cdf(bias + low / (1 - acceleration * low)),
        _NORMAL.cdf(bias + high / (1 - acceleration * high)),
    )
