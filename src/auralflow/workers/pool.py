"""Worker processes that may crash, hang or be killed without losing more than one file's time.

Each worker holds the model and gets one file at a time. When it dies or shows no life for too long, it is replaced and
its file is tried once more; a file that brings two workers down is quarantined.
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
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auralflow.errors import AuralflowError
from auralflow.separation.config import SeparationConfig
from auralflow.separation.discover import Source
from auralflow.separation.progress import CancelToken
from auralflow.separation.results import Failure, JobCallback, JobEvent
from auralflow.separation.worker import decode_result, describe_setup

_MAX_TRIES = 2
_POLL_S = 0.2


@dataclass
class _Task:
    source: Source
    n_tries: int = 0


@dataclass
class _Worker:
    process: subprocess.Popen[str]
    task: _Task | None = None
    is_ready: bool = False
    last_sign: float = field(default_factory=time.monotonic)
    listener: threading.Thread | None = None
    verdict: str = ""
    """Why we ended it, when we did."""


class WorkerPool:
    """Run tasks on N worker processes.

    Args:
        n_workers: processes; each computes with cores / workers threads.
        hang_s: seconds without a sign of life after which a worker is replaced.
    """

    def __init__(self, config: SeparationConfig, out: Path, work: Path, n_workers: int, hang_s: float = 900.0) -> None:
        self._n_workers, self._hang_s = n_workers, hang_s
        self._n_threads = max(1, (os.cpu_count() or 1) // n_workers)
        self._setup = describe_setup(config, out, work, self._n_threads)
        self._messages: queue.Queue[tuple[_Worker, dict[str, Any] | None]] = queue.Queue()
        self._workers: list[_Worker] = []

    def run(self, sources: Iterable[Source], report: JobCallback, n_total: int, cancel: CancelToken) -> None:
        """Separate all sources; `report` hears of each.

        Raises:
            Cancelled: the token was cancelled; workers are stopped at once.
            AuralflowError: no worker can be started, for the reason the first one gave.
        """
        self._report, self._n_total = report, n_total
        self._tasks = deque(_Task(source) for source in sources)
        try:
            for _ in range(min(self._n_workers, len(self._tasks))):
                self._start()
            while self._tasks or any(w.task for w in self._workers):
                cancel.check()
                self._end_hung()
                with contextlib.suppress(queue.Empty):
                    self._handle(*self._messages.get(timeout=_POLL_S))
        finally:
            self._stop()

    def _start(self) -> None:
        # One OpenMP thread pool per worker, as wide as its share of the cores.
        environment = os.environ | {"OMP_NUM_THREADS": str(self._n_threads), "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            [sys.executable, "-m", "auralflow.separation.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
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
                self._messages.put((worker, json.loads(line)))
        self._messages.put((worker, None))

    def _send(self, worker: _Worker, line: str) -> None:
        assert worker.process.stdin is not None
        with contextlib.suppress(OSError):  # a dead worker is noticed by its closed output
            worker.process.stdin.write(line + "\n")
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
        elif worker.task is not None:
            self._hear(worker, worker.task, message)

    def _hear(self, worker: _Worker, task: _Task, message: dict[str, Any]) -> None:
        path = task.source.path
        if message["kind"] == "progress":
            self._report(JobEvent("progress", path, self._n_total, message["fraction"]))
            return
        if message["kind"] == "done":
            self._report(JobEvent("done", path, self._n_total, 1.0, decode_result(message["result"])))
        else:
            self._report(JobEvent("failed", path, self._n_total, result=Failure(path, message["reason"], "input")))
        self._feed(worker)

    def _feed(self, worker: _Worker) -> None:
        worker.task = self._tasks.popleft() if self._tasks else None
        if worker.task is None:
            return
        worker.task.n_tries += 1
        source = worker.task.source
        self._report(JobEvent("started", source.path, self._n_total))
        self._send(worker, json.dumps({"path": str(source.path), "folder": source.folder.as_posix()}))

    def _bury(self, worker: _Worker) -> None:
        """A worker ended; its file is tried once more or quarantined."""
        self._workers.remove(worker)
        code = _close(worker)
        if not worker.is_ready:
            raise AuralflowError(
                f"a worker process ended before it was ready (exit code {code}); see its message above"
            )
        task = worker.task
        if task is None:
            return
        reason = worker.verdict or f"its worker process ended with {_describe_exit(code)}"
        if task.n_tries < _MAX_TRIES:
            self._tasks.appendleft(task)
            self._report(JobEvent("retried", task.source.path, self._n_total))
        else:
            failure = Failure(task.source.path, f"{reason}, twice; not tried again", "quarantined")
            self._report(JobEvent("failed", task.source.path, self._n_total, result=failure))
        if self._tasks:
            self._start()

    def _end_hung(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.task is not None and not worker.verdict and now - worker.last_sign > self._hang_s:
                worker.verdict = f"it gave no sign of life for {self._hang_s:.0f} s"
                worker.process.kill()

    def _stop(self) -> None:
        """Idle workers end when their input does; busy ones are killed."""
        for worker in self._workers:
            if worker.task is not None or not worker.is_ready:
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
