"""How fast this machine separates: excerpts of real files go through real workers, in two lengths.

A file takes `file_s + rate * duration`. Two lengths give both numbers, and many workers at once feel each other, as
they will in the job.
"""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath

from auralflow.errors import AuralflowError
from auralflow.planning.sample import Probed
from auralflow.planning.simulate import Pace
from auralflow.separation.config import SeparationConfig
from auralflow.separation.folders import make_pool
from auralflow.separation.progress import CancelToken
from auralflow.separation.worker import describe_setup, describe_task
from auralflow.workers.tasks import Task, TaskEvent

_LENGTHS_S = (6.0, 24.0)
_HANG_S = 900.0
_N_EACH = 3
"""Files that each worker gets of each length; the first one is not counted, for much is done once."""


def measure_pace(
    probed: Sequence[Probed],
    config: SeparationConfig,
    n_workers: int,
    cancel: CancelToken | None = None,
    report: Callable[[str], None] | None = None,
) -> Pace:
    """Separate excerpts, and see what they take.

    Args:
        n_workers: that run at once, each with its share of the cores.

    Raises:
        AuralflowError: none of the files can be separated.
    """
    starts, points = [], []
    lengths = [min(length, max(file.duration_s for file in probed)) for length in _LENGTHS_S]
    for length in lengths:
        if report is not None:
            report(f"separating excerpts of {length:.0f} s with {n_workers} workers")
        part = dataclasses.replace(config, for_s=length, name="{track}/{stem}")
        start_s, taken = _run(probed, part, n_workers, cancel)
        starts.append(start_s)
        points.append((length, statistics.median(taken)))
    (short, short_s), (long, long_s) = points
    rate = max(0.0, (long_s - short_s) / (long - short)) if long > short else long_s / long
    return Pace(statistics.median(starts), max(0.0, short_s - rate * short), rate)


def _run(
    probed: Sequence[Probed], config: SeparationConfig, n_workers: int, cancel: CancelToken | None
) -> tuple[float, list[float]]:
    """Seconds until a worker is ready, and those of each file but the first of each worker."""
    begun: dict[str, float] = {}
    taken: list[float] = []
    reasons: list[str] = []

    def hear(event: TaskEvent) -> None:
        now = time.monotonic()
        if event.kind == "started":
            begun[event.key] = now
        elif event.kind == "done":
            taken.append(now - begun[event.key])
        elif event.kind == "failed":
            reasons.append(event.reason)

    with tempfile.TemporaryDirectory() as name:
        started, folder = time.monotonic(), Path(name)
        pool = make_pool(describe_setup(config, folder / "out", folder), n_workers, _HANG_S, None)
        # In folders of their own, for there may be fewer files than are separated.
        tasks = [
            Task(str(number), describe_task(probed[number % len(probed)].place, PurePath(str(number))).values)
            for number in range(_N_EACH * n_workers)
        ]
        pool.run(tasks, hear, (cancel or CancelToken()).check)
    if not taken:
        raise AuralflowError(f"no file could be separated, the last: {reasons[-1] if reasons else 'no reason given'}")
    return min(begun.values()) - started, taken[n_workers:] or taken
