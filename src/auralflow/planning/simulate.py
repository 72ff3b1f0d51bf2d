"""A job with any number of workers as a discrete simulation: who is free takes the next file.

    worker free --> reads the file --> separates it --> writes the stems --> worker free
                    (one store for all)                 (one store for all)

What is drawn: how much longer than usual a file takes (a log-normal factor, so that some stragglers take much longer),
and whether its worker is lost on the way, which costs what was done and a new start. The store serves requests one
after another at its bandwidth; that is the fluid limit of many who share it.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auralflow.errors import ConfigError


@dataclass(frozen=True)
class Pace:
    """What a worker takes, in seconds."""

    start_s: float
    """From its start until it takes its first file."""
    file_s: float
    """For any file, however short."""
    rate: float
    """For each second of sound."""


@dataclass(frozen=True)
class World:
    """What a job meets with.

    Raises:
        ConfigError: a share outside 0 to 1, a negative spread, or a bandwidth of nothing.
    """

    spread: float = 0.05
    """Standard deviation of the logarithm of a file's time."""
    loss: float = 0.0
    """Share of files whose worker is lost while it is at them."""
    bandwidth: float = float("inf")
    """Bytes a second of the store, for all workers together."""

    def __post_init__(self) -> None:
        if not 0 <= self.loss < 1:
            raise ConfigError(f"loss: expected 0 to below 1, got {self.loss}")
        if self.spread < 0:
            raise ConfigError(f"spread: expected 0 or more, got {self.spread}")
        if not self.bandwidth > 0:
            raise ConfigError(f"bandwidth: expected more than 0, got {self.bandwidth}")


@dataclass(frozen=True)
class Simulation:
    """How a simulated job went."""

    seconds: float
    """From the first worker's start to the last file's end."""
    busy_s: float
    """Seconds of all workers together in which they were at a file."""
    waited_s: float
    """Seconds of all workers together in which they waited for the store."""
    n_lost: int
    """Workers that were lost."""


def simulate(
    durations_s: npt.NDArray[np.float64],
    sizes: npt.NDArray[np.float64],
    n_workers: int,
    pace: Pace,
    world: World,
    seed: int = 0,
) -> Simulation:
    """Run a job through.

    Args:
        durations_s: of the files, in the order in which they are taken.
        sizes: bytes that each file reads and writes.

    Shape:
        durations_s, sizes: (file)

    Raises:
        ConfigError: fewer than one worker.

    Example:
        >>> found = simulate(np.full(4, 10.0), np.zeros(4), 2, Pace(1.0, 0.0, 0.1), World(spread=0.0))
        >>> found.seconds
        3.0
    """
    if n_workers < 1:
        raise ConfigError(f"workers: expected 1 or more, got {n_workers}")
    random = np.random.default_rng(seed)
    usual = pace.file_s + pace.rate * durations_s
    # The mean of the factor is 1, so that the spread delays the last file and not the average one.
    times = usual * random.lognormal(-(world.spread**2) / 2, world.spread, len(usual))
    losses = random.random(len(usual)) < world.loss
    done_before = random.random(len(usual))
    return _run(times, sizes / world.bandwidth, losses, done_before, n_workers, pace.start_s)


def _run(
    times: npt.NDArray[np.float64],
    transfers_s: npt.NDArray[np.float64],
    losses: npt.NDArray[np.bool_],
    done_before: npt.NDArray[np.float64],
    n_workers: int,
    start_s: float,
) -> Simulation:
    free = [start_s] * n_workers
    store_free = busy = waited = last = 0.0
    for time, transfer, is_lost, part in zip(
        times.tolist(), transfers_s.tolist(), losses.tolist(), done_before.tolist(), strict=True
    ):
        now = heapq.heappop(free)
        begun = now
        if is_lost:
            now += part * time + start_s
        begin = max(now, store_free) if transfer else now
        store_free = begin + transfer if transfer else store_free
        waited += begin - now
        now = begin + transfer + time
        busy += now - begun
        last = max(last, now)
        heapq.heappush(free, now)
    return Simulation(last, busy, waited, int(losses.sum()))
