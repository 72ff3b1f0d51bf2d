"""A process that fails, dies or never ends costs its setting alone, and says why."""

from __future__ import annotations

import sys
import types

import pytest

from auralflow.bench import apart
from auralflow.bench.apart import measure_apart
from auralflow.bench.measure import Measurement, Order
from auralflow.errors import AuralflowError
from auralflow.separation.config import SeparationConfig

ORDER = Order(SeparationConfig(), False, 1, 10)


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Run a program of the test's own in place of the module."""

    def use(program: str) -> None:
        monkeypatch.setattr(apart, "sys", types.SimpleNamespace(executable=sys.executable))
        start = apart.subprocess.Popen
        monkeypatch.setattr(
            apart.subprocess, "Popen", lambda words, **options: start([words[0], "-c", program], **options)
        )

    return use


def test_its_answer_is_read(child) -> None:  # type: ignore[no-untyped-def]
    child(
        "import json, sys; order = json.loads(sys.stdin.readline());"
        "print(json.dumps({'measurement': {'seconds': 1.5, 'peak_bytes': order['n_samples'],"
        " 'device_peak_bytes': None, 'batch': 2, 'notes': ['so']}}))"
    )
    assert measure_apart(ORDER) == Measurement(1.5, 10, None, 2, ("so",))


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ('print(\'{"error": "no such model"}\')', "no such model"),
        ("import sys; sys.exit('first\\nno room left')", "exit code 1: no room left"),
        ("pass", "exit code 0: without a word"),
        ("import os, signal; os.kill(os.getpid(), 9)", "killed"),
    ],
)
def test_its_end_is_explained(child, program: str, text: str) -> None:  # type: ignore[no-untyped-def]
    child(program)
    with pytest.raises(AuralflowError, match=text):
        measure_apart(ORDER)


def test_it_is_ended_in_time_with_what_it_has_started(child) -> None:  # type: ignore[no-untyped-def]
    """The grandchild holds the pipe: reading it to its end would wait for both."""
    child(
        "import subprocess, sys, time;"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); time.sleep(60)"
    )
    with pytest.raises(AuralflowError, match=r"not done within 0.5 s"):
        measure_apart(ORDER, 0.5)
