"""Where the server keeps things. No name that a visitor gives is ever part of a path.

HOME/
  lock                     held by the one server that uses the folder
  auralflow.db             the list of separations
  incoming/                uploads that are not complete
  leaving/                 what is being deleted
  separations/ID/
    song.EXT               the upload
    out/                   its stems, and `.auralflow/` as in every output folder
    cache/                 peaks, pictures and what is made on demand
    truth/                 true stems, for scores
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from auralflow.audio.probe import AUDIO_SUFFIXES
from auralflow.errors import OutputError


@dataclass(frozen=True)
class Folder:
    """The files of one separation."""

    path: Path
    suffix: str

    @property
    def song(self) -> Path:
        return self.path / f"song{self.suffix}"

    @property
    def out(self) -> Path:
        return self.path / "out"

    @property
    def cache(self) -> Path:
        return self.path / "cache"


class Home:
    """The folder of a server."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.incoming, self.leaving = self.path / "incoming", self.path / "leaving"
        self.separations = self.path / "separations"

    @property
    def database(self) -> Path:
        return self.path / "auralflow.db"

    @contextmanager
    def own(self) -> Iterator[None]:
        """Hold the folder for one server, and clear what an earlier one left half done.

        Raises:
            OutputError: the folder cannot be written, or another server holds it.
        """
        try:
            self.separations.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / "lock", timeout=0)
            lock.acquire()
        except Timeout:
            raise OutputError(f"{self.path}: another server uses this folder; choose another --home") from None
        except OSError as error:
            raise OutputError(
                f"{self.path}: cannot write there: {error.strerror or error}; choose another --home"
            ) from None
        try:
            for folder in (self.incoming, self.leaving):
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(exist_ok=True)
            yield
        finally:
            lock.release()

    def folder(self, key: str, suffix: str) -> Folder:
        """Where the separation with this identifier lies."""
        return Folder(self.separations / key, suffix)

    def new_upload(self) -> Path:
        """Where an upload can be written."""
        return self.incoming / secrets.token_hex(16)

    def take_in(self, upload: Path, key: str, suffix: str) -> Folder:
        """Move a complete upload into a folder of its own."""
        folder = self.folder(key, suffix)
        folder.cache.mkdir(parents=True)
        os.replace(upload, folder.song)
        return folder

    def remove(self, key: str) -> None:
        """Delete a separation's folder: gone from its place at once, whatever a worker still does in it."""
        gone = self.leaving / f"{key}-{secrets.token_hex(4)}"
        with suppress(OSError):
            os.replace(self.separations / key, gone)
        shutil.rmtree(gone, ignore_errors=True)
        shutil.rmtree(self.separations / key, ignore_errors=True)

    def sweep(self, known: Collection[str]) -> None:
        """Delete folders that are not on the list."""
        for folder in self.separations.iterdir():
            if folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.path).free


def safe_suffix(file_name: str) -> str:
    """The suffix of a song's name if it is a known one, else nothing.

    Example:
        >>> safe_suffix("A.WAV"), safe_suffix("a.wav/../../b"), safe_suffix("a.sh")
        ('.wav', '', '')
    """
    suffix = os.path.splitext(file_name)[1].lower()
    return suffix if suffix in AUDIO_SUFFIXES else ""
