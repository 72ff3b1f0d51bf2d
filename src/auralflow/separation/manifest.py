"""Remember which files are done, so that a job can be killed and run again.

Everything of ours lies in one hidden folder of the output folder:

    .auralflow/
      lock             held while a job writes there
      manifest.jsonl   one line for each finished input, written last and synced
      failures.jsonl   one line for each failure
      work/            unfinished outputs; emptied when a job starts
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from auralflow.errors import OutputError
from auralflow.separation.discover import JOB_FOLDER
from auralflow.separation.journal import Journal
from auralflow.separation.results import Failure, FileResult
from auralflow.storage.address import Address, Place
from auralflow.storage.journal import StoredJournal
from auralflow.storage.store import Store


@dataclass(frozen=True)
class InputState:
    """By what an input is known again."""

    size_bytes: int
    mtime_ns: int
    sha256: str | None = None
    tag: str | None = None
    """Of a file elsewhere: what its service tells versions apart by."""

    @classmethod
    def of(cls, path: Path, content_hash: bool) -> InputState:
        status = path.stat()
        return cls(status.st_size, status.st_mtime_ns, _hash(path) if content_hash else None)

    def matches(self, line: dict[str, Any]) -> bool:
        if self.sha256 is not None:
            return bool(line.get("sha256") == self.sha256)
        return all(line.get(name) == getattr(self, name) for name in ("size_bytes", "mtime_ns", "tag"))


class Manifest:
    """The record of one output folder.

    Args:
        out: the output folder; of one elsewhere the record lies there too, as a folder of parts for each file.
        settings: fingerprint of the settings; other settings are other work.
        content_hash: know inputs by the SHA-256 of their content rather than by size and time.
    """

    def __init__(self, out: Place, settings: str, content_hash: bool = False) -> None:
        self._out, self._settings, self._content_hash = out, settings, content_hash
        self._journal, self._failure_journal = _open_journals(out)
        self._done = self._journal.read("input")
        self._failures = self._failure_journal.read("input")
        self._states: dict[str, InputState] = {}

    def note(self, place: Address, state: InputState) -> None:
        """What a listing told of an input elsewhere, until it is done or has failed."""
        self._states[_key(place)] = state

    def is_done(self, place: Place) -> bool:
        """Whether the same input was separated with the same settings and its outputs are still there, complete.

        Outputs elsewhere are taken to be there: they were complete when they got their names, and a million questions
        take hours.
        """
        line = self._done.get(_key(place))
        if line is None or line.get("settings") != self._settings:
            return False
        if isinstance(self._out, Path) and any(
            _size(self._out / o["path"]) != o["size_bytes"] for o in line["outputs"]
        ):
            return False
        return self._state(place).matches(line)

    def is_quarantined(self, place: Place) -> bool:
        """Whether the same input brought workers down twice in an earlier run."""
        line = self._failures.get(_key(place))
        if line is None or line.get("kind") != "quarantined" or line.get("settings") != self._settings:
            return False
        return self._state(place).matches(line)

    def add(self, result: FileResult) -> None:
        """Write and sync the line that makes a file count as done."""
        line = self._line(result.source) | {
            "outputs": [
                {"name": o.name, "path": self._relative(o.path), "size_bytes": o.size_bytes} for o in result.outputs
            ],
            "duration_s": result.duration_s,
            "gain_db": result.gain_db,
            "warnings": list(result.warnings),
        }
        self._journal.append(line)
        self._done[_key(result.source)] = line
        self._states.pop(_key(result.source), None)

    def add_failure(self, failure: Failure) -> None:
        """Write and sync a line about a failure."""
        self._failure_journal.append(self._line(failure.source) | {"kind": failure.kind, "reason": failure.reason})
        self._states.pop(_key(failure.source), None)

    def _line(self, place: Place) -> dict[str, Any]:
        state = self._state(place)
        return {
            "version": 1,
            "input": _key(place),
            "size_bytes": state.size_bytes,
            "mtime_ns": state.mtime_ns,
            "sha256": state.sha256,
            "tag": state.tag,
            "settings": self._settings,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def _state(self, place: Place) -> InputState:
        if isinstance(place, Address):
            return self._states.get(_key(place), InputState(0, 0))
        return InputState.of(place, self._content_hash) if place.is_file() else InputState(0, 0)

    def _relative(self, path: Place) -> str:
        if isinstance(path, Path):
            assert isinstance(self._out, Path)
            return path.relative_to(self._out).as_posix()
        return str(path).removeprefix(f"{str(self._out).rstrip('/')}/")


def _open_journals(out: Place) -> tuple[Journal | StoredJournal, Journal | StoredJournal]:
    """Of what is done, and of what has failed."""
    if isinstance(out, Path):
        folder = out / JOB_FOLDER
        return Journal(folder / "manifest.jsonl"), Journal(folder / "failures.jsonl")
    store = Store(out)
    return StoredJournal(store, f"{JOB_FOLDER}/manifest"), StoredJournal(store, f"{JOB_FOLDER}/failures")


@contextmanager
def own_folder(out: Path) -> Iterator[Path]:
    """Hold the output folder for one job; gives the empty folder for unfinished work.

    Raises:
        OutputError: the folder cannot be written, or another job holds it.
    """
    folder = out / JOB_FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise OutputError(f"{out}: another auralflow job writes there; wait for it or choose another --out") from None
    except OSError as error:
        raise OutputError(f"{out}: cannot write there: {error.strerror or error}; choose another --out") from None
    work = folder / "work"
    try:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        lock.release()


def _key(place: Place) -> str:
    return place.absolute().as_posix() if isinstance(place, Path) else str(place)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
