"""An average with what is known of its error, and the small steps that all ways to find it share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auralflow.errors import ConfigError, ShapeError

Statistic = Literal["mean", "median"]
Method = Literal["bca", "percentile", "blocks"]
Scores = NDArray[np.float64]

_DRAWS_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Interval:
    """An average and the confidence interval around it, in the unit of the scores.

    `None` stands for what cannot be said: no average of no scores, no interval from one.
    """

    value: float | None
    """The average itself."""
    low: float | None
    """Lower end."""
    high: float | None
    """Upper end."""
    level: float
    """How often such an interval should hold the true value."""
    method: Method
    """How the ends are found."""
    n_values: int
    """How many finite scores stand behind it."""


def take_finite(scores: ArrayLike) -> Scores:
    """The scores that are finite numbers, in their order.

    Raises:
        ShapeError: there is more than one axis.
    """
    values = to_scores(scores)
    return values[np.isfinite(values)]


def to_scores(scores: ArrayLike) -> Scores:
    """Scores as an array of one axis.

    Raises:
        ShapeError: there is more than one axis.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1:
        raise ShapeError(f"expected scores on one axis, got shape {values.shape}: take one stem and metric at a time")
    return values


def take_average(values: Scores, statistic: Statistic) -> float | None:
    """Mean or median of finite values; none of no values."""
    if not len(values):
        return None
    return float(np.mean(values) if statistic == "mean" else np.median(values))


def split_draws(n_rows: int, n_columns: int) -> Iterator[int]:
    """Row counts that add up to `n_rows`, each small enough to draw at once.

    Example:
        >>> list(split_draws(5, 400_000))
        [2, 2, 1]
    """
    step = max(1, _DRAWS_AT_ONCE // max(1, n_columns))
    for start in range(0, n_rows, step):
        yield min(step, n_rows - start)


def check_statistic(statistic: str) -> None:
    """Refuse an average that is none.

    Raises:
        ConfigError: neither `mean` nor `median`.
    """
    if statistic not in ("mean", "median"):
        raise ConfigError(f"statistic: expected 'mean' or 'median', got {statistic!r}")


def check_fraction(name: str, value: float) -> None:
    """Refuse a level or a probability that is none.

    Raises:
        ConfigError: `value` is not between 0 and 1.
    """
    if not 0 < value < 1:
        raise ConfigError(f"{name}: expected between 0 and 1, as 0.95 or 0.05, got {value}")


def check_draws(name: str, value: int) -> None:
    """Refuse to draw nothing.

    Raises:
        ConfigError: `value` is below 1.
    """
    if value < 1:
        raise ConfigError(f"{name}: expected at least 1, got {value}")
