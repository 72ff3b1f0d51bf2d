"""The list of separations: order, states, and what a kill leaves."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from auralflow.errors import OutputError
from auralflow.web.record import Record, Track
from auralflow.web.store import QueueFull, Store
from auralflow.web.wish import Wish

Make = Callable[..., Record]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "list.db")


def _fill(store: Store, record: Make, *keys: str) -> None:
    for key in keys:
        store.add(record(key), 100)


def test_what_is_added_comes_back_as_it_was(store: Store, record: Make) -> None:
    wish = Wish("classic.v1", ("vocals",), ("karaoke=-vocals",), True, format="mp3", from_s=1.5, for_s=2.0)
    added = store.add(record("a", title="Ä \U0001f3b5", wish=wish, duration_s=2.0, container="mp3"), 1)
    assert store.get("a") == added
    assert (added.wish, added.title, added.state, added.container) == (wish, "Ä \U0001f3b5", "queued", "mp3")
    assert store.get("b") is None


def test_songs_leave_the_queue_in_the_order_they_came(store: Store, record: Make) -> None:
    _fill(store, record, "a", "b", "c")
    assert [taken.id for taken in store.take(2)] == ["a", "b"]
    assert store.queue() == ["c"]
    assert store.cancel("a")
    assert store.requeue("a")
    assert store.queue() == ["c", "a"]
    again = store.get("a")
    assert again is not None
    assert (store.position(again), again.error, again.finished_at) == (2, None, None)


def test_what_ran_when_the_server_was_killed_is_the_first_to_run_again(tmp_path: Path, record: Make) -> None:
    store = Store(tmp_path / "list.db")
    _fill(store, record, "a", "b", "c")
    store.take(2)
    killed = Store(tmp_path / "list.db")  # nothing was closed
    assert killed.queue() == ["c"]
    killed.requeue_running()
    assert killed.queue() == ["a", "b", "c"]


def test_only_what_runs_can_be_finished(store: Store, record: Make) -> None:
    _fill(store, record, "a")
    assert not store.finish("a", "done")
    store.take(1)
    assert store.cancel("a")
    assert not store.finish("a", "done", tracks=[])
    assert not store.cancel("a")
    found = store.get("a")
    assert found is not None
    assert found.state == "cancelled"


def test_results_are_kept(store: Store, record: Make) -> None:
    _fill(store, record, "a")
    store.take(1)
    tracks = [{"name": "vocals", "kind": "stem", "file": "vocals.wav", "size_bytes": 5}]
    assert store.finish("a", "done", tracks=tracks, warnings=["w"], scores={"vocals": {"sdr": 1.0}}, made_bytes=5)
    found = store.get("a")
    assert found is not None
    assert found.tracks == (Track("vocals", "stem", "vocals.wav", 5),)
    assert (found.warnings, found.scores) == (("w",), {"vocals": {"sdr": 1.0}})
    assert store.used_bytes() == 15


def test_the_queue_has_an_end(store: Store, record: Make) -> None:
    store.add(record("a"), 1)
    with pytest.raises(QueueFull):
        store.add(record("b"), 1)
    store.take(1)
    with pytest.raises(QueueFull):
        store.add(record("b"), 1)
    store.finish("a", "failed", error="no")
    store.add(record("b"), 1)


def test_pages_follow_each_other(store: Store, record: Make) -> None:
    _fill(store, record, *"abcde")
    first = store.newest(2)
    assert [r.id for r in first] == ["e", "d"]
    store.delete("d")
    assert [r.id for r in store.newest(2, first[-1].number)] == ["c", "b"]


def test_a_list_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "list.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(OutputError, match=r"list\.db: was written by a newer auralflow"):
        Store(tmp_path / "list.db")


def test_what_is_no_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.db").write_bytes(b"no database" * 1000)
    with pytest.raises(OutputError, match="cannot be used as the list of separations"):
        Store(tmp_path / "list.db")
