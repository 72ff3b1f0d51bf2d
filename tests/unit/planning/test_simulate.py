"""Laws of a simulated job."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auralflow.errors import ConfigError
from auralflow.planning.simulate import Pace, World, simulate

PACE = Pace(start_s=2.0, file_s=0.5, rate=0.1)
STEADY = World(spread=0.0)


def _songs(n_files: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(30, 400, n_files)


@settings(max_examples=30, deadline=None)
@given(n_files=st.integers(1, 60), n_workers=st.integers(1, 64), seed=st.integers(0, 99))
def test_a_job_is_no_shorter_than_its_work_or_its_longest_file_and_at_most_one_file_longer(
    n_files: int, n_workers: int, seed: int
) -> None:
    durations = _songs(n_files, seed)
    times = 0.5 + 0.1 * durations
    found = simulate(durations, np.zeros(n_files), n_workers, PACE, STEADY)
    least = max(times.sum() / n_workers, times.max())
    assert 2 + least <= found.seconds + 1e-9
    assert found.seconds <= 2 + times.sum() / n_workers + times.max() + 1e-9  # Graham's bound for lists
    assert found.busy_s == pytest.approx(times.sum())


def test_one_worker_does_one_file_after_another() -> None:
    durations = _songs(20)
    assert simulate(durations, np.zeros(20), 1, PACE, STEADY).seconds == pytest.approx(
        2 + (0.5 + 0.1 * durations).sum()
    )


def test_a_store_is_never_faster_than_its_bandwidth() -> None:
    durations, sizes = _songs(500), np.full(500, 1e6)
    found = simulate(durations, sizes, 64, PACE, World(spread=0.0, bandwidth=1e6))
    assert found.seconds >= 500
    assert found.waited_s > 0
    quick = simulate(durations, sizes, 64, PACE, World(spread=0.0, bandwidth=1e12))
    assert quick.seconds == pytest.approx(simulate(durations, sizes * 0, 64, PACE, STEADY).seconds, rel=1e-3)


def test_lost_workers_cost_half_a_file_and_a_start() -> None:
    durations = np.full(4000, 100.0)
    found = simulate(durations, np.zeros(4000), 1, PACE, World(spread=0.0, loss=0.1))
    assert 300 < found.n_lost < 500
    assert found.seconds == pytest.approx(2 + 4000 * 10.5 + found.n_lost * (10.5 / 2 + 2), rel=0.003)


def test_stragglers_delay_the_end_and_not_the_work() -> None:
    durations = np.full(2000, 100.0)
    calm, wild = (simulate(durations, np.zeros(2000), 64, PACE, World(spread=s)) for s in (0.0, 1.0))
    assert wild.busy_s == pytest.approx(calm.busy_s, rel=0.1)
    assert wild.seconds > calm.seconds


def test_a_seed_gives_the_same_again() -> None:
    durations, sizes, world = _songs(300), np.full(300, 1e6), World(0.3, 0.05, 1e7)
    first, again = (simulate(durations, sizes, 8, PACE, world, seed=3) for _ in range(2))
    assert first == again
    assert simulate(durations, sizes, 8, PACE, world, seed=4) != first


def test_a_million_files_keep_64_workers_busy() -> None:
    durations = _songs(10**6)
    found = simulate(durations, np.zeros(10**6), 64, PACE, World())
    assert found.seconds == pytest.approx((0.5 + 0.1 * durations).sum() / 64, rel=1e-3)


@pytest.mark.parametrize("wrong", [{"loss": 1.0}, {"loss": -0.1}, {"spread": -1.0}, {"bandwidth": 0.0}])
def test_a_world_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(wrong))}: expected"):
        World(**wrong)
    with pytest.raises(ConfigError, match="workers: expected 1 or more"):
        simulate(_songs(1), np.zeros(1), 0, PACE, STEADY)
