"""Worker processes may crash, hang, print and be killed; it costs no more than the task they were at."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auralflow.errors import AuralflowError, Cancelled
from auralflow.separation.progress import CancelToken
from auralflow.workers.pool import WorkerPool
from auralflow.workers.tasks import STOPPED, Task, TaskEvent

WORKER = """
import json, os, sys, time
from pathlib import Path
from auralflow.errors import AudioError
from auralflow.workers.serve import serve

def prepare(setup):
    if setup.get("ends"):
        os._exit(3)
    if setup.get("refuses"):
        raise AudioError("no such device")
    if setup.get("fails"):
        raise ValueError("not foreseen")
    print("printed while it is set up")

    def work(task, beat):
        print("printed at", task["name"])
        kind, _, place = task["do"].partition(" ")
        if kind == "once":
            kind = "done" if Path(place).exists() else "exit"
            Path(place).touch()
        if kind == "exit":
            os._exit(7)
        if kind == "kill":
            os.kill(os.getpid(), 9)
        if kind == "hang":
            time.sleep(60)
        if kind == "slow":
            for step in range(200):
                time.sleep(0.05)
                beat(step / 200)
        if kind == "refuse":
            raise AudioError("broken file")
        if kind == "raise":
            raise ValueError("two\\n lines")
        if kind == "tear":
            os.write(int(setup["channel"]), b'{"kind": "done", "result": [1, 2')
            os._exit(9)
        beat(0.5)
        threads = [setup["n_threads"], os.environ["OMP_NUM_THREADS"]]
        return {"pid": os.getpid(), "threads": threads, "task": task}

    return work

