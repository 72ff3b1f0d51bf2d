"""Tasks of a pool: those that wait, those that are given once more, and what is told of them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

STOPPED = "stopped on request"
"""Reason of a task that was cancelled."""

_MAX_TRIES = 2
_MAX_LOST = 5  # a task that takes a whole node down looks innocent, but not for ever


@dataclass(frozen=True)
class Task:
    """Something for a worker to do."""

    key: str
    """What it is called; unique."""
    values: Mapping[str, Any]
    """What the worker is told, in plain containers."""


@dataclass(frozen=True)
class TaskEvent:
    """Something happened to a task."""

    kind: Literal["started", "progress", "done", "failed", "quarantined", "retried"]
    """`failed`: the worker said so. `quarantined`: it crashed or hung twice."""
    key: str
    """Of the task."""
    fraction: float = 0.0
    """Part of the task that is done."""
    result: Any = None
    """What the worker gave, in plain containers."""
    reason: str = ""
    """Of a failure; one line."""


More = Callable[[int], Sequence[Task] | None]
"""Gives at most so many further tasks; None when there will be no more."""
Report = Callable[[TaskEvent], None]


@dataclass
class Tried:
    """A task, and how often a worker began it."""

    task: Task
    n_tries: int = 0
    n_lost: int = 0
    """Workers it lost through no fault of its own."""


@dataclass(kw_only=True)
class Hand:
    """Whoever does one task at a time: a process, or an actor of a cluster."""

    tried: Tried | None = None
    last_sign: float = field(default_factory=time.monotonic)
    verdict: str = ""
    """Why we ended it, when we did."""

    def is_hung(self, hang_s: float) -> bool:
        """Whether it has shown no life for longer than that, which is its verdict then: it is to be ended, once."""
        hung = self.tried is not None and not self.verdict and time.monotonic() - self.last_sign > hang_s
        if hung:
            self.verdict = f"it gave no sign of life for {hang_s:.0f} s"
        return hung


class TaskQueue:
    """Tasks that wait for a worker.

    Args:
        report: hears of each.
        more: asked for further tasks when a worker has nothing to do.
    """

    def __init__(self, tasks: Iterable[Task], report: Report, more: More | None = None) -> None:
        self._waiting = deque(Tried(task) for task in tasks)
        self._report, self._more = report, more

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def may_grow(self) -> bool:
        """Whether there can be further tasks."""
        return self._more is not None

    def ask_for_more(self, n_free: int) -> None:
        """Let it grow by at most so many tasks, less what waits already."""
        n_wanted = n_free - len(self._waiting)
        if self._more is None or n_wanted < 1:
            return
        tasks = self._more(n_wanted)
        if tasks is None:
            self._more = None
        else:
            self._waiting.extend(Tried(task) for task in tasks)

    def begin(self) -> Tried | None:
        """The next task, which counts as tried once more; None when none waits."""
        if not self._waiting:
            return None
        tried = self._waiting.popleft()
        tried.n_tries += 1
        self._report(TaskEvent("started", tried.task.key))
        return tried

    def hear(self, key: str, message: Mapping[str, Any]) -> bool:
        """What a worker said of its task; whether that was its last word."""
        if message["kind"] == "progress":
            self._report(TaskEvent("progress", key, message["fraction"]))
            return False
        if message["kind"] == "done":
            self._report(TaskEvent("done", key, 1.0, result=message["result"]))
        else:
            self._report(TaskEvent("failed", key, reason=message["reason"]))
        return True

    def give_back(self, tried: Tried, reason: str, *, is_innocent: bool = False) -> None:
        """A worker was lost: its task is tried once more, or not again.

        Args:
            is_innocent: something else than the task brought the worker down, so that this try does not count.
        """
        if is_innocent and tried.n_lost < _MAX_LOST:
            tried.n_tries, tried.n_lost = tried.n_tries - 1, tried.n_lost + 1
        if reason == STOPPED:
            self._report(TaskEvent("failed", tried.task.key, reason=STOPPED))
        elif tried.n_tries < _MAX_TRIES:
            self._waiting.appendleft(tried)
            self._report(TaskEvent("retried", tried.task.key))
        else:
            self._report(TaskEvent("quarantined", tried.task.key, reason=f"{reason}, twice; not tried again"))

    def cancel(self, key: str) -> None:
        """Take out a task that nobody has begun."""
        for tried in [t for t in self._waiting if t.task.key == key]:
            self._waiting.remove(tried)
            self._report(TaskEvent("failed", key, reason=STOPPED))
