"""Stop a run from outside: Ctrl-C, SIGTERM or a cancel token, at the end of a step, on all ranks at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from auralflow.separation.progress import CancelToken


class StopSignals:
    """While it is entered, the first SIGINT or SIGTERM asks to stop; a second one ends the process at once.

    Lightning sets handlers of its own when a run begins, so this is entered after that. Outside the main thread no
    handler can be set; the token works there, too.
    """

    def __init__(self, cancel: CancelToken | None = None) -> None:
        self._cancel = cancel or CancelToken()
        self._former: dict[signal.Signals, Any] = {}

    @property
    def is_requested(self) -> bool:
        """Whether someone asked."""
        return self._cancel.is_cancelled

    def enter(self) -> None:
        """Listen."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._former[number] = signal.signal(number, self._note)

    def leave(self) -> None:
        """Give the signals back to whom they had."""
        for number, handler in self._former.items():
            signal.signal(number, handler)
        self._former.clear()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._cancel.cancel()
        self.leave()
