"""A thread that drives a pool of workers for as long as the server runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from auralflow.errors import AuralflowError, Cancelled
from auralflow.workers.pool import WorkerPool

_log = logging.getLogger("auralflow.web")


class Driver:
    """Runs a pool, and begins another whenever one breaks.

    Args:
        name: of the thread.
        make: gives a pool.
        run: runs it to its end, with a function that raises when it is to stop.
        put_back: takes back what a pool was at, when it has ended in whatever way.
        pause_s: between the end of a pool and the next one.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], WorkerPool],
        run: Callable[[WorkerPool, Callable[[], None]], None],
        put_back: Callable[[], None],
        pause_s: float,
    ) -> None:
        self._make, self._run_pool, self._put_back, self._pause_s = make, run, put_back, pause_s
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)
        self.pool = make()

    @property
    def is_closing(self) -> bool:
        return self._closing.is_set()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the workers; returns when they have ended."""
        self._closing.set()
        self.pool.wake()
        self._thread.join()

    def _run(self) -> None:
        while not self.is_closing:
            try:
                self._run_pool(self.pool, self._check)
            except Cancelled:
                break
            except AuralflowError as error:  # a worker could not be started, or was killed while it did
                _log.error("%s", error)
            except Exception:
                _log.exception("workers of '%s' are started anew", self._thread.name)
            self._put_back()
            self._closing.wait(self._pause_s)
            self.pool = self._make()
        self._put_back()

    def _check(self) -> None:
        if self.is_closing:
            raise Cancelled("the server stops")
