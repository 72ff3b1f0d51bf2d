"""Everything that decodes or encodes sound for a visitor, in processes of its own.

A file that brings a decoder down costs a small process that loads no torch, never the server.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from auralflow.errors import AudioError
from auralflow.web.driver import Driver
from auralflow.workers.pool import WorkerPool
from auralflow.workers.tasks import Task, TaskEvent

WORKER = "auralflow.web.sounds.worker"

_PAUSE_S = 1.0


class Desk:
    """Takes questions about sounds, and answers them in turn.

    Args:
        n_workers: questions that are answered at once.
        hang_s: seconds without a sign of life after which one is given up.
    """

    def __init__(self, n_workers: int = 2, hang_s: float = 20.0) -> None:
        self._n_workers, self._hang_s = n_workers, hang_s
        self._lock = threading.Lock()
        self._waiting: dict[str, Task] = {}
        self._answers: dict[str, Future[Any]] = {}
        self._counter = itertools.count()
        self._driver = Driver("desk", self._new_pool, self._run, self._give_up, _PAUSE_S)

    def start(self) -> None:
        self._driver.start()

    def stop(self) -> None:
        self._driver.stop()

    async def ask(self, what: str, *, timeout_s: float = 600.0, **values: Any) -> Any:
        """Have something done by `auralflow.web.sounds.worker`.

        Raises:
            AudioError: it cannot be done, or took too long.
        """
        key, answer = f"{what} {next(self._counter)}", Future[Any]()
        with self._lock:
            self._waiting[key] = Task(key, {"do": what, **values})
            self._answers[key] = answer
        self._driver.pool.wake()
        try:
            return await asyncio.wait_for(asyncio.wrap_future(answer), timeout_s)
        except TimeoutError:
            raise AudioError(f"it took longer than {timeout_s:.0f} s and was given up") from None
        finally:
            with self._lock:
                self._waiting.pop(key, None)
                is_open = self._answers.pop(key, None) is not None
            if is_open:
                self._driver.pool.cancel(key)

    def _new_pool(self) -> WorkerPool:
        return WorkerPool(WORKER, {}, self._n_workers, self._hang_s)

    def _run(self, pool: WorkerPool, check: Callable[[], None]) -> None:
        pool.run((), self._hear, check, self._more)

    def _more(self, n_tasks: int) -> Sequence[Task]:
        with self._lock:
            keys = list(self._waiting)[:n_tasks]
            return [self._waiting.pop(key) for key in keys]

    def _hear(self, event: TaskEvent) -> None:
        if event.kind not in ("done", "failed", "quarantined"):
            return
        with self._lock:
            answer = self._answers.pop(event.key, None)
        if answer is None or not answer.set_running_or_notify_cancel():
            return
        if event.kind == "done":
            answer.set_result(event.result)
        else:
            answer.set_exception(AudioError(event.reason))

    def _give_up(self) -> None:
        is_closing = self._driver.is_closing
        reason = "the server stops" if is_closing else "the server's process for sounds ended; try again"
        with self._lock:
            answers = [a for key, a in self._answers.items() if key not in self._waiting or is_closing]
        for answer in answers:
            if answer.set_running_or_notify_cancel():
                answer.set_exception(AudioError(reason))
