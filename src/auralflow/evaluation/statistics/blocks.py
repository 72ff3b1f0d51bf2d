"""How far one song's average over its frames may be off: a bootstrap of blocks, since neighbouring frames are alike."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from auralflow.errors import ConfigError
from auralflow.evaluation.statistics.interval import (
    Interval,
    Scores,
    Statistic,
    check_draws,
    check_fraction,
    check_statistic,
    split_draws,
    take_average,
    take_finite,
    to_scores,
)


def interval_within_song(
    frames: ArrayLike,
    statistic: Statistic = "median",
    *,
    hop_s: float = 1.0,
    block_s: float = 10.0,
    level: float = 0.95,
    n_resamples: int = 2_000,
    seed: int = 0,
) -> Interval:
    """Bootstrap confidence interval of one song's average over its frames, for sets that have but one song.

    Neighbouring frames resemble each other, so that blocks of them are drawn rather than frames (Künsch 1989), and the
    song is closed to a ring so that its ends are drawn as often as its middle (Politis and Romano 1992). Frames that
    are not finite keep their place in a block, and no more. The interval tells how much of *this* song's score is
    chance of its passages; of other songs it says nothing.

    Args:
        frames: scores in the order of time.
        hop_s: from one frame to the next, in seconds.
        block_s: length of a block, in seconds. A song shorter than two blocks gets no interval.

    Raises:
        ConfigError: an option out of its range.
        ShapeError: `frames` has more than one axis.

    Example:
        >>> interval = interval_within_song([5.0, 7.0] * 60)
        >>> interval.low, interval.value, interval.high
        (6.0, 6.0, 6.0)
    """
    check_statistic(statistic)
    check_fraction("level", level)
    check_draws("n_resamples", n_resamples)
    if not 0 < hop_s <= block_s:
        raise ConfigError(f"block_s: expected at least the hop, and the hop above 0 s, got {block_s} and hop {hop_s}")
    values = take_finite(frames)
    value, places, n_block = take_average(values, statistic), to_scores(frames), round(block_s / hop_s)
    if len(values) < 2 or len(places) < 2 * n_block:
        return Interval(value, None, None, level, "blocks", len(values))
    averages = _average_resamples(places, n_block, statistic, n_resamples, seed)
    low, high = np.quantile(averages, ((1 - level) / 2, (1 + level) / 2))
    return Interval(value, float(low), float(high), level, "blocks", len(values))


def draw_places(n_places: int, n_block: int, n_rows: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
    """Songs of the same length put together of blocks of one that is closed to a ring.

    Args:
        n_places: frames of the song.
        n_block: frames of a block.

    Shape:
        (n_rows, n_places), the frames of each song that was put together.

    Example:
        >>> draw_places(5, 5, 1, np.random.default_rng(0)).tolist()
        [[4, 0, 1, 2, 3]]
    """
    starts = random.integers(n_places, size=(n_rows, math.ceil(n_places / n_block), 1))
    return np.asarray((starts + np.arange(n_block)).reshape(n_rows, -1)[:, :n_places] % n_places)


def _average_resamples(places: Scores, n_block: int, statistic: Statistic, n_resamples: int, seed: int) -> Scores:
    random, n_places = np.random.default_rng(seed), len(places)
    places = np.where(np.isfinite(places), places, np.nan)
    reduce = np.nanmean if statistic == "mean" else np.nanmedian
    averages = []
    for n_rows in split_draws(n_resamples, n_places):
        rows = places[draw_places(n_places, n_block, n_rows, random)]
        averages.append(reduce(rows[np.isfinite(rows).any(axis=1)], axis=1))
    return np.concatenate(averages)
