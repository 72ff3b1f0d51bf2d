"""The list of separations: an SQLite file that a kill at any moment leaves whole."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auralflow.config import from_dict, to_dict
from auralflow.errors import OutputError
from auralflow.web.record import Record, State, Track
from auralflow.web.wish import Wish

_MIGRATIONS = (
    """
    CREATE TABLE separation (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        turn INTEGER NOT NULL,
        state TEXT NOT NULL,
        title TEXT NOT NULL,
        suffix TEXT NOT NULL,
        wish TEXT NOT NULL,
        created_at TEXT NOT NULL,
        finished_at TEXT,
        duration_s REAL,
        sample_rate INTEGER,
        channels INTEGER,
        container TEXT,
        song_bytes INTEGER NOT NULL,
        made_bytes INTEGER NOT NULL DEFAULT 0,
        error TEXT,
        tracks TEXT NOT NULL DEFAULT '[]',
        warnings TEXT NOT NULL DEFAULT '[]',
        scores TEXT
    );
    CREATE INDEX separation_turn ON separation (state, turn);
    """,
)
"""Each brings the file from the version that is its place to the next one."""

_JSON = ("tracks", "warnings", "scores")


class QueueFull(Exception):
    """As many songs wait as may."""


class Store:
    """The list; safe to use from any thread.

    Raises:
        OutputError: the file is no list, is damaged, or was written by a newer version.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._migrate(path)
        except sqlite3.Error as error:
            raise OutputError(f"{path}: cannot be used as the list of separations: {error}") from None

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def add(self, record: Record, max_queued: int) -> Record:
        """Put a separation at the end of the queue.

        Raises:
            QueueFull: as many wait as may.
        """
        with self._writing() as run:
            if self.count_open() >= max_queued:
                raise QueueFull
            run(
                "INSERT INTO separation (id, turn, state, title, suffix, wish, created_at, duration_s, sample_rate, "
                "channels, container, song_bytes) VALUES (?, (SELECT coalesce(max(turn), 0) + 1 FROM separation), "
                "'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                record.id,
                record.title,
                record.suffix,
                json.dumps(to_dict(record.wish)),
                _now(),
                record.duration_s,
                record.sample_rate,
                record.channels,
                record.container,
                record.song_bytes,
            )
        added = self.get(record.id)
        assert added is not None
        return added

    def get(self, key: str) -> Record | None:
        rows = self._read("SELECT * FROM separation WHERE id = ?", key)
        return _record(rows[0]) if rows else None

    def newest(self, limit: int, before: int | None = None) -> list[Record]:
        """The newest first; `before` is the number of the last one that is known already."""
        where = "" if before is None else "WHERE number < ?"
        values = () if before is None else (before,)
        rows = self._read(f"SELECT * FROM separation {where} ORDER BY number DESC LIMIT ?", *values, limit)
        return [_record(row) for row in rows]

    def queue(self, limit: int = -1) -> list[str]:
        """Identifiers of those that wait, the next one first."""
        rows = self._read("SELECT id FROM separation WHERE state = 'queued' ORDER BY turn LIMIT ?", limit)
        return [row["id"] for row in rows]

    def position(self, record: Record) -> int:
        """Place in the queue, from 1."""
        sql = "SELECT count(*) FROM separation WHERE state = 'queued' AND turn <= ?"
        return int(self._read(sql, record.turn)[0][0])

    def count_open(self) -> int:
        """How many wait or run."""
        return int(self._read("SELECT count(*) FROM separation WHERE state IN ('queued', 'running')")[0][0])

    def used_bytes(self) -> int:
        return int(self._read("SELECT coalesce(sum(song_bytes + made_bytes), 0) FROM separation")[0][0])

    def identifiers(self) -> list[str]:
        return [row["id"] for row in self._read("SELECT id FROM separation")]

    def take(self, limit: int) -> list[Record]:
        """The next ones of the queue, which count as running from now on."""
        with self._writing() as run:
            keys = self.queue(limit)
            for key in keys:
                run("UPDATE separation SET state = 'running', error = NULL WHERE id = ?", key)
        return [record for record in map(self.get, keys) if record is not None]

    def change(self, key: str, states: Sequence[State], **values: Any) -> bool:
        """Set columns if it is in one of some states; gives whether it was."""
        values = {name: json.dumps(value) if name in _JSON else value for name, value in values.items()}
        columns = ", ".join(f"{name} = ?" for name in values)
        allowed = ", ".join("?" * len(states))
        with self._writing() as run:
            sql = f"UPDATE separation SET {columns} WHERE id = ? AND state IN ({allowed})"
            return run(sql, *values.values(), key, *states) > 0

    def finish(self, key: str, state: State, **values: Any) -> bool:
        """End one that runs."""
        return self.change(key, ("running",), state=state, finished_at=_now(), **values)

    def cancel(self, key: str) -> bool:
        return self.change(key, ("queued", "running"), state="cancelled", finished_at=_now())

    def requeue(self, key: str) -> bool:
        """Put one that failed or was cancelled at the end of the queue again."""
        with self._writing() as run:
            sql = (
                "UPDATE separation SET state = 'queued', error = NULL, finished_at = NULL, turn = (SELECT "
                "max(turn) + 1 FROM separation) WHERE id = ? AND state IN ('failed', 'cancelled')"
            )
            return run(sql, key) > 0

    def requeue_running(self) -> None:
        """Put what a server left unfinished back to where it was in the queue."""
        with self._writing() as run:
            run("UPDATE separation SET state = 'queued' WHERE state = 'running'")

    def delete(self, key: str) -> bool:
        with self._writing() as run:
            return run("DELETE FROM separation WHERE id = ?", key) > 0

    def add_bytes(self, key: str, n_bytes: int) -> None:
        """Count what was made on demand."""
        with self._writing() as run:
            run("UPDATE separation SET made_bytes = made_bytes + ? WHERE id = ?", n_bytes, key)

    def _read(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[Callable[..., int]]:
        """One transaction; gives a function that runs a statement and says how many rows it changed."""

        def run(sql: str, *values: Any) -> int:
            return self._connection.execute(sql, values).rowcount

        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield run
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _migrate(self, path: Path) -> None:
        version = int(self._read("PRAGMA user_version")[0][0])
        if version > len(_MIGRATIONS):
            raise OutputError(f"{path}: was written by a newer auralflow; upgrade, or choose another --home")
        for number, script in enumerate(_MIGRATIONS[version:], version + 1):
            self._connection.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")


def _record(row: sqlite3.Row) -> Record:
    values = {name: row[name] for name in row.keys()}  # noqa: SIM118
    values["wish"] = from_dict(Wish, json.loads(values["wish"]))
    values["tracks"] = tuple(Track(**track) for track in json.loads(values["tracks"]))
    values["warnings"] = tuple(json.loads(values["warnings"]))
    values["scores"] = json.loads(values["scores"]) if values["scores"] else None
    return Record(**values)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
