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
from auralflow.separation.journal import append_line, read_lines
from auralflow.separation.results import Failure, FileResult


@dataclass(frozen=True)
class InputState:
    """By what an input is known again."""

    size_bytes: int
    mtime_ns: int
    sha256: str | None = None

    @classmethod
    def of(cls, path: Path, content_hash: bool) -> InputState:
        status = path.stat()
        return cls(status.st_size, status.st_mtime_ns, _hash(path) if content_hash else None)

    def matches(self, line: dict[str, Any]) -> bool:
        if self.sha256 is not None:
            return bool(line.get("sha256") == self.sha256)
        return bool(line.get("size_bytes") == self.size_bytes and line.get("mtime_ns") == self.mtime_ns)


class Manifest:
    """The record of one output folder.

    Args:
        out: the output folder.
        settings: fingerprint of the settings; other settings are other work.
        content_hash: know inputs by the SHA-256 of their content rather than by size and time.
    """

    def __init__(self, out: Path, settings: str, content_hash: bool = False) -> None:
        self._out, self._settings, self._content_hash = out, settings, content_hash
        self.folder = out / JOB_FOLDER
        self._done = read_lines(self.folder / "manifest.jsonl", "input")
        self._failures = read_lines(self.folder / "failures.jsonl", "input")

    def is_done(self, source: Path) -> bool:
        """Whether the same input was separated with the same settings and its outputs are still there, complete."""
        line = self._done.get(_key(source))
        if line is None or line.get("settings") != self._settings:
            return False
        complete = all(_size(self._out / o["path"]) == o["size_bytes"] for o in line["outputs"])
        return complete and InputState.of(source, self._content_hash).matches(line)

    def is_quarantined(self, source: Path) -> bool:
        """Whether the same input brought workers down twice in an earlier run."""
        line = self._failures.get(_key(source))
        if line is None or line.get("kind") != "quarantined" or line.get("settings") != self._settings:
            return False
        return InputState.of(source, self._content_hash).matches(line)

    def add(self, result: FileResult) -> None:
        """Write and sync the line that makes a file count as done."""
        line = self._line(result.source) | {
            "outputs": [
                {"name": o.name, "path": o.path.relative_to(self._out).as_posix(), "size_bytes": o.size_bytes}
                for o in result.outputs
            ],
            "duration_s": result.duration_s,
            "gain_db": result.gain_db,
            "warnings": list(result.warnings),
        }
        append_line(self.folder / "manifest.jsonl", line)
        self._done[_key(result.source)] = line

    def add_failure(self, failure: Failure) -> None:
        """Write and sync a line about a failure."""
        append_line(
            self.folder / "failures.jsonl",
            self._line(failure.source) | {"kind": failure.kind, "reason": failure.reason},
        )

    def _line(self, source: Path) -> dict[str, Any]:
        state = InputState.of(source, self._content_hash) if source.is_file() else InputState(0, 0)
        return {
            "version": 1,
            "input": _key(source),
            "size_bytes": state.size_bytes,
            "mtime_ns": state.mtime_ns,
            "sha256": state.sha256,
            "settings": self._settings,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }


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


def _key(source: Path) -> str:
    return source.absolute().as_posix()


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
