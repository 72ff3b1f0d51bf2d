"""Worker processes that may crash, hang or be killed without losing more than one task's time.

Each worker is set up once (it loads a model, say) and gets one task at a time, as lines of JSON; `serve` is its side of
the talk. When it dies or shows no life for too long, it is replaced and its task is tried once more; a task that brings
two workers down is quarantined.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from auralflow.errors import AuralflowError
from auralflow.workers.tasks import STOPPED, Hand, More, Report, Task, TaskQueue

_POLL_S = 0.2


@dataclass
class _Worker(Hand):
    process: subprocess.Popen[str]
    is_ready: bool = False
    listener: threading.Thread | None = None


class WorkerPool:
    """Run tasks on N worker processes.

    Args:
        module: what each worker runs, as `python -m`; it calls `auralflow.workers.serve.serve`.
        setup: what a worker is told before its first task, in plain containers.
        n_workers: processes; each computes with cores / workers threads.
        hang_s: seconds without a sign of life after which a worker is replaced.
    """

    def __init__(self, module: str, setup: Mapping[str, Any], n_workers: int, hang_s: float = 900.0) -> None:
        self._module, self._n_workers, self._hang_s = module, n_workers, hang_s
        self._n_threads = max(1, (os.cpu_count() or 1) // n_workers)
        self._setup = {**setup, "n_threads": self._n_threads}
        self._messages: queue.Queue[tuple[_Worker, dict[str, Any] | None] | None] = queue.Queue()
        self._workers: list[_Worker] = []
        self._cancelled: queue.SimpleQueue[str] = queue.SimpleQueue()

    def run(
        self,
        tasks: Iterable[Task],
        report: Report,
        check: Callable[[], None],
        more: More | None = None,
    ) -> None:
        """Do all tasks.

        Args:
            report: hears of each.
            check: called several times a second; what it raises stops all workers at once.
            more: asked for further tasks whenever a worker has nothing to do, several times a second and after `wake`.
                With it all workers are started at once, and they wait until it gives None.

        Raises:
            AuralflowError: no worker can be started, for the reason the first one gave.
        """
        self._tasks = TaskQueue(tasks, report, more)
        try:
            for _ in range(self._n_workers if more else min(self._n_workers, len(self._tasks))):
                self._start()
            while self._tasks or self._n_busy or self._tasks.may_grow:
                check()
                self._end_hung()
                self._end_cancelled()
                self._ask_for_more()
                self._listen_once()
        finally:
            self._stop()

    def wake(self) -> None:
        """Have `more` asked at once; safe to call from any thread."""
        self._messages.put(None)

    def cancel(self, key: str) -> None:
        """Stop one task, which is then reported as failed, `STOPPED`; the others go on. Safe to call from any thread.

        A task that is done, or that is not known, is left alone. A worker that is at it is replaced.
        """
        self._cancelled.put(key)
        self.wake()

    @property
    def _n_busy(self) -> int:
        return sum(worker.tried is not None for worker in self._workers)

    def _listen_once(self) -> None:
        with contextlib.suppress(queue.Empty):
            message = self._messages.get(timeout=_POLL_S)
            if message is not None:
                self._handle(*message)

    def _ask_for_more(self) -> None:
        if not self._tasks.may_grow:
            return
        self._tasks.ask_for_more(self._n_workers - self._n_busy)
        for worker in [w for w in self._workers if w.is_ready and w.tried is None and not w.verdict]:
            self._feed(worker)
        n_starting = sum(not worker.is_ready for worker in self._workers)
        if len(self._tasks) > n_starting and len(self._workers) < self._n_workers:
            self._start()

    def _start(self) -> None:
        # One OpenMP thread pool per worker, as wide as its share of the cores.
        environment = os.environ | {"OMP_NUM_THREADS": str(self._n_threads), "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            [sys.executable, "-m", self._module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
        )
        worker = _Worker(process)
        self._workers.append(worker)
        worker.listener = threading.Thread(target=self._listen, args=(worker,), daemon=True)
        worker.listener.start()
        self._send(worker, self._setup)

    def _listen(self, worker: _Worker) -> None:
        assert worker.process.stdout is not None
        with worker.process.stdout as lines:
            for line in lines:
                with contextlib.suppress(ValueError):  # the last line of a worker that was killed may be torn
                    self._messages.put((worker, json.loads(line)))
        self._messages.put((worker, None))

    def _send(self, worker: _Worker, message: Mapping[str, Any]) -> None:
        assert worker.process.stdin is not None
        with contextlib.suppress(OSError):  # a dead worker is noticed by its closed output
            worker.process.stdin.write(json.dumps(message) + "\n")
            worker.process.stdin.flush()

    def _handle(self, worker: _Worker, message: dict[str, Any] | None) -> None:
        worker.last_sign = time.monotonic()
        if message is None:
            self._bury(worker)
        elif message["kind"] == "ready":
            worker.is_ready = True
            self._feed(worker)
        elif message["kind"] == "fatal":
            raise AuralflowError(message["reason"])
        elif worker.tried is not None and self._tasks.hear(worker.tried.task.key, message):
            self._feed(worker)

    def _feed(self, worker: _Worker) -> None:
        # One that is being ended may have answered just before.
        worker.tried = None if worker.verdict else self._tasks.begin()
        if worker.tried is not None:
            self._send(worker, worker.tried.task.values)

    def _bury(self, worker: _Worker) -> None:
        """A worker ended; its task is tried once more or quarantined."""
        self._workers.remove(worker)
        code = _close(worker)
        if not worker.is_ready:
            raise AuralflowError(
                f"a worker process ended before it was ready (exit code {code}); see its message above"
            )
        if worker.tried is not None:
            reason = worker.verdict or f"its worker process ended with {_describe_exit(code)}"
            self._tasks.give_back(worker.tried, reason)
        if self._tasks:
            self._start()

    def _end_hung(self) -> None:
        for worker in self._workers:
            if worker.is_hung(self._hang_s):
                worker.process.kill()

    def _end_cancelled(self) -> None:
        while not self._cancelled.empty():
            key = self._cancelled.get()
            self._tasks.cancel(key)
            for worker in [w for w in self._workers if w.tried is not None and w.tried.task.key == key]:
                worker.verdict = STOPPED
                worker.process.kill()

    def _stop(self) -> None:
        """Idle workers end when their input does; busy ones are killed."""
        for worker in self._workers:
            if worker.tried is not None or not worker.is_ready:
                worker.process.kill()
        for worker in self._workers:
            _close(worker)


def _close(worker: _Worker) -> int:
    """End a worker's input, wait for it, and give its exit code."""
    with contextlib.suppress(OSError):
        if worker.process.stdin is not None:
            worker.process.stdin.close()
    code = worker.process.wait()
    if worker.listener is not None:
        worker.listener.join()
    return code


def _describe_exit(code: int) -> str:
    if code == -9:
        return "SIGKILL (out of memory?)"
    return f"signal {-code}" if code < 0 else f"exit code {code}"
