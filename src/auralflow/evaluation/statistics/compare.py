"""Whether one system beats another on the same songs.

Songs differ far more than systems do, so that scores are compared song by song: only the differences count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from auralflow.errors import ConfigError
from auralflow.evaluation.statistics.bootstrap import interval_over_songs
from auralflow.evaluation.statistics.interval import Interval, Scores, check_fraction
from auralflow.evaluation.statistics.permutation import adjust_holm, sign_flip_p_value, wilcoxon_p_value

Verdict = Literal["A better", "B better", "no difference shown"]
SongScores = Mapping[str, Mapping[str, float]]
"""Score by song and stem."""

_N_NAMED = 5


@dataclass(frozen=True)
class Comparison:
    """Two systems, A and B, on one stem or on all.

    Songs where either score is not finite are left out of everything but the counts.
    """

    n_songs: int
    """Songs with two finite scores."""
    n_nan: int
    """Songs left out since a score is undefined."""
    n_infinite: int
    """Songs left out since a score is infinite, and none undefined."""
    mean_a: float | None
    """Mean score of A over the songs used."""
    mean_b: float | None
    """Mean score of B over the songs used."""
    difference: Interval
    """Mean of A minus B, with its confidence interval."""
    p_value: float | None
    """Of the sign-flip test, by itself."""
    p_value_adjusted: float | None
    """The same after Holm's correction over the stems; this is what the verdict goes by."""
    wilcoxon_p_value: float | None
    """Of the signed-rank test, by itself; for a second opinion."""
    effect_size: float | None
    """Cohen's d_z: mean difference over the standard deviation of the differences (Cohen 1988, section 2.3.5)."""
    n_won_a: int
    """Songs on which A is better."""
    n_won_b: int
    """Songs on which B is better."""
    verdict: Verdict
    """`A better`, `B better` or `no difference shown`."""

    @property
    def share_won_a(self) -> float | None:
        """Share of songs on which A is better; a tie is half a song."""
        return 0.5 + (self.n_won_a - self.n_won_b) / (2 * self.n_songs) if self.n_songs else None


@dataclass(frozen=True)
class SystemComparison:
    """Two systems on the same songs."""

    stems: dict[str, Comparison]
    """Each stem; their p values are corrected for being many."""
    overall: Comparison
    """The mean over stems of each song: one question of its own, not corrected."""
    alpha: float
    """Below which p value a difference counts as shown."""


@dataclass(frozen=True)
class Unmatched:
    """What only one of two systems has a score for, as (song, stem)."""

    only_a: tuple[tuple[str, str], ...]
    """Scored for A alone."""
    only_b: tuple[tuple[str, str], ...]
    """Scored for B alone."""


def find_unmatched(a: SongScores, b: SongScores) -> Unmatched:
    """The songs and stems that only one of two systems has a score for.

    Example:
        >>> find_unmatched({"x": {"bass": 5.0}}, {"x": {"bass": 4.0, "drums": 6.0}}).only_b
        (('x', 'drums'),)
    """
    pairs_a, pairs_b = _list_pairs(a), _list_pairs(b)
    return Unmatched(tuple(sorted(pairs_a - pairs_b)), tuple(sorted(pairs_b - pairs_a)))


def compare(
    a: SongScores,
    b: SongScores,
    *,
    higher_is_better: bool = True,
    alpha: float = 0.05,
    n_draws: int = 10_000,
    seed: int = 0,
) -> SystemComparison:
    """Compare two systems on the same songs, per stem and overall.

    The verdict goes by the sign-flip test on the mean difference, after Holm's correction over stems: at or below
    `alpha` the better mean wins. `no difference shown` means just that: with few songs a true difference stays hidden
    (see `songs_needed`).

    Args:
        a: score by song and stem, NaN where there is none to give.
        b: the same for the other system.
        higher_is_better: whether a higher score is better.
        alpha: how often a difference may be shown where there is none.
        n_draws: resamples of each interval and permutations of each test.
        seed: the same seed gives the same answer.

    Raises:
        ConfigError: the two have not the same songs and stems (it says which), or an option is out of its range.

    Example:
        >>> songs = [f"song {n}" for n in range(10)]
        >>> a = {song: {"vocals": 6.0 + n / 10} for n, song in enumerate(songs)}
        >>> b = {song: {"vocals": 5.0 + n / 20} for n, song in enumerate(songs)}
        >>> compare(a, b).stems["vocals"].verdict
        'A better'
    """
    check_fraction("alpha", alpha)
    _refuse_unmatched(find_unmatched(a, b))
    songs = sorted(song for song in a if a[song])
    stems = list(dict.fromkeys(stem for song in a for stem in a[song]))
    table_a, table_b = _tabulate(a, songs, stems), _tabulate(b, songs, stems)
    is_there = np.array([[stem in a[song] for stem in stems] for song in songs], dtype=bool).reshape(table_a.shape)
    judge = _Judge(1 if higher_is_better else -1, alpha, n_draws, seed)
    found = {
        stem: judge.compare(table_a[is_there[:, n], n], table_b[is_there[:, n], n]) for n, stem in enumerate(stems)
    }
    adjusted = adjust_holm({stem: comparison.p_value for stem, comparison in found.items()})
    overall = judge.compare(*_average_stems(table_a, table_b))
    return SystemComparison(
        {stem: judge.decide(comparison, adjusted[stem]) for stem, comparison in found.items()},
        judge.decide(overall, overall.p_value),
        alpha,
    )


