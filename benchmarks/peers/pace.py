"""The clock, the same for us and for the peers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import torch


def stay_on_one_core() -> None:
    """One thread, on a core of its own where the system can be told so."""
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def chunks_per_s(draw: Callable[[int], object], seconds: float) -> float:
    """How many chunks a second `draw` gives, called with 0, 1, 2, ...; half as long before the clock is started."""
    number = 0
    for duration_s in (seconds / 2, seconds):
        first, started, elapsed = number, time.perf_counter(), 0.0
        while elapsed < duration_s:
            draw(number)
            number += 1
            elapsed = time.perf_counter() - started
    return (number - first) / elapsed
