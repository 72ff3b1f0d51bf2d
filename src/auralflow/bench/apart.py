"""Run orders in processes of their own, one at a time."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import Any

import psutil

from auralflow.bench.measure import Measurement, Order
from auralflow.config import from_dict, to_dict
from auralflow.errors import AuralflowError

_MODULE = "auralflow.bench.measure"


def measure_apart(order: Order, limit_s: float | None = None) -> Measurement:
    """Run an order in a fresh process, which never outlives this call.

    Args:
        limit_s: seconds after which it is ended; None to wait as long as it takes.

    Raises:
        AuralflowError: it was not done, for the reason that the process gave, or died of.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", _MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    try:
        out, messages = process.communicate(json.dumps(to_dict(order)) + "\n", timeout=limit_s)
    except subprocess.TimeoutExpired:
        raise AuralflowError(f"not done within {limit_s:g} s") from None
    finally:
        _end(process)
    if process.returncode != 0 or not out.strip():
        raise AuralflowError(_explain_end(process.returncode, messages))
    return _read(json.loads(out))


def _read(answer: dict[str, Any]) -> Measurement:
    if "error" in answer:
        raise AuralflowError(answer["error"])
    return from_dict(Measurement, answer["measurement"])


def _explain_end(code: int, messages: str) -> str:
    if code == -9:
        return "the process was killed (out of memory?)"
    last = next((line.strip() for line in reversed(messages.splitlines()) if line.strip()), "without a word")
    return f"the process ended with {f'signal {-code}' if code < 0 else f'exit code {code}'}: {last}"


def _end(process: subprocess.Popen[str]) -> None:
    """Kill what still runs: the process, and the compilers that it may have started."""
    if process.poll() is not None:
        return
    family = []
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    process.communicate()
