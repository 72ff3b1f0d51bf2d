"""What has been scored in an output folder, so that an evaluation can be stopped and run again.

.auralflow/
  songs.jsonl      one line for each scored song, written last and synced
  excerpts/        ten seconds of each song that may be among the best or the worst, and of no other settings
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from auralflow.errors import OutputError
from auralflow.evaluation.references import Reference
from auralflow.evaluation.results import SongScore, decode_song, encode_song
from auralflow.separation.discover import JOB_FOLDER
from auralflow.separation.journal import Journal


class SongJournal:
    """The scored songs of an output folder.

    Args:
        out: the folder.
        settings: fingerprint of system and protocol; other settings are other scores.
    """

    def __init__(self, out: Path, settings: str) -> None:
        self._settings, self._excerpts = settings, out / JOB_FOLDER / "excerpts"
        self._journal = Journal(out / JOB_FOLDER / "songs.jsonl")
        self._lines = self._journal.read("song")

    def find(self, reference: Reference, files: Sequence[Path]) -> SongScore | None:
        """The score of a song, if it was made with the same settings from the same files.

        Args:
            files: what its estimates are read from, besides the song's own sounds.
        """
        line = self._lines.get(reference.name)
        if line is None or line.get("settings") != self._settings:
            return None
        state = _describe_files(reference, files)
        return decode_song(line["score"]) if state is not None and line.get("files") == state else None

    def add(self, reference: Reference, files: Sequence[Path], score: SongScore) -> None:
        """Write and sync the line that makes a song count as scored.

        Raises:
            OutputError: the disk says no.
        """
        line = {
            "version": 1,
            "song": reference.name,
            "settings": self._settings,
            "files": _describe_files(reference, files),
            "score": encode_song(score),
        }
        try:
            self._journal.append(line)
        except OSError as error:
            raise OutputError(
                f"{self._journal.path}: cannot be written: {error.strerror or error}; make room"
            ) from None
        self._lines[reference.name] = line

    def excerpt_path(self, name: str) -> Path:
        """Where the excerpt of a song is kept; songs may be called anything, so that its name is a hash."""
        hashed = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:16]
        return self._excerpts / f"{self._settings}-{hashed}.npz"

    def drop_excerpts(self, names: Iterable[str]) -> None:
        """Delete the excerpts of songs that no report will show."""
        for name in names:
            self.excerpt_path(name).unlink(missing_ok=True)

    def drop_foreign_excerpts(self) -> None:
        """Delete excerpts of other settings, and what a kill has left unfinished."""
        for path in self._excerpts.iterdir() if self._excerpts.is_dir() else ():
            if not path.name.startswith(f"{self._settings}-"):
                path.unlink(missing_ok=True)


def fingerprint(*parts: Any) -> str:
    """Short hash of plain containers."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _describe_files(reference: Reference, files: Sequence[Path]) -> str | None:
    """A hash of path, size and time of all files that a score depends on; None when one is not there."""
    try:
        states = [(path.absolute(), path.stat()) for path in (*(sound.path for sound in reference.sounds), *files)]
    except OSError:
        return None
    return fingerprint([(str(path), state.st_size, state.st_mtime_ns) for path, state in states])
