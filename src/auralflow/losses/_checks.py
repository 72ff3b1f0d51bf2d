"""Checks of options, in the words that all losses use."""

from __future__ import annotations

import math

from auralflow.errors import ConfigError


def check_choice(key: str, value: str, choices: tuple[str, ...]) -> None:
    """Refuse what is not among `choices`.

    Raises:
        ConfigError: with the choices.
    """
    if value not in choices:
        raise ConfigError(f"{key}: expected one of {', '.join(map(repr, choices))}, got {value!r}")


def check_range(key: str, value: float | int, low: float | int, high: float | int) -> None:
    """Refuse what is not a number from `low` to `high`; either may be infinite, the value may not.

    Raises:
        ConfigError: with the range.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not _is_within(value, low, high):
        bounds = f"a number of {low:g} or more" if high == math.inf else f"a number of {high:g} or less"
        bounds = bounds if math.inf in (high, -low) else f"a number from {low:g} to {high:g}"
        raise ConfigError(f"{key}: expected {bounds}, got {value!r}")


def _is_within(value: float | int, low: float | int, high: float | int) -> bool:
    return math.isfinite(value) and low <= value <= high
