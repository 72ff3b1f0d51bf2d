"""How many songs it takes to tell two systems apart."""

from __future__ import annotations

import math
from statistics import NormalDist

from auralflow.errors import ConfigError
from auralflow.evaluation.statistics.interval import check_fraction

_NORMAL = NormalDist()


def songs_needed(difference_db: float, standard_deviation_db: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Songs a two-sided paired test needs to show a difference, by Guenther's formula.

    With d the difference over the standard deviation and z the normal quantiles of `1 - alpha / 2` and `power`, the
    paired t test needs `((z_alpha + z_power) / d)^2 + z_alpha^2 / 2` songs, rounded up (Guenther 1981, "Sample Size
    Formulas for Normal Theory T Tests"); the permutation test has nearly the power of the t test. It can show nothing
    at all before `2 / 2^n <= alpha`, and so the answer is never below that n (6 for 0.05).

    Args:
        difference_db: mean difference between the systems; its sign does not matter.
        standard_deviation_db: of the songs' *differences*, not of their scores.
        power: how often the difference shall be shown where it is there.
        alpha: how often one shall be shown where there is none. Where stems are corrected by Holm, the smallest level
            that a stem may meet is alpha over the number of stems.

    Raises:
        ConfigError: a difference of zero, or an option out of its range.

    Example:
        >>> songs_needed(0.3, 0.6)
        34
    """
    check_fraction("power", power)
    check_fraction("alpha", alpha)
    if not (math.isfinite(difference_db) and difference_db != 0):
        raise ConfigError(f"difference_db: expected a finite difference other than 0 dB, got {difference_db}")
    if not (math.isfinite(standard_deviation_db) and standard_deviation_db >= 0):
        raise ConfigError(f"standard_deviation_db: expected finite and at least 0 dB, got {standard_deviation_db}")
    z_alpha, z_power = _NORMAL.inv_cdf(1 - alpha / 2), _NORMAL.inv_cdf(power)
    n_formula = ((z_alpha + z_power) * standard_deviation_db / difference_db) ** 2 + z_alpha**2 / 2
    n_testable = 1 + math.ceil(math.log2(1 / alpha))
    return max(math.ceil(n_formula), n_testable)