@dataclass(frozen=True)
class _Judge:
    """What all comparisons of two systems have in common."""

    direction: int
    alpha: float
    n_draws: int
    seed: int

    def compare(self, a: Scores, b: Scores) -> Comparison:
        is_nan = np.isnan(a) | np.isnan(b)
        is_used = np.isfinite(a) & np.isfinite(b)
        a, b = a[is_used], b[is_used]
        differences = a - b
        return Comparison(
            n_songs=len(a),
            n_nan=int(is_nan.sum()),
            n_infinite=int((~is_used & ~is_nan).sum()),
            mean_a=float(a.mean()) if len(a) else None,
            mean_b=float(b.mean()) if len(b) else None,
            difference=interval_over_songs(differences, level=1 - self.alpha, n_resamples=self.n_draws, seed=self.seed),
            p_value=sign_flip_p_value(differences, n_permutations=self.n_draws, seed=self.seed),
            p_value_adjusted=None,
            wilcoxon_p_value=wilcoxon_p_value(differences, n_permutations=self.n_draws, seed=self.seed),
            effect_size=_effect_size(differences),
            n_won_a=int((self.direction * differences > 0).sum()),
            n_won_b=int((self.direction * differences < 0).sum()),
            verdict="no difference shown",
        )

    def decide(self, comparison: Comparison, p_value: float | None) -> Comparison:
        verdict: Verdict = "no difference shown"
        difference = comparison.difference.value
        if p_value is not None and difference is not None and p_value <= self.alpha:
            verdict = "A better" if self.direction * difference > 0 else "B better"
        return replace(comparison, p_value_adjusted=p_value, verdict=verdict)


def _effect_size(differences: Scores) -> float | None:
    if len(differences) < 2:
        return None
    deviation = float(differences.std(ddof=1))
    # Equal differences have no scale to be measured on, but for rounding.
    if deviation <= 1e-12 * float(np.abs(differences).max()):
        return None
    return float(differences.mean()) / deviation


def _average_stems(a: Scores, b: Scores) -> tuple[Scores, Scores]:
    """Mean over the stems of each song that are finite for both; without one NaN, or infinity where that is why."""
    is_used = np.isfinite(a) & np.isfinite(b)
    n_used = is_used.sum(axis=1)
    is_infinite = (np.isinf(a) | np.isinf(b)).any(axis=1)
    nothing = np.where(is_infinite, np.inf, np.nan)
    means = [
        np.where(n_used > 0, np.where(is_used, table, 0.0).sum(axis=1) / np.maximum(n_used, 1), nothing)
        for table in (a, b)
    ]
    return means[0], means[1]


def _list_pairs(scores: SongScores) -> set[tuple[str, str]]:
    return {(song, stem) for song, stems in scores.items() for stem in stems}


def _tabulate(scores: SongScores, songs: Sequence[str], stems: Sequence[str]) -> Scores:
    rows = [[scores[song].get(stem, np.nan) for stem in stems] for song in songs]
    return np.array(rows, dtype=np.float64).reshape(len(songs), len(stems))


def _refuse_unmatched(unmatched: Unmatched) -> None:
    if unmatched.only_a or unmatched.only_b:
        raise ConfigError(
            "songs: A and B must be scored on the same songs and stems, got "
            f"only in A {_name(unmatched.only_a)}, only in B {_name(unmatched.only_b)}; compare what both have"
        )


def _name(pairs: Sequence[tuple[str, str]]) -> str:
    names = ", ".join(f"'{song}' {stem}" for song, stem in pairs[:_N_NAMED])
    return (names or "none") + (f" and {len(pairs) - _N_NAMED} more" if len(pairs) > _N_NAMED else "")
