"""A worker's side of the talk, seen from its pipes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

WORKER = """
import signal, sys
from auralflow.workers.serve import serve

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it

def prepare(setup):
    def work(task, beat):
        print("to the standard output")
        sys.stdout.flush()
        for step in range(1000):
            beat(step / 1000)
        return {"sum": setup["start"] + task["n"], "no_number": float("nan") if task["n"] < 0 else None}
    return work

serve(prepare, lambda task: str(task["n"]))
"""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that adds."""
    (tmp_path / "adds.py").write_text(WORKER)
    command = [sys.executable, str(tmp_path / "adds.py")]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _tell(worker: subprocess.Popen[str], **values: int) -> None:
    assert worker.stdin is not None
    worker.stdin.write(json.dumps(values) + "\n")
    worker.stdin.flush()


def test_answers_are_lines_of_json_whatever_is_printed(worker: subprocess.Popen[str]) -> None:
    for values in ({"start": 40}, {"n": 2}, {"n": 3}):
        _tell(worker, **values)
    out, err = worker.communicate(timeout=60)
    ready, *answers = [json.loads(line) for line in out.splitlines()]
    assert ready == {"kind": "ready"}
    assert [a["result"]["sum"] for a in answers if a["kind"] == "done"] == [42, 43]
    # A thousand beats in an instant are not a thousand messages.
    assert sum(a["kind"] == "progress" for a in answers) < 10
    assert err.count("to the standard output") == 2
    assert worker.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_is_left_to_the_parent(worker: subprocess.Popen[str]) -> None:
    assert worker.stdout is not None
    _tell(worker, start=1)
    assert json.loads(worker.stdout.readline()) == {"kind": "ready"}
    worker.send_signal(signal.SIGINT)
    _tell(worker, n=1)
    out, err = worker.communicate(timeout=60)
    assert json.loads(out.splitlines()[-1])["result"]["sum"] == 2
    assert "KeyboardInterrupt" not in err
