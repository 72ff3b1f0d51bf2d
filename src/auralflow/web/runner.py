"""Separates what is on the list, one song after the other, in worker processes."""

from __future__ import annotations

import itertools
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auralflow.config import to_dict
from auralflow.errors import AuralflowError
from auralflow.web.driver import Driver
from auralflow.web.home import Folder, Home
from auralflow.web.offered import OfferedModels
from auralflow.web.record import Record
from auralflow.web.settings import ServeSettings
from auralflow.web.store import Store
from auralflow.web.worker import ABOUT
from auralflow.workers.pool import WorkerPool
from auralflow.workers.tasks import Task, TaskEvent

WORKER = "auralflow.web.worker"

_log = logging.getLogger("auralflow.web")
_PAUSE_S = 2.0


@dataclass
class Live:
    """How far a song is that is being separated."""

    task: str
    fraction: float = 0.0
    started: float = field(default_factory=time.monotonic)

    @property
    def eta_s(self) -> float | None:
        elapsed = time.monotonic() - self.started
        return elapsed * (1 - self.fraction) / self.fraction if self.fraction else None


class Runner:
    """The thread that drives the workers.

    Args:
        tell: hears the identifier of each separation that changed.
    """

    def __init__(
        self, store: Store, home: Home, settings: ServeSettings, models: OfferedModels, tell: Callable[[str], None]
    ) -> None:
        self._store, self._home, self._settings, self._models, self._tell = store, home, settings, models, tell
        self.device = "not known yet"
        self._live: dict[str, Live] = {}
        self._lock = threading.RLock()
        self._counter = itertools.count()
        self._driver = Driver("runner", self._new_pool, self._run, self._put_back, _PAUSE_S)

    def start(self) -> None:
        self._store.requeue_running()
        self._driver.start()

    def stop(self) -> None:
        """End the workers; songs that they were at are queued again."""
        self._driver.stop()

    def wake(self) -> None:
        """Look at the queue now."""
        self._driver.pool.wake()

    def live(self, key: str) -> Live | None:
        return self._live.get(key)

    def cancel(self, key: str) -> bool:
        """Stop a song that waits or runs; gives whether there was anything to stop."""
        with self._lock:
            was_open = self._store.cancel(key)
            live = self._live.pop(key, None)
        if live is not None:
            self._driver.pool.cancel(live.task)
        return was_open

    def _new_pool(self) -> WorkerPool:
        setup = {"device": self._settings.device, "max_duration_s": self._settings.limits.max_duration_s}
        return WorkerPool(WORKER, setup, self._settings.n_workers)

    def _run(self, pool: WorkerPool, check: Callable[[], None]) -> None:
        pool.run([Task(ABOUT, {ABOUT: True})], self._hear, check, self._more)

    def _put_back(self) -> None:
        with self._lock:
            keys, self._live = list(self._live), {}
            try:
                self._store.requeue_running()
            except sqlite3.Error as error:  # they are put back with the next start
                _log.error("the list cannot be written: %s", error)
        for key in keys:
            self._tell(key)

    def _more(self, n_tasks: int) -> Sequence[Task]:
        with self._lock:
            records = self._store.take(n_tasks)
            tasks = [self._describe(record) for record in records]
            for record, task in zip(records, tasks, strict=True):
                self._live[record.id] = Live(task.key)
        if records:
            for key in (*(record.id for record in records), *self._store.queue(20)):
                self._tell(key)  # those that wait have moved up
        return tasks

    def _describe(self, record: Record) -> Task:
        folder = self._home.folder(record.id, record.suffix)
        values = {
            "song": str(folder.song),
            "out": str(folder.out),
            "wish": to_dict(record.wish),
            "model": self._source_of(record.wish.model),
        }
        return Task(f"{record.id}/{next(self._counter)}", values)

    def _source_of(self, model: str) -> str:
        try:
            return self._models.find(model).source
        except AuralflowError:
            return model  # it has gone since; the worker says so in its own words

    def _hear(self, event: TaskEvent) -> None:
        if event.key == ABOUT:
            self._hear_about(event)
            return
        key = event.key.partition("/")[0]
        with self._lock:
            live = self._live.get(key)
            if live is None or live.task != event.key:
                return  # it was cancelled
            self._note(key, live, event)
        self._tell(key)

    def _hear_about(self, event: TaskEvent) -> None:
        if event.kind == "done":
            self.device = event.result["device"]
        elif event.reason:
            self.device = event.reason

    def _note(self, key: str, live: Live, event: TaskEvent) -> None:
        if event.kind == "progress":
            live.fraction = event.fraction
        elif event.kind in ("started", "retried"):
            live.fraction, live.started = 0.0, time.monotonic()
        elif event.kind == "done":
            self._live.pop(key)
            self._store.finish(key, "done", **self._describe_result(key, event.result))
        else:
            self._live.pop(key)
            self._store.finish(key, "failed", error=self._plain(key, event.reason))

    def _describe_result(self, key: str, result: dict[str, Any]) -> dict[str, Any]:
        record = self._store.get(key)
        assert record is not None
        out = self._home.folder(key, record.suffix).out
        names = {mix.partition("=")[0].strip() for mix in record.wish.mix}
        tracks = []
        for output in result["outputs"]:
            name = output["name"] if record.wish.format != "stem.mp4" else "stems"
            kind = "residual" if name == "residual" else "mix" if name in names else "stem"
            file = Path(output["path"]).relative_to(out).as_posix()
            tracks.append({"name": name, "kind": kind, "file": file, "size_bytes": output["size_bytes"]})
        return {
            "tracks": tracks,
            "duration_s": result["duration_s"],
            "sample_rate": result["sample_rate"],
            "channels": result["channels"],
            "warnings": result["warnings"],
            "made_bytes": sum(track["size_bytes"] for track in tracks),
        }

    def _plain(self, key: str, reason: str) -> str:
        """A reason in the visitor's words: the song by its title, no folders of this machine."""
        record = self._store.get(key)
        assert record is not None
        return plain_reason(reason, self._home.folder(key, record.suffix), record.title)


def plain_reason(reason: str, folder: Folder, title: str) -> str:
    """An error without paths."""
    for path, name in ((folder.song, title), (folder.out, "the server"), (folder.path, "the server")):
        reason = reason.replace(str(path), name)
    return " ".join(reason.split())
