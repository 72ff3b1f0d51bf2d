"""Averages, intervals and tests keep what they promise: on simulated songs, by brute force and beside scipy."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.stats

from auralflow.cli.screen import to_plain
from auralflow.errors import ConfigError, ShapeError
from auralflow.evaluation.statistics import (
    adjust_holm,
    compare,
    find_unmatched,
    interval_over_songs,
    interval_over_stems,
    interval_within_song,
    score_song,
    sign_flip_p_value,
    songs_needed,
    summarise,
    wilcoxon_p_value,
)

NAN, INF = math.nan, math.inf
Draw = Callable[[np.random.Generator, int], np.ndarray]


def draw_normal(random: np.random.Generator, n: int) -> np.ndarray:
    return random.normal(6, 2, n)


def draw_skewed(random: np.random.Generator, n: int) -> np.ndarray:
    return random.lognormal(0, 0.7, n)


def as_scores(values: Any, stem: str = "vocals") -> dict[str, dict[str, float]]:
    return {f"song {n:03}": {stem: float(value)} for n, value in enumerate(values)}


def as_table(values: np.ndarray) -> dict[str, dict[str, float]]:
    stems = ["vocals", "drums", "bass", "other"][: values.shape[1]]
    return {f"song {n:03}": dict(zip(stems, map(float, row), strict=True)) for n, row in enumerate(values)}


# Averages


def test_song_is_median_of_finite_frames() -> None:
    assert score_song([1.0, NAN, 9.0, INF, 2.0, -INF]) == 2.0


def test_perfect_song_stays_infinite_and_silent_one_undefined() -> None:
    assert score_song([INF, NAN, INF]) == INF
    assert score_song([-INF, -INF]) == -INF
    assert math.isnan(score_song([INF, -INF]))
    assert math.isnan(score_song([NAN, NAN]))
    assert math.isnan(score_song([]))


@pytest.mark.parametrize(("statistic", "expected"), [("mean", 4.0), ("median", 2.0)])
def test_set_leaves_out_and_counts_what_is_not_finite(statistic: Any, expected: float) -> None:
    summary = summarise([1.0, 2.0, 9.0, NAN, INF, -INF, NAN, NAN, INF], statistic)
    assert summary.interval.value == expected
    counts = summary.songs
    assert (counts.n_finite, counts.n_nan, counts.n_plus_infinite, counts.n_minus_infinite) == (3, 3, 2, 1)
    assert counts.n_left_out == 6
    assert summary.interval == summarise([1.0, 2.0, 9.0], statistic).interval


@pytest.mark.parametrize("scores", [[], [NAN, NAN], [INF]])
def test_no_finite_song_has_no_average(scores: list[float]) -> None:
    interval = summarise(scores).interval
    assert (interval.value, interval.low, interval.high, interval.n_values) == (None, None, None, 0)


def test_two_axes_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(2, 3\)"):
        interval_over_songs(np.zeros((2, 3)))


# Intervals


@pytest.mark.parametrize("statistic", ["mean", "median"])
@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        (draw_normal, {"mean": 6.0, "median": 6.0}),
        (draw_skewed, {"mean": math.exp(0.7**2 / 2), "median": 1.0}),
    ],
    ids=["normal", "skewed"],
)
def test_interval_holds_the_truth_about_as_often_as_it_says(
    draw: Draw, truth: dict[str, float], statistic: Any
) -> None:
    # 400 trials at 0.95 have a standard deviation of 0.011; a skewed mean of 50 songs is known to fall short a little.
    random, n_held = np.random.default_rng(3), 0
    for trial in range(400):
        interval = interval_over_songs(draw(random, 50), statistic, n_resamples=500, seed=trial)
        assert interval.low is not None
        assert interval.high is not None
        n_held += interval.low <= truth[statistic] <= interval.high
    assert 0.90 <= n_held / 400 <= 0.985


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize(
    ("draw", "n_songs"), [(draw_normal, 40), (draw_skewed, 40), (lambda random, n: random.lognormal(0, 1.8, n), 12)]
)
def test_mean_agrees_with_scipys_bca(draw: Draw, n_songs: int, level: float) -> None:
    scores = draw(np.random.default_rng(5), n_songs)
    ours = interval_over_songs(scores, level=level, n_resamples=200_000)
    theirs = scipy.stats.bootstrap(
        (scores,), np.mean, confidence_level=level, n_resamples=200_000, batch=5000, rng=np.random.default_rng(6)
    ).confidence_interval
    # The ends of 200 000 draws vary by about 0.012 standard errors, and their bias by as much.
    tolerance = 0.06 * scores.std() / math.sqrt(n_songs)
    assert ours.low == pytest.approx(theirs.low, abs=tolerance)
    assert ours.high == pytest.approx(theirs.high, abs=tolerance)


def test_bca_follows_the_longer_tail() -> None:
    scores = draw_skewed(np.random.default_rng(7), 40)
    interval = interval_over_songs(scores)
    assert interval.low is not None
    assert interval.high is not None
    assert interval.high - scores.mean() > 1.2 * (scores.mean() - interval.low)


def test_interval_shrinks_with_the_root_of_the_songs() -> None:
    random, widths = np.random.default_rng(8), []
    for n_songs in (50, 800):
        interval = interval_over_songs(random.normal(size=n_songs))
        assert interval.low is not None
        assert interval.high is not None
        widths.append(interval.high - interval.low)
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.25)


def test_higher_level_is_wider() -> None:
    scores = draw_normal(np.random.default_rng(9), 30)
    narrow, wide = interval_over_songs(scores, level=0.8), interval_over_songs(scores, level=0.99)
    assert wide.low < narrow.low < narrow.high < wide.high  # type: ignore[operator]


def test_interval_moves_and_stretches_with_the_scores() -> None:
    scores = draw_skewed(np.random.default_rng(10), 25)
    plain, moved = interval_over_songs(scores), interval_over_songs(3 * scores + 5)
    assert (moved.low, moved.high) == pytest.approx((3 * plain.low + 5, 3 * plain.high + 5))  # type: ignore[operator]


def test_seed_decides() -> None:
    scores = draw_normal(np.random.default_rng(11), 20)
    assert interval_over_songs(scores, seed=1) == interval_over_songs(scores, seed=1)
    assert interval_over_songs(scores, seed=1) != interval_over_songs(scores, seed=2)


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_one_song_has_an_average_and_no_interval(statistic: Any) -> None:
    interval = interval_over_songs([5.0], statistic)
    assert (interval.value, interval.low, interval.high, interval.n_values) == (5.0, None, None, 1)


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_equal_songs_have_an_interval_of_no_width(statistic: Any) -> None:
    interval = interval_over_songs([0.1] * 7, statistic)
    assert (interval.low, interval.high) == pytest.approx((0.1, 0.1), rel=1e-12)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"level": 1.0}, "level"),
        ({"level": 95}, "level"),
        ({"n_resamples": 0}, "n_resamples"),
        ({"statistic": "mode"}, "statistic"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], name: str) -> None:
    for interval in (interval_over_songs, interval_within_song):
        with pytest.raises(ConfigError, match=f"^{name}: "):
            interval([1.0, 2.0], **options)


# Stems


def draw_stems(random: np.random.Generator, n_songs: int) -> np.ndarray:
    """Songs of three stems, hard ones hard in all of them."""
    hardness = random.normal(0, 2, (n_songs, 1))
    return 6 + hardness + random.normal(0, 1, (n_songs, 3)) + [0.0, 1.0, -1.0]


@pytest.mark.parametrize(("statistic", "expected"), [("mean", 4.5), ("median", 3.5)])
def test_overall_is_the_mean_of_the_averages_of_stems(statistic: Any, expected: float) -> None:
    scores = np.array([[1.0, 3.0], [2.0, 5.0], [9.0, INF], [NAN, 7.0]])
    found = interval_over_stems(scores, statistic)
    assert (found.value, found.n_values) == (expected, 4)
    assert found.low < expected < found.high  # type: ignore[operator]


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_one_stem_is_the_plain_bootstrap(statistic: Any) -> None:
    scores = draw_normal(np.random.default_rng(30), 40)
    stems = interval_over_stems(scores[:, None], statistic, n_resamples=50_000)
    songs = interval_over_songs(scores, statistic, n_resamples=50_000)
    assert stems.value == songs.value
    # The ends differ by how they are found: percentiles, and for the mean BCa.
    tolerance = 0.1 * scores.std() / math.sqrt(40)
    assert (stems.low, stems.high) == pytest.approx((songs.low, songs.high), abs=tolerance)


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_interval_over_stems_holds_the_truth_about_as_often_as_it_says(statistic: Any) -> None:
    # 300 trials at 0.95 have a standard deviation of 0.0126; percentiles of 40 songs fall a little short.
    random, n_held = np.random.default_rng(31), 0
    for trial in range(300):
        found = interval_over_stems(draw_stems(random, 40), statistic, n_resamples=300, seed=trial)
        n_held += found.low <= 6.0 <= found.high  # type: ignore[operator]
    assert 0.89 <= n_held / 300 <= 0.985


def test_songs_are_drawn_with_all_their_stems() -> None:
    """Three stems that go together tell no more than one of them; three that do not tell more, by a root of three."""
    random = np.random.default_rng(32)
    one = random.normal(size=(200, 1))
    widths = []
    for scores in (one, np.repeat(one, 3, axis=1), random.normal(size=(200, 3))):
        found = interval_over_stems(scores)
        widths.append(found.high - found.low)  # type: ignore[operator]
    assert widths[1] == pytest.approx(widths[0], rel=1e-9)
    assert widths[0] / widths[2] == pytest.approx(math.sqrt(3), rel=0.15)


def test_what_no_song_has_takes_no_part() -> None:
    scores = draw_stems(np.random.default_rng(33), 12)
    wider = np.column_stack([scores, np.full(12, NAN), [INF, -INF] * 6])
    assert interval_over_stems(np.vstack([wider, np.full((3, 5), NAN)])) == interval_over_stems(scores)


@pytest.mark.parametrize("scores", [np.zeros((0, 3)), np.zeros((4, 0)), np.full((2, 2), NAN)])
def test_no_score_of_any_stem_has_no_average(scores: np.ndarray) -> None:
    found = interval_over_stems(scores)
    assert (found.value, found.low, found.high, found.n_values) == (None, None, None, 0)


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_stems_that_hardly_a_draw_has_all_of_have_no_interval(statistic: Any) -> None:
    """Twelve instruments, each in one song: of 12^12 draws only 12! have them all, one in nineteen thousand."""
    scores = np.full((12, 12), NAN)
    np.fill_diagonal(scores, np.arange(12.0))
    found = interval_over_stems(scores, statistic, n_resamples=2000)
    assert (found.value, found.low, found.high, found.n_values) == (5.5, None, None, 12)
    two = interval_over_stems(np.array([[1.0, NAN], [NAN, 2.0]]), statistic)
    assert (two.low, two.value, two.high) == (1.5, 1.5, 1.5)


def test_one_song_of_stems_has_no_interval() -> None:
    found = interval_over_stems(np.array([[1.0, NAN, 3.0]]))
    assert (found.value, found.low, found.high, found.n_values) == (2.0, None, None, 1)


def test_other_axes_and_options_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"by song and stem, got shape \(3,\)"):
        interval_over_stems(np.zeros(3))
    for options, name in (({"level": 1.0}, "level"), ({"n_resamples": 0}, "n_res"), ({"statistic": "mode"}, "stat")):
        with pytest.raises(ConfigError, match=f"^{name}"):
            interval_over_stems(np.zeros((3, 2)), **options)  # type: ignore[arg-type]


# One song


def draw_passages(random: np.random.Generator, n_frames: int) -> np.ndarray:
    """Frames that resemble their neighbours (autoregressive, 0.7), around 0."""
    noise, frames = random.normal(size=n_frames + 50), [0.0]
    for value in noise:
        frames.append(0.7 * frames[-1] + value)
    return np.array(frames[-n_frames:])


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_blocks_know_that_neighbours_are_alike(statistic: Any) -> None:
    random, n_held = np.random.default_rng(12), {1.0: 0, 10.0: 0}
    for trial in range(150):
        frames = draw_passages(random, 240)
        for block_s in n_held:
            found = interval_within_song(frames, statistic, block_s=block_s, n_resamples=300, seed=trial)
            n_held[block_s] += found.low <= 0 <= found.high  # type: ignore[operator]
    # Single frames would claim twice what they know; blocks of 10 fall a little short of 0.95, and are meant to.
    assert n_held[1.0] / 150 < 0.75
    assert 0.82 <= n_held[10.0] / 150 <= 0.99


def test_blocks_of_one_are_the_plain_bootstrap() -> None:
    scores = draw_normal(np.random.default_rng(13), 60)
    blocks = interval_within_song(scores, "median", block_s=1.0, n_resamples=20_000)
    songs = interval_over_songs(scores, "median", n_resamples=20_000)
    assert (blocks.low, blocks.high) == pytest.approx((songs.low, songs.high), abs=0.1)


def test_block_length_is_in_seconds() -> None:
    frames = draw_passages(np.random.default_rng(14), 240)
    assert interval_within_song(frames, hop_s=0.5, block_s=5.0) == interval_within_song(frames)


@pytest.mark.filterwarnings("error")
def test_undefined_frames_take_no_part() -> None:
    frames = np.full(100, NAN)
    frames[::25] = [4.0, 5.0, INF, 6.0]
    interval = interval_within_song(frames, block_s=2.0)
    assert (interval.value, interval.n_values) == (5.0, 3)
    assert 4.0 <= interval.low <= interval.high <= 6.0  # type: ignore[operator]


@pytest.mark.parametrize("frames", [[], [5.0], [5.0] * 19, [NAN] * 60])
def test_short_or_silent_song_has_no_interval(frames: list[float]) -> None:
    interval = interval_within_song(frames)
    assert (interval.low, interval.high) == (None, None)


@pytest.mark.parametrize("options", [{"hop_s": 0.0}, {"block_s": 0.5}, {"hop_s": NAN}])
def test_bad_block_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"^block_s: "):
        interval_within_song([1.0] * 60, **options)


# Tests


@pytest.mark.parametrize("n_songs", [1, 2, 5, 9, 12])
def test_exact_test_is_brute_force(n_songs: int) -> None:
    differences = np.random.default_rng(n_songs).normal(0.7, 1, n_songs)
    means = [abs(np.mean(differences * signs)) for signs in itertools.product((-1, 1), repeat=n_songs)]
    expected = np.mean([mean >= abs(differences.mean()) - 1e-12 for mean in means])
    assert sign_flip_p_value(differences) == expected


def test_exact_test_agrees_with_scipy() -> None:
    random = np.random.default_rng(15)
    a, b = random.normal(0.6, 1, 10), random.normal(0, 1, 10)
    expected = scipy.stats.permutation_test(
        (a, b), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert sign_flip_p_value(a - b) == pytest.approx(expected, abs=1e-12)


def test_ties_count_as_far_out_whatever_the_order_of_the_sum() -> None:
    # Only all plus and all minus reach the mean of equal differences, and rounding must not lose them.
    assert sign_flip_p_value([0.1, 0.1, 0.1, 0.1, 0.1, 0.1]) == 2 / 64
    assert sign_flip_p_value([0.1, 0.2, 0.3, -0.6]) == 1.0
    assert sign_flip_p_value([0.0] * 5) == 1.0


def test_many_songs_are_drawn_close_to_the_truth() -> None:
    differences = np.random.default_rng(16).normal(0.4, 1, 40)
    # The t test is an independent yardstick: for normal differences both give nearly the same.
    expected = scipy.stats.ttest_1samp(differences, 0).pvalue
    assert sign_flip_p_value(differences, n_permutations=50_000) == pytest.approx(expected, abs=0.006)


def test_drawn_p_value_is_never_zero() -> None:
    assert sign_flip_p_value(np.full(60, 5.0), n_permutations=999) == 1 / 1000


@pytest.mark.parametrize("test", [sign_flip_p_value, wilcoxon_p_value])
@pytest.mark.parametrize("n_songs", [10, 20])
def test_alarm_is_as_rare_as_promised_without_a_difference(test: Any, n_songs: int) -> None:
    random, n_trials = np.random.default_rng(17), 600
    n_shown = sum(
        test(draw_skewed(random, n_songs) - draw_skewed(random, n_songs), n_permutations=199, seed=trial) <= 0.05
        for trial in range(n_trials)
    )
    # Four standard deviations of 600 trials: 0.036.
    assert 0.05 - 0.036 <= n_shown / n_trials <= 0.05 + 0.036


def test_power_grows_with_difference_and_songs() -> None:
    random = np.random.default_rng(18)

    def power(difference: float, n_songs: int) -> float:
        trials = (random.normal(difference, 1, n_songs) for _ in range(200))
        return np.mean([sign_flip_p_value(trial, n_permutations=199) <= 0.05 for trial in trials]).item()  # type: ignore[operator]

    assert power(0.2, 12) + 0.15 < power(0.7, 12) < power(0.7, 30) - 0.15
    assert power(0.7, 30) > 0.9


def test_wilcoxon_agrees_with_scipy() -> None:
    differences = np.random.default_rng(19).normal(0.5, 1, 12)
    assert wilcoxon_p_value(differences) == pytest.approx(scipy.stats.wilcoxon(differences, method="exact").pvalue)


@pytest.mark.parametrize(
    "differences", [[1.0, 1.0, -1.0, 2.0, 3.0, 3.0, 0.0, 4.0], [-1.0, 1.0, -1.0, 1.0, -2.0, 3.0, 3.0, 0.0, 0.0]]
)
def test_wilcoxon_with_ties_and_zeros_agrees_with_scipy(differences: list[float]) -> None:
    every_sign = scipy.stats.PermutationMethod(n_resamples=np.inf)
    expected = scipy.stats.wilcoxon(differences, zero_method="wilcox", method=every_sign).pvalue
    assert wilcoxon_p_value(differences) == pytest.approx(expected)


def test_wild_song_moves_the_mean_and_not_the_ranks() -> None:
    tame, wild = [0.1 * n for n in range(1, 12)] + [1.2], [0.1 * n for n in range(1, 12)] + [1200.0]
    assert wilcoxon_p_value(tame) == wilcoxon_p_value(wild)


@pytest.mark.parametrize("test", [sign_flip_p_value, wilcoxon_p_value])
def test_no_song_no_test_and_one_song_no_proof(test: Any) -> None:
    assert test([]) is None
    assert test([NAN, INF]) is None
    assert test([100.0]) == 1.0
    assert test([0.0, 0.0]) == 1.0
    assert test([1.0, 2.0, NAN, 3.0, INF]) == test([1.0, 2.0, 3.0])


def test_holm_by_hand() -> None:
    adjusted = adjust_holm({"vocals": 0.01, "drums": 0.04, "bass": 0.03, "other": 0.005, "piano": None})
    assert adjusted.pop("piano") is None
    assert adjusted == pytest.approx({"vocals": 0.03, "drums": 0.06, "bass": 0.06, "other": 0.02})
    assert adjust_holm({"bass": 0.6, "drums": 0.9}) == {"bass": 1.0, "drums": 1.0}
    assert adjust_holm({}) == {}


# Two systems


@pytest.fixture
def scores() -> np.ndarray:
    return np.random.default_rng(20).normal(6, 3, (20, 4))


def test_shift_is_found_in_its_stem_only(scores: np.ndarray) -> None:
    noise = np.random.default_rng(21).normal(0, 0.5, scores.shape)
    noise -= noise.mean(axis=0)
    found = compare(as_table(scores + noise + [0, 0.8, 0, -0.8]), as_table(scores))
    assert {stem: part.verdict for stem, part in found.stems.items()} == {
        "vocals": "no difference shown",
        "drums": "A better",
        "bass": "no difference shown",
        "other": "B better",
    }
    assert found.overall.verdict == "no difference shown"
    assert found.stems["drums"].difference.value == pytest.approx(0.8)


def test_songs_are_paired(scores: np.ndarray) -> None:
    """Songs differ by 3 dB, systems by 0.3 dB: hopeless unless the same song is set beside itself."""
    noise = np.random.default_rng(22).normal(0, 0.2, 20)
    a, b = scores[:, 0] + 0.3 + noise, scores[:, 0]
    assert scipy.stats.ttest_ind(a, b).pvalue > 0.5
    assert compare(as_scores(a), as_scores(b)).stems["vocals"].verdict == "A better"


def test_swap_mirrors_everything(scores: np.ndarray) -> None:
    other = scores + np.random.default_rng(23).normal(0.5, 0.5, scores.shape)
    there, back = compare(as_table(scores), as_table(other)), compare(as_table(other), as_table(scores))
    for stem, part in there.stems.items():
        mirror = back.stems[stem]
        assert (part.p_value, part.n_won_a, part.mean_a) == (mirror.p_value, mirror.n_won_b, mirror.mean_b)
        assert part.effect_size == pytest.approx(-mirror.effect_size)  # type: ignore[operator]
        assert (part.verdict, mirror.verdict) == ("B better", "A better")


def test_lower_may_be_better(scores: np.ndarray) -> None:
    a, b = as_table(scores), as_table(scores - 1 - 0.1 * np.arange(20)[:, None])
    found = compare(a, b, higher_is_better=False).stems["bass"]
    assert (found.verdict, found.n_won_b, found.share_won_a) == ("B better", 20, 0.0)


def test_figures_by_hand() -> None:
    found = compare(as_scores([3.0, 5.0, 4.0, 7.0]), as_scores([2.0, 2.0, 4.0, 9.0])).stems["vocals"]
    # Differences 1, 3, 0, -2: mean 0.5, deviations 0.5, 2.5, -0.5, -2.5.
    assert found.difference.value == 0.5
    assert found.effect_size == pytest.approx(0.5 / math.sqrt(13 / 3))
    assert (found.mean_a, found.mean_b, found.n_songs) == (4.75, 4.25, 4)
    assert (found.n_won_a, found.n_won_b, found.share_won_a) == (2, 1, 0.625)


def test_holm_is_what_the_verdict_goes_by() -> None:
    """Six songs all won: p = 2 / 64 passes alone, and no longer beside three other stems."""
    values = np.random.default_rng(24).normal(6, 1, (6, 4))
    change = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    alone = compare(as_scores(values[:, 0] + change), as_scores(values[:, 0])).stems["vocals"]
    assert (alone.p_value, alone.verdict) == (2 / 64, "A better")
    changes = np.stack([change, *([change * [1, -1, 1, -1, 1, -1]] * 3)], axis=1)
    among = compare(as_table(values + changes), as_table(values)).stems["vocals"]
    assert (among.p_value, among.p_value_adjusted) == (2 / 64, 8 / 64)
    assert among.verdict == "no difference shown"


def test_overall_is_the_mean_over_stems_of_each_song(scores: np.ndarray) -> None:
    other = scores + np.random.default_rng(25).normal(0.3, 0.5, scores.shape)
    overall = compare(as_table(other), as_table(scores)).overall
    alone = compare(as_scores(other.mean(axis=1)), as_scores(scores.mean(axis=1))).stems["vocals"]
    assert overall.p_value == overall.p_value_adjusted == alone.p_value
    assert overall.difference.value == pytest.approx(alone.difference.value)


def test_not_finite_pairs_are_counted_and_left_out(scores: np.ndarray) -> None:
    a, b = scores.copy(), scores - 0.5
    a[0, 0], b[1, 0], a[2, 0], b[3, 0], a[4, 0], b[4, 0] = NAN, NAN, INF, -INF, INF, NAN
    found = compare(as_table(a), as_table(b))
    vocals = found.stems["vocals"]
    assert (vocals.n_songs, vocals.n_nan, vocals.n_infinite) == (15, 3, 2)
    assert vocals.difference.value == pytest.approx(0.5)
    # Overall these songs go by their other stems, on both sides.
    assert found.overall.n_songs == 20
    assert found.overall.difference.value == pytest.approx(0.5)


def test_identical_systems_tie() -> None:
    found = compare(as_scores([5.0] * 10), as_scores([5.0] * 10)).stems["vocals"]
    assert (found.verdict, found.p_value, found.effect_size) == ("no difference shown", 1.0, None)
    assert (found.n_won_a, found.n_won_b, found.share_won_a) == (0, 0, 0.5)


@pytest.mark.parametrize("value", [NAN, INF])
def test_nothing_usable_shows_nothing(value: float) -> None:
    found = compare(as_scores([value, value]), as_scores([1.0, 2.0]))
    for part in (found.stems["vocals"], found.overall):
        assert part.n_songs == 0
        assert part.n_nan + part.n_infinite == 2
        assert (part.mean_a, part.p_value, part.p_value_adjusted, part.effect_size, part.share_won_a) == (None,) * 5
        assert part.verdict == "no difference shown"
    assert (found.overall.n_infinite > 0) == math.isinf(value)


def test_one_song_and_no_song() -> None:
    one = compare(as_scores([9.0]), as_scores([1.0])).stems["vocals"]
    assert (one.difference.value, one.difference.low, one.p_value) == (8.0, None, 1.0)
    assert one.verdict == "no difference shown"
    none = compare({}, {"song": {}})
    assert (none.stems, none.overall.n_songs) == ({}, 0)


def test_stem_of_some_songs_is_compared_on_those() -> None:
    a = {f"song {n}": {"vocals": 5.0 + n} | ({"piano": 3.0} if n < 3 else {}) for n in range(8)}
    b = {song: dict.fromkeys(stems, 2.0) for song, stems in a.items()}
    found = compare(a, b)
    assert {stem: (part.n_songs, part.n_nan) for stem, part in found.stems.items()} == {
        "vocals": (8, 0),
        "piano": (3, 0),
    }
    assert found.overall.n_songs == 8


def test_unlike_songs_and_stems_are_named() -> None:
    a = {"one": {"bass": 1.0, "drums": 1.0}, "two": {"bass": 1.0}}
    b = {"one": {"bass": 1.0}, "three": {"bass": 1.0}}
    unmatched = find_unmatched(a, b)
    assert unmatched.only_a == (("one", "drums"), ("two", "bass"))
    assert unmatched.only_b == (("three", "bass"),)
    with pytest.raises(ConfigError, match=r"only in A 'one' drums, 'two' bass, only in B 'three' bass") as raised:
        compare(a, b)
    assert "\n" not in str(raised.value)


def test_long_lists_of_unlike_songs_are_cut() -> None:
    with pytest.raises(ConfigError, match=r"'song 004' vocals and 35 more, only in B none"):
        compare(as_scores(range(40)), {})


@pytest.mark.parametrize("options", [{"alpha": 0.0}, {"alpha": 1.0}, {"n_draws": 0}])
def test_bad_comparison_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        compare(as_scores([1.0, 2.0]), as_scores([2.0, 1.0]), **options)


@pytest.mark.parametrize("values", [[1.0, 2.5, 3.0], [NAN, INF, 1.0], []])
def test_results_are_json(values: list[float]) -> None:
    results = [
        compare(as_scores(values), as_scores(range(len(values)))),
        summarise(values),
        interval_within_song(values),
    ]
    for result in results:
        plain = to_plain(result)
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain


# Planning


def exact_songs_needed(effect: float, power: float, alpha: float) -> int:
    """By the noncentral t distribution."""
    for n_songs in itertools.count(2):
        limit = scipy.stats.t.ppf(1 - alpha / 2, n_songs - 1)
        reached = scipy.stats.nct.sf(limit, n_songs - 1, effect * math.sqrt(n_songs))
        if reached >= power:
            return n_songs
    raise AssertionError


@pytest.mark.parametrize("alpha", [0.05, 0.0125])
@pytest.mark.parametrize("power", [0.8, 0.9])
@pytest.mark.parametrize("effect", [0.3, 0.5, 0.8, 1.0])
def test_songs_needed_is_that_of_the_t_test(effect: float, power: float, alpha: float) -> None:
    assert songs_needed(effect, 1.0, power, alpha) == pytest.approx(exact_songs_needed(effect, power, alpha), abs=1)


def test_songs_needed_give_the_power_asked_for() -> None:
    random, n_songs = np.random.default_rng(26), songs_needed(0.3, 0.5)
    p_values = [sign_flip_p_value(random.normal(0.3, 0.5, n_songs), n_permutations=399, seed=n) for n in range(600)]
    # Four standard deviations of 600 trials: 0.065.
    assert np.mean([p <= 0.05 for p in p_values]) == pytest.approx(0.8, abs=0.065)  # type: ignore[operator]


def test_few_songs_are_never_enough() -> None:
    n_songs = songs_needed(10.0, 0.0)
    assert n_songs == songs_needed(-10.0, 0.0) == 6
    assert sign_flip_p_value(np.full(n_songs, 10.0)) <= 0.05 < sign_flip_p_value(np.full(n_songs - 1, 10.0))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((0.0, 1.0), "difference_db"),
        ((NAN, 1.0), "difference_db"),
        ((0.3, -1.0), "standard_deviation_db"),
        ((0.3, INF), "standard_deviation_db"),
        ((0.3, 1.0, 1.0), "power"),
        ((0.3, 1.0, 0.8, 0.0), "alpha"),
    ],
)
def test_bad_plans_are_refused(arguments: tuple[float, ...], name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: "):
        songs_needed(*arguments)
