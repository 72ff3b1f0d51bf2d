"""Tells every open page what changed, without ever waiting for one of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress


class Listener:
    """One open page. What changed twice before it was read is told once, so that a slow reader costs no memory."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._changed = loop, asyncio.Event()
        self._lock = threading.Lock()
        self._keys: dict[str, None] = {}

    def tell(self, key: str) -> None:
        """Note that a separation changed; from any thread."""
        with self._lock:
            self._keys[key] = None
        with suppress(RuntimeError):  # the server has just stopped
            self._loop.call_soon_threadsafe(self._changed.set)

    async def wait(self, timeout_s: float) -> list[str]:
        """What changed since, in the order in which it began to; nothing when the time is over."""
        try:
            await asyncio.wait_for(self._changed.wait(), timeout_s)
        except TimeoutError:
            return []
        self._changed.clear()
        with self._lock:
            keys, self._keys = list(self._keys), {}
        return keys


class Hub:
    """Whoever listens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []

    def tell(self, key: str) -> None:
        """Say that a separation changed, or is gone; from any thread."""
        with self._lock:
            for listener in self._listeners:
                listener.tell(key)

    def join(self) -> tuple[Listener, Callable[[], None]]:
        """A new listener, and what ends it."""
        listener = Listener(asyncio.get_running_loop())
        with self._lock:
            self._listeners.append(listener)

        def leave() -> None:
            with self._lock:
                self._listeners.remove(listener)

        return listener, leave