serve(prepare, lambda task: task["name"])
"""

Run = Callable[..., dict[str, list[TaskEvent]]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Do tasks of one word each; gives the events of each."""
    (tmp_path / "tiny_worker.py").write_text(WORKER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def do(
        *words: str,
        n_workers: int = 1,
        hang_s: float = 30.0,
        setup: dict[str, Any] | None = None,
        hear: Callable[[TaskEvent], None] = lambda event: None,
        check: Callable[[], None] = lambda: None,
    ) -> dict[str, list[TaskEvent]]:
        events = defaultdict(list)

        def report(event: TaskEvent) -> None:
            events[event.key].append(event)
            hear(event)

        pool = WorkerPool("tiny_worker", setup or {}, n_workers, hang_s)
        tasks = [Task(f"{n} {word}", {"name": f"{n} {word}", "do": word}) for n, word in enumerate(words)]
        pool.run(tasks, report, check)
        return events

    return do


def _kinds(events: list[TaskEvent]) -> list[str]:
    return [event.kind for event in events if event.kind != "progress"]


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_every_task_is_done_once_by_a_worker_that_is_set_up_once(run: Run) -> None:
    events = run("a", "b", "c", "d", n_workers=2)
    assert {key: _kinds(heard) for key, heard in events.items()} == {
        key: ["started", "done"] for key in ("0 a", "1 b", "2 c", "3 d")
    }
    results = [heard[-1].result for heard in events.values()]
    assert [result["task"] for result in results] == [{"name": key, "do": key[2:]} for key in events]
    assert len({result["pid"] for result in results}) <= 2
    n_threads = max(1, (os.cpu_count() or 1) // 2)
    assert all(result["threads"] == [n_threads, str(n_threads)] for result in results)
    assert all(heard[-1].fraction == 1.0 for heard in events.values())
    assert all(_is_gone(result["pid"]) for result in results)


def test_no_task_starts_no_worker(run: Run) -> None:
    assert run(setup={"ends": True}) == {}


def test_what_a_worker_refuses_or_did_not_foresee_costs_its_task(run: Run) -> None:
    events = run("refuse", "raise", "a")
    assert {key: _kinds(heard) for key, heard in events.items()} == {
        "0 refuse": ["started", "failed"],
        "1 raise": ["started", "failed"],
        "2 a": ["started", "done"],
    }
    assert events["0 refuse"][-1].reason == "broken file"
    assert events["1 raise"][-1].reason == "1 raise: ValueError: two lines"


def test_two_crashes_put_a_task_aside_and_one_does_not(run: Run, tmp_path: Path) -> None:
    events = run("exit", f"once {tmp_path / 'been here'}", "a")
    quarantined, retried, done = events.values()
    assert _kinds(quarantined) == ["started", "retried", "started", "quarantined"]
    assert quarantined[-1].reason == "its worker process ended with exit code 7, twice; not tried again"
    assert _kinds(retried) == ["started", "retried", "started", "done"]
    assert _kinds(done) == ["started", "done"]


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_worker_that_was_killed_is_told_by_its_signal(run: Run) -> None:
    (events,) = run("kill").values()
    assert events[-1].reason == "its worker process ended with SIGKILL (out of memory?), twice; not tried again"


def test_a_worker_without_a_sign_of_life_is_replaced(run: Run) -> None:
    started = time.monotonic()
    hung, done = run("hang", "a", hang_s=1.0).values()
    assert _kinds(hung) == ["started", "retried", "started", "quarantined"]
    assert hung[-1].reason == "it gave no sign of life for 1 s, twice; not tried again"
    assert _kinds(done) == ["started", "done"]
    assert time.monotonic() - started < 30


def test_a_beat_is_a_sign_of_life(run: Run) -> None:
    """Of steps that are longer than the limit together."""
    fractions: list[float] = []
    started = time.monotonic()

    def hear(event: TaskEvent) -> None:
        if event.kind == "progress":
            fractions.append(event.fraction)
            if len(fractions) == 10:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("slow", hang_s=1.5, hear=hear)
    assert time.monotonic() - started > 1.5
    assert fractions == sorted(set(fractions))


def test_half_a_line_of_a_dying_worker_is_no_answer(run: Run) -> None:
    """A long result does not go through a pipe at once; its writer may be killed in the middle."""
    # The channel is the first free descriptor after the standard ones.
    torn, done = run("tear", "a", setup={"channel": 3}).values()
    assert _kinds(torn) == ["started", "retried", "started", "quarantined"]
    assert "exit code 9" in torn[-1].reason
    assert _kinds(done) == ["started", "done"]


def test_a_refusal_at_set_up_ends_the_job_with_its_reason(run: Run) -> None:
    with pytest.raises(AuralflowError, match=r"^no such device$"):
        run("a", "b", setup={"refuses": True})


@pytest.mark.parametrize(("setup", "code"), [({"ends": True}, 3), ({"fails": True}, 1)])
def test_an_end_before_it_is_ready_ends_the_job(run: Run, setup: dict[str, Any], code: int) -> None:
    with pytest.raises(AuralflowError, match=rf"ended before it was ready \(exit code {code}\); see its message above"):
        run("a", setup=setup)


def test_cancel_ends_busy_workers_at_once(run: Run) -> None:
    token = CancelToken()
    pids: list[int] = []

    def hear(event: TaskEvent) -> None:
        if event.kind == "done":
            pids.append(event.result["pid"])
        elif event.key == "2 hang" and event.kind == "started":
            token.cancel()

    started = time.monotonic()
    with pytest.raises(Cancelled):
        run("a", "b", "hang", "c", hear=hear, check=token.check)
    assert time.monotonic() - started < 20
    assert len(pids) == 2
    assert all(_is_gone(pid) for pid in pids)


def test_tasks_may_come_while_it_runs(run: Run, tmp_path: Path) -> None:
    """The pool waits for more, gives it out at once when woken, and ends when there will be no more."""
    pool = WorkerPool("tiny_worker", {}, 1, 30.0)
    coming: list[list[Task] | None] = [[], [Task("a", {"name": "a", "do": "a"})], []]
    asked: list[int] = []
    events: list[TaskEvent] = []

    def more(n_tasks: int) -> list[Task] | None:
        asked.append(n_tasks)
        return coming.pop(0) if coming else []

    def report(event: TaskEvent) -> None:
        events.append(event)
        if (event.kind, event.key) == ("done", "a"):
            coming.extend([[], [Task("b", {"name": "b", "do": "b"})]])
            pool.wake()
        elif event.kind == "done":
            coming.append(None)

    pool.run((), report, lambda: None, more)
    assert [(event.kind, event.key) for event in events if event.kind != "progress"] == [
        *(("started", "a"), ("done", "a"), ("started", "b"), ("done", "b"))
    ]
    assert set(asked) == {1}
    pids = {event.result["pid"] for event in events if event.kind == "done"}
    assert len(pids) == 1  # the same worker, set up once
    assert _is_gone(pids.pop())


def test_one_task_is_cancelled_and_the_others_go_on(run: Run) -> None:
    pool = WorkerPool("tiny_worker", {}, 1, 30.0)
    events: list[TaskEvent] = []

    def report(event: TaskEvent) -> None:
        events.append(event)
        if event.kind == "started" and event.key == "hang":
            pool.cancel("hang")
            pool.cancel("waiting")
            pool.cancel("unknown")

    names = ("hang", "waiting", "a")
    pool.run([Task(name, {"name": name, "do": name}) for name in names], report, lambda: None)
    heard = [(event.kind, event.key, event.reason) for event in events if event.kind != "progress"]
    assert heard[0] == ("started", "hang", "")
    assert set(heard[1:3]) == {("failed", "hang", STOPPED), ("failed", "waiting", STOPPED)}
    assert heard[3:] == [("started", "a", ""), ("done", "a", "")]
