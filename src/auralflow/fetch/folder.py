"""The one folder of all that is downloaded and converted, and the switch that forbids downloads."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from auralflow.errors import DownloadError

CACHE_VARIABLE, OFFLINE_VARIABLE = "AURALFLOW_CACHE", "AURALFLOW_OFFLINE"


def cache_folder() -> Path:
    """`AURALFLOW_CACHE`, or else `~/.cache/auralflow`; it need not exist yet.

    Example:
        >>> cache_folder().is_absolute()
        True
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser().absolute() if chosen else Path.home() / ".cache" / "auralflow"


def is_offline() -> bool:
    """Whether the environment forbids downloads (`AURALFLOW_OFFLINE=1`)."""
    return os.environ.get(OFFLINE_VARIABLE, "0") not in ("", "0")


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Keep other processes from making the same file or folder of the cache; they wait.

    Raises:
        DownloadError: the folder cannot be written.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_name(f".{path.name}.lock"))
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what goes wrong with the disk into one line.

    Raises:
        DownloadError: the disk is full, or the folder cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            advice = f"the disk is full; make room, or set {CACHE_VARIABLE} to a folder on another disk"
        else:
            advice = f"cannot be written: {error.strerror or error}; set {CACHE_VARIABLE} to another folder"
        raise DownloadError(f"{path.parent}: {advice}") from None


def write_text(path: Path, text: str) -> None:
    """Write a small file of the cache so that it is there whole or not at all.

    Raises:
        DownloadError: the folder cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.write_text(text, encoding="utf-8")
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)


def hash_file(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def show_size(n_bytes: int) -> str:
    """Bytes for a human.

    Example:
        >>> show_size(512), show_size(913_106_900), show_size(2_500_000_000)
        ('512 bytes', '913.1 MB', '2.5 GB')
    """
    if n_bytes < 1000:
        return f"{n_bytes} bytes"
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.1f} MB"
