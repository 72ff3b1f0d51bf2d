"""Show how far a separation is, and remember what it finished, so that a stopped job can still report."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from auralflow.cli.bars import JobBars
from auralflow.cli.fetching import watch_transfers
from auralflow.cli.screen import Screen
from auralflow.fetch.events import FetchEvents
from auralflow.separation.results import Failure, FileResult, JobEvent, JobReport
from auralflow.storage.address import Place


class JobWatch:
    """Hears a job's events: keeps the results, and draws bars.

    Args:
        opening: what to say once, when the first file starts; a job with nothing to do says nothing.
    """

    def __init__(self, screen: Screen, opening: str) -> None:
        self._screen, self._opening = screen, opening
        self._started = time.monotonic()
        self._done: list[FileResult] = []
        self._failed: list[Failure] = []
        self._skipped: list[Place] = []
        self._bars = JobBars(screen, "files")

    def __enter__(self) -> Self:
        self._bars.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.__exit__(kind, error, trace)

    def watch_downloads(self, check: Callable[[], None]) -> FetchEvents:
        """Who hears of the download of a model, and stops it when `check` raises."""
        return watch_transfers(self._bars, self._screen, check)

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
        if event.kind in ("started", "progress", "retried"):
            self._bars.advance(event.source, event.source.name, event.fraction)
        else:
            self._bars.finish(event.source)
        n_finished = len(self._done) + len(self._failed) + len(self._skipped)
        self._bars.count(n_finished, len(self._failed), event.n_total)
