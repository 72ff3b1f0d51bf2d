"""Show how far a job is, and remember what it finished, so that a stopped job can still report."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column

from auralflow.cli.screen import Screen, one_line
from auralflow.separation.results import Failure, FileResult, JobEvent, JobReport

_ETA_WINDOW_S = 600.0


class JobWatch:
    """Hears a job's events: keeps the results, and draws bars where someone can see them.

    One file has one bar. Many have a bar for the whole job and one for each file at work.

    Args:
        opening: what to say once, when the first file starts; a job with nothing to do says nothing.
    """

    def __init__(self, screen: Screen, opening: str) -> None:
        self._screen, self._opening = screen, opening
        self._started = time.monotonic()
        self._done: list[FileResult] = []
        self._failed: list[Failure] = []
        self._skipped: list[Path] = []
        self._bars: dict[Path, TaskID] = {}
        self._fractions: dict[Path, float] = {}
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

    def report(self) -> JobReport:
        """What was heard so far, as the report of a job."""
        seconds = time.monotonic() - self._started
        return JobReport(tuple(self._done), tuple(self._failed), tuple(self._skipped), seconds)

    def hear(self, event: JobEvent) -> None:
        """Take an event of the job."""
        if event.kind == "started" and self._opening:
            self._screen.tell(self._opening)
            self._opening = ""
        if event.kind == "skipped":
            self._skipped.append(event.source)
        elif isinstance(event.result, FileResult):
            self._done.append(event.result)
        elif isinstance(event.result, Failure):
            self._failed.append(event.result)
        if event.n_total > 1 and self._overall is None:
            self._overall = self._progress.add_task(f"0 of {event.n_total} files", total=event.n_total)
        self._draw_file(event)
        if self._overall is not None:
            self._draw_overall(self._overall, event.n_total)

    def _draw_file(self, event: JobEvent) -> None:
        if event.kind in ("started", "progress", "retried"):
            if event.source not in self._bars:
                self._bars[event.source] = self._progress.add_task(one_line(event.source.name), total=1.0)
            self._fractions[event.source] = event.fraction
            self._progress.update(self._bars[event.source], completed=event.fraction)
        elif event.source in self._bars:
            self._fractions.pop(event.source)
            self._progress.remove_task(self._bars.pop(event.source))

    def _draw_overall(self, bar: TaskID, n_total: int) -> None:
        n_finished = len(self._done) + len(self._failed) + len(self._skipped)
        failed = f", {len(self._failed)} failed" if self._failed else ""
        self._progress.update(
            bar,
            description=f"{n_finished} of {n_total} files{failed}",
            completed=n_finished + sum(self._fractions.values()),
        )
