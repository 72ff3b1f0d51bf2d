"""Bring a song to where it is separated, and its stems to where they belong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from auralflow.separation.results import OutputFile
from auralflow.storage.address import Address, Place
from auralflow.storage.store import Store


class Staging:
    """One song on its way. What lies here already is not copied.

    Args:
        place: the song.
        out: folder of the outputs.
        work: folder for unfinished files; None for one of the machine's own.

    Raises:
        AudioError: the song cannot be fetched.
    """

    def __init__(self, place: Place, out: Place, work: str | None) -> None:
        self._place, self._out = place, out
        self._folder = TemporaryDirectory(dir=work, ignore_cleanup_errors=True)
        self.work = Path(self._folder.name)
        """For unfinished files."""
        self.source = place if isinstance(place, Path) else self.work / "in" / place.name
        """The song, here."""
        self.out = out if isinstance(out, Path) else self.work / "out"
        """Folder that the stems are written to, here."""

    def deliver(self, outputs: Sequence[OutputFile]) -> tuple[OutputFile, ...]:
        """Send the stems where they belong.

        Raises:
            OutputError: they cannot be written there.
        """
        if isinstance(self._out, Path):
            return tuple(outputs)
        store = Store(self._out)
        return tuple(self._send(output, store) for output in outputs)

    def _send(self, output: OutputFile, store: Store) -> OutputFile:
        assert isinstance(output.path, Path)
        key = output.path.relative_to(self.out).as_posix()
        return OutputFile(output.name, store.send(output.path, key), output.size_bytes)

    def __enter__(self) -> Self:
        try:
            if isinstance(self._place, Address):
                self.source.parent.mkdir()
                Store(self._place).fetch(self.source)
            self.out.mkdir(parents=True, exist_ok=True)
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()
