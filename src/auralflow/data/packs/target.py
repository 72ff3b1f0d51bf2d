"""Where a pack is written: a folder, or a place in a store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock, Timeout

from auralflow.audio.pending import PendingFile
from auralflow.errors import ConfigError, OutputError
from auralflow.storage.address import Address, Place
from auralflow.storage.store import Store

_LOCK_NAME = ".auralflow.lock"


class Target:
    """Files of a pack by their names; each is there as a whole or not at all.

    Raises:
        ConfigError: the place is one that is only read.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._store = Store(place) if isinstance(place, Address) else None
        if self._store is not None and self._store.is_read_only:
            raise ConfigError(
                f"{place}: nothing can be written there; give a folder, or an address like s3://bucket/pack"
            )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder, and keep others from packing into it meanwhile; a store cannot be held.

        Raises:
            OutputError: the folder cannot be made.
            ConfigError: somebody packs into it now.
        """
        if isinstance(self.place, Address):
            yield
            return
        try:
            self.place.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.place / _LOCK_NAME)
            lock.acquire(timeout=0)
        except Timeout:
            raise ConfigError(f"{self.place}: another 'auralflow data pack' is writing there; wait for it") from None
        except OSError as error:
            raise OutputError(
                f"{self.place}: cannot be made: {error.strerror or error}; choose another folder"
            ) from None
        try:
            yield
        finally:
            lock.release()

    def read(self, name: str) -> bytes | None:
        """A small file; None when there is none."""
        try:
            return self._store.read(name) if self._store else (self._folder / name).read_bytes()
        except OSError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """A small file.

        Raises:
            OutputError: it cannot be written.
        """
        if self._store is not None:
            self._store.write(name, content)
            return
        pending = PendingFile(self._folder / name)
        pending.write(content)
        pending.commit()

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A path to write a large file to, which arrives at the target at the end.

        Raises:
            OutputError: it cannot be written.
        """
        if self._store is None:
            yield self._folder / name
            return
        with TemporaryDirectory(prefix="auralflow-", ignore_cleanup_errors=True) as folder:
            path = Path(folder, name)
            yield path
            self._store.send(path, name)

    def size_of(self, name: str) -> int | None:
        """Bytes of a file; None when there is none."""
        if self._store is not None:
            return self._store.size_of(name)
        path = self._folder / name
        return path.stat().st_size if path.is_file() else None

    def remove_others(self, is_other: Callable[[str], bool]) -> None:
        """Delete files of earlier packs from a folder; in a store they stay, and nothing leads to them."""
        if self._store is None:
            for path in self._folder.iterdir():
                if is_other(path.name):
                    path.unlink(missing_ok=True)

    @property
    def _folder(self) -> Path:
        assert isinstance(self.place, Path)
        return self.place
