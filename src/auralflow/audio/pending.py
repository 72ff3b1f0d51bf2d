"""A file that appears under its name only when it is complete."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path
from typing import BinaryIO

from auralflow.errors import OutputError

PART_PREFIX, PART_SUFFIX = ".auralflow-", ".part"
"""How unfinished files are called: hidden, in the folder of the result; whoever finds one may delete it."""


class PendingFile:
    """The file-like object that encoders write to.

    It is written under a temporary name in the same folder, short whatever the final name is, and renamed by `commit`.
    An encoder that is plain C calls `write` from a place where an exception would be lost. So nothing raises there: the
    first error is kept, what follows goes nowhere, and `check` and `commit` raise it.

    Position 0 of the encoder is `base` bytes into the file, so that a header can be put in front later.

    Raises:
        OutputError: the folder is not there or not writable, or the name is too long or that of a folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._position = self._length = self._base = 0
        self._error: BaseException | None = None
        self._temporary = self.path.parent / f"{PART_PREFIX}{os.getpid()}-{secrets.token_hex(4)}{PART_SUFFIX}"
        try:
            self._check_name()
            self.file: BinaryIO = self._temporary.open("x+b")
        except OSError as error:
            raise self._explain(error) from None

    def start_at(self, base: int) -> None:
        """Leave `base` bytes free for a header; only before the first write."""
        self._base = base
        self.seek(0)

    def write(self, data: bytes | memoryview) -> int:
        size = memoryview(data).nbytes
        if self._error is None:
            try:
                self.file.write(data)
            except BaseException as error:
                self._error = error
        self._position += size
        self._length = max(self._length, self._position)
        return size

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = offset + (0, self._position, self._length)[whence]
        if self._error is None:
            try:
                self.file.seek(self._base + self._position)
            except BaseException as error:
                self._error = error
        return self._position

    def tell(self) -> int:
        return self._position

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes; the next write goes there."""
        self.seek(size)
        self._length = size
        if self._error is None:
            try:
                self.file.truncate(self._base + size)
            except BaseException as error:
                self._error = error

    def check(self) -> None:
        """Raise what went wrong in `write` or `seek`.

        Raises:
            OutputError: the disk is full, or the like.
        """
        if isinstance(self._error, OSError):
            raise self._explain(self._error) from None
        if self._error is not None:
            raise self._error

    def commit(self) -> None:
        """Give the file its name, replacing what had it.

        Raises:
            OutputError: writing failed; there is nothing under the name but what was there before.
        """
        try:
            self.check()
            self.file.close()
            os.replace(self._temporary, self.path)
        except OSError as error:
            self.discard()
            raise self._explain(error) from None
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Remove the unfinished file; what the encoder still writes goes nowhere."""
        self._error = self._error or ValueError("the file was discarded")
        with contextlib.suppress(OSError):
            self.file.close()
        with contextlib.suppress(OSError):
            self._temporary.unlink()

    def __str__(self) -> str:
        text = str(self.path)
        return text if text.isprintable() else repr(text)

    def _check_name(self) -> None:
        # A name that cannot be used would otherwise be noticed at the end, when all work is done.
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISDIR(self.path.stat().st_mode):
                raise IsADirectoryError(errno.EISDIR, "a folder has that name")

    def _explain(self, error: OSError) -> OutputError:
        return OutputError(
            f"{self}: expected to write this file, got '{error.strerror}'; free some space or choose another folder"
        )
