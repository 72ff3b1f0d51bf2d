"""How probable a difference between two systems is by chance alone: tests on pairs of scores, one or many."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from auralflow.evaluation.statistics.interval import Scores, check_draws, split_draws, take_finite

N_EXACT = 12
"""Up to this many differences all signs are tried (4096 ways), beyond it a random choice of them."""


def sign_flip_p_value(differences: ArrayLike, *, n_permutations: int = 10_000, seed: int = 0) -> float | None:
    """Two-sided paired permutation test of a mean difference of zero.

    If the two systems were alike, each song's difference could as well have the other sign. The p value is the share of
    all choices of signs whose mean is at least as far from zero as the true one (Fisher 1935, "The Design of
    Experiments", section 21). Up to 12 songs all choices are tried, so that it is exact; beyond, `n_permutations` are
    drawn, and with k of them as far out the p value is `(k + 1) / (n_permutations + 1)`, which never claims too much
    (Phipson and Smyth 2010). From n songs it is never below `2 / 2^n`.

    Args:
        differences: one per song; those that are not finite take no part.
        n_permutations: how many choices of signs are drawn.
        seed: the same seed gives the same p value.

    Returns:
        The p value; `None` with no differences.

    Raises:
        ConfigError: nothing to draw.
        ShapeError: `differences` has more than one axis.

    Example:
        >>> sign_flip_p_value([1.0, 2.0, 1.5])
        0.25
    """
    check_draws("n_permutations", n_permutations)
    values = take_finite(differences)
    if not len(values):
        return None
    if len(values) <= N_EXACT:
        return float(np.mean(_is_as_far(_all_signs(len(values)), values)))
    random = np.random.default_rng(seed)
    n_far = sum(
        int(_is_as_far(random.choice((-1.0, 1.0), size=(n_rows, len(values))), values).sum())
        for n_rows in split_draws(n_permutations, len(values))
    )
    return (n_far + 1) / (n_permutations + 1)


def wilcoxon_p_value(differences: ArrayLike, *, n_permutations: int = 10_000, seed: int = 0) -> float | None:
    """Two-sided signed-rank test (Wilcoxon 1945): the sign-flip test on ranks, so that one wild song weighs no more.

    Differences of zero are left out, and equal ones share their rank. If all are zero the p value is 1.

    Args:
        differences: one per song; those that are not finite take no part.
        n_permutations: how many choices of signs are drawn beyond 12 songs.
        seed: the same seed gives the same p value.

    Returns:
        The p value; `None` with no differences.

    Raises:
        ConfigError: nothing to draw.
        ShapeError: `differences` has more than one axis.

    Example:
        >>> wilcoxon_p_value([1.0, 2.0, 1.5])
        0.25
    """
    values = take_finite(differences)
    moved = values[values != 0]
    if len(values) and not len(moved):
        return 1.0
    return sign_flip_p_value(np.sign(moved) * _rank(np.abs(moved)), n_permutations=n_permutations, seed=seed)


def adjust_holm(p_values: Mapping[str, float | None]) -> dict[str, float | None]:
    """P values raised for being many: of all such families at most a share alpha then holds a false alarm.

    Holm (1979): the smallest of m is multiplied by m, the next by m - 1 and so on; none may come out below one before
    it, nor above 1. A test that could not be made (`None`) stays so and does not count.

    Example:
        >>> adjust_holm({"bass": 0.25, "drums": 0.125, "vocals": None})
        {'bass': 0.25, 'drums': 0.25, 'vocals': None}
    """
    known = sorted((p, name) for name, p in p_values.items() if p is not None)
    adjusted: dict[str, float | None] = dict.fromkeys(p_values)
    highest = 0.0
    for position, (p, name) in enumerate(known):
        highest = max(highest, min(1.0, p * (len(known) - position)))
        adjusted[name] = highest
    return adjusted


def _all_signs(n_values: int) -> Scores:
    bits = np.arange(2**n_values)[:, None] >> np.arange(n_values) & 1
    return np.asarray(1 - 2 * bits, dtype=np.float64)


def _is_as_far(signs: Scores, values: Scores) -> NDArray[np.bool_]:
    # Sums of the same numbers in another order differ in the last digits; a tie must stay one.
    sums, least = np.abs(signs @ values), abs(values.sum()) - 1e-12 * np.abs(values).sum()
    return np.asarray(sums >= least)


def _rank(values: Scores) -> Scores:
    """Ranks from 1; equal values get the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], dtype=np.float64)
