"""Ranges: what is refused, and what is drawn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from auralflow.data.augment._ranges import check_range, check_value, draw, draw_octaves
from auralflow.errors import ConfigError


@pytest.mark.parametrize("values", [(0.0, 10.0), (3.0, 3.0), [1, 2]])
def test_ranges_that_are(values: Any) -> None:
    check_range("key", values, 0, 10)


@pytest.mark.parametrize(
    "values",
    [(5.0, 4.0), (-1.0, 4.0), (5.0, 11.0), (math.nan, 4.0), (1.0,), (1, 2, 3), 5.0, ("1", "2"), (True, 2), None],
)
def test_ranges_that_are_none(values: Any) -> None:
    with pytest.raises(ConfigError, match=r"^key: expected two numbers, the least first, from 0 to 10, got "):
        check_range("key", values, 0, 10)


@pytest.mark.parametrize("value", [-1, 11, math.inf, math.nan, "3", True, None])
def test_values_that_are_none(value: Any) -> None:
    check_value("key", 10, 0, 10)
    with pytest.raises(ConfigError, match=r"^key: expected a number from 0 to 10, got "):
        check_value("key", value, 0, 10)


def test_draws_fill_their_range_evenly() -> None:
    random = np.random.default_rng(0)
    drawn = np.array([draw(random, (-4.0, 8.0)) for _ in range(2000)])
    octaves = np.log2([draw_octaves(random, (2.0**-4, 2.0**8)) for _ in range(2000)])
    for values in (drawn, octaves):
        assert -4 <= values.min() < -3.9
        assert 7.9 < values.max() <= 8
        assert np.quantile(values, [0.25, 0.5, 0.75]) == pytest.approx([-1, 2, 5], abs=0.5)


def test_a_range_of_one_value_gives_it() -> None:
    random = np.random.default_rng(0)
    assert draw(random, (0.3, 0.3)) == 0.3
    assert draw_octaves(random, (440.0, 440.0)) == pytest.approx(440, rel=1e-12)
