"""A worker's side: read tasks from the standard input, answer on what was the standard output, as lines of JSON.

Whatever a library prints goes to the standard error. A worker ends when its input does, so it never outlives its
parent.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from auralflow.errors import AuralflowError

Beat = Callable[[float], None]
"""Takes the fraction done, and is the sign of life."""
Work = Callable[[dict[str, Any], Beat], Any]
"""Does one task, told in plain containers, and gives its result in the same."""

_HEARTBEAT_S = 0.2


def serve(prepare: Callable[[dict[str, Any]], Work], describe: Callable[[dict[str, Any]], str]) -> None:
    """Do tasks until the input ends.

    Args:
        prepare: takes the set-up, the first line of the input, and gives what does the tasks.
        describe: what a task is called when something goes wrong that nobody foresaw.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    setup = json.loads(sys.stdin.readline())
    try:
        work = prepare(setup)
        _answer(channel, "ready")
        for line in sys.stdin:
            _do(channel, work, json.loads(line), describe)
    except AuralflowError as error:
        _answer(channel, "fatal", reason=str(error))
    except BrokenPipeError:
        os._exit(1)


def _do(channel: TextIO, work: Work, task: dict[str, Any], describe: Callable[[dict[str, Any]], str]) -> None:
    last = time.monotonic()

    def beat(fraction: float) -> None:
        nonlocal last
        if time.monotonic() - last >= _HEARTBEAT_S:
            last = time.monotonic()
            _answer(channel, "progress", fraction=fraction)

    _answer(channel, **attempt(work, task, beat, describe))


def attempt(work: Work, task: dict[str, Any], beat: Beat, describe: Callable[[dict[str, Any]], str]) -> dict[str, Any]:
    """Do one task; gives `kind` done with its `result`, or `kind` failed with its `reason`."""
    try:
        return {"kind": "done", "result": work(task, beat)}
    except BrokenPipeError:  # the parent is gone
        raise
    except AuralflowError as error:
        return {"kind": "failed", "reason": str(error)}
    except Exception as error:  # whatever a model or a decoder throws costs only its task
        reason = f"{describe(task)}: {type(error).__name__}: {' '.join(str(error).split())}"
        return {"kind": "failed", "reason": reason}


def _answer(channel: TextIO, kind: str, **values: Any) -> None:
    channel.write(json.dumps({"kind": kind, **values}) + "\n")
    channel.flush()
