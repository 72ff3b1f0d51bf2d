"""Progress bars of a job of many parts: one for all of it, one for each part at work."""

from __future__ import annotations

from collections.abc import Hashable
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column

from auralflow.cli.screen import Screen, one_line

_ETA_WINDOW_S = 600.0


class JobBars:
    """Draws bars where someone can see them. A job of one part has that part's bar alone.

    Args:
        parts: what the parts are called, such as `files`.
    """

    def __init__(self, screen: Screen, parts: str) -> None:
        self._parts = parts
        self._bars: dict[Hashable, TaskID] = {}
        self._fractions: dict[Hashable, float] = {}
        self._overall: TaskID | None = None
        self._progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            BarColumn(),
            TaskProgressColumn("{task.percentage:>3.0f} %", markup=False),
            TimeRemainingColumn(compact=True),
            console=screen.messages,
            transient=True,
            disable=not screen.is_live,
            speed_estimate_period=_ETA_WINDOW_S,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def advance(self, key: Hashable, name: str, fraction: float) -> None:
        """A part has begun, or got so far."""
        if key not in self._bars:
            self._bars[key] = self._progress.add_task(one_line(name), total=1.0)
        self._fractions[key] = fraction
        self._progress.update(self._bars[key], completed=fraction)

    def finish(self, key: Hashable) -> None:
        """A part is over, in whatever way."""
        if key in self._bars:
            self._fractions.pop(key)
            self._progress.remove_task(self._bars.pop(key))

    def count(self, n_finished: int, n_failed: int, n_total: int) -> None:
        """So many parts are over; of them, so many failed."""
        if n_total == 1:
            return
        if self._overall is None:
            self._overall = self._progress.add_task(f"0 of {n_total} {self._parts}", total=n_total)
        failed = f", {n_failed} failed" if n_failed else ""
        self._progress.update(
            self._overall,
            description=f"{n_finished} of {n_total} {self._parts}{failed}",
            completed=n_finished + sum(self._fractions.values()),
        )
