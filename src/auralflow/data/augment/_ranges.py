"""Ranges of options: their checks, and draws from them."""

from __future__ import annotations

import math

import numpy as np

from auralflow.errors import ConfigError

Range = tuple[float, float]
"""Least and greatest value."""


def check_range(key: str, values: Range, low: float, high: float) -> None:
    """Refuse what is not two numbers in order, from `low` to `high`.

    Raises:
        ConfigError: with what was expected.
    """
    is_pair = isinstance(values, (tuple, list)) and len(values) == 2
    if not is_pair or not all(_is_number(value) for value in values) or not low <= values[0] <= values[1] <= high:
        raise ConfigError(f"{key}: expected two numbers, the least first, from {low:g} to {high:g}, got {values!r}")


def check_value(key: str, value: float, low: float, high: float) -> None:
    """Refuse what is not a number from `low` to `high`.

    Raises:
        ConfigError: with what was expected.
    """
    if not _is_number(value) or not low <= value <= high:
        raise ConfigError(f"{key}: expected a number from {low:g} to {high:g}, got {value!r}")


def draw(random: np.random.Generator, values: Range) -> float:
    """A number of the range, all equally likely."""
    return float(random.uniform(*values))


def draw_octaves(random: np.random.Generator, values: Range) -> float:
    """A number of the range, every octave (doubling) equally likely; for frequencies and times."""
    return math.exp(random.uniform(math.log(values[0]), math.log(values[1])))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
