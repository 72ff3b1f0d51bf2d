"""Say how far a separation is, and stop it from outside."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from auralflow.errors import Cancelled


@dataclass(frozen=True)
class Progress:
    """How far one separation is."""

    fraction: float
    """Part of the work that is done, 0 to 1."""
    done_s: float
    """Seconds of audio separated so far."""
    eta_s: float | None
    """Seconds of waiting left, by the speed so far; None before there is one, or for a stream of unknown length."""


ProgressCallback = Callable[[Progress], None]


class CancelToken:
    """Asks a running separation to stop; safe to call from any thread or signal handler.

    Example:
        >>> token = CancelToken()
        >>> token.cancel()
        >>> token.is_cancelled
        True
    """

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    @property
    def is_cancelled(self) -> bool:
        return self._event.is_set()

    def check(self) -> None:
        """
        Raises:
            Cancelled: `cancel()` was called.
        """
        if self._event.is_set():
            raise Cancelled("stopped on request; what was finished is kept")


class ProgressMeter:
    """Turns samples done into `Progress` and hands it to a callback."""

    def __init__(self, callback: ProgressCallback | None, sample_rate: int, n_samples: int | None) -> None:
        self._callback, self._sample_rate, self._n_samples = callback, sample_rate, n_samples
        self._started, self._n_done = time.monotonic(), 0

    def advance(self, n_samples: int) -> None:
        """Count samples that are through."""
        self._n_done += n_samples
        if self._callback is None:
            return
        fraction = min(1.0, self._n_done / self._n_samples) if self._n_samples else 0.0
        elapsed = time.monotonic() - self._started
        eta_s = elapsed * (1 - fraction) / fraction if fraction else None
        self._callback(Progress(fraction, self._n_done / self._sample_rate, eta_s))


class Stopwatch:
    """Wall seconds by stage: decode, resample, model, mix, spool, encode.

    A stage within a stage, as where one step of a plan waits for another, is counted once, as the inner one.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._lock = threading.Lock()
        self._local = threading.local()

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        outer = getattr(self._local, "inner_s", 0.0)
        self._local.inner_s = 0.0
        started = time.perf_counter()
        try:
            yield
        finally:
            elapsed = time.perf_counter() - started
            with self._lock:
                self.seconds[stage] = self.seconds.get(stage, 0.0) + elapsed - self._local.inner_s
            self._local.inner_s = outer + elapsed
