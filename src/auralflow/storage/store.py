"""List, fetch and send files that lie elsewhere."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from auralflow.errors import AudioError, ConfigError, MissingExtraError, OutputError, import_extra
from auralflow.storage.address import Address
from auralflow.storage.patience import N_TRIES, persist

_BLOCK_BYTES = 4 * 2**20
_MAX_COPY_BYTES = 5 * 10**9
"""Of one request to S3."""
_PAGE_NAMES = 1000  # the most that S3 lists at once
_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs"}
_READ_ONLY = ("http", "https")


@dataclass(frozen=True)
class StoredFile:
    """A file of a store, as its listing has it."""

    address: Address
    folder: PurePosixPath = field(default_factory=PurePosixPath)
    """Below the folder that was listed."""
    size_bytes: int = 0
    version: str = ""
    """Changes with the content: the service's own tag, or the time of its last change."""


class Store:
    """A service and a place in it: `s3://bucket/folder`, `gs://`, `hf://`, `sftp://`, `https://`, as fsspec has it.

    Nothing is held whole in memory. Every request is tried again a few times, except where that cannot help.

    Raises:
        MissingExtraError: fsspec, or the package for this kind of address, is not installed.
        ConfigError: an unknown kind of address.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._made: set[str] = set()
        fsspec = import_extra("fsspec", "remote")
        try:
            self._fs, self._root = fsspec.core.url_to_fs(address.url, **_choose_options(address))
        except (ImportError, ValueError) as error:
            package = _PACKAGES.get(urlsplit(address.url).scheme)
            if isinstance(error, ImportError) and package is not None:
                raise MissingExtraError(package, "remote") from None
            raise ConfigError(f"{address}: {' '.join(str(error).split())}") from None

    @property
    def is_read_only(self) -> bool:
        return urlsplit(self.address.url).scheme in _READ_ONLY

    def look(self) -> StoredFile | None:
        """The file at this very address; None when it is a folder.

        Raises:
            AudioError: there is nothing.
        """
        with self._reading():
            info = persist(lambda: self._fs.info(self._root))
        return None if info["type"] == "directory" else _describe(info, self.address, PurePosixPath())

    def list_files(self) -> Iterator[StoredFile]:
        """All files below, as they come: of an object store a thousand names at a time, else a folder at a time.

        Raises:
            AudioError: the listing fails.
        """
        with self._reading():
            for info in self._list_pages() if hasattr(self._fs, "call_s3") else self._walk():
                relative = PurePosixPath(os.path.relpath(info["name"], self._root))
                address = Address(self._fs.unstrip_protocol(info["name"]))
                yield _describe(info, address, relative.parent)

    def fetch(self, path: Path) -> None:
        """Copy the file at this address to a local one.

        Raises:
            AudioError: it is not there, or does not come whole.
            OutputError: the disk takes no more.
        """
        with self._reading():
            persist(lambda: self._copy_here(path))

    def send(self, path: Path, key: str) -> Address:
        """Copy a local file to a key below this address: under another name first, which becomes its own at the end.

        Raises:
            OutputError: it cannot be written there.
        """
        name = f"{self._root}/{key}"
        folder, _, last = name.rpartition("/")
        unfinished = f"{folder}/.{last}.{uuid.uuid4().hex[:8]}.part"
        try:
            persist(lambda: self._send_as(path, unfinished, name))
        except Exception as error:
            with contextlib.suppress(Exception):
                self._fs.rm_file(unfinished)
            raise OutputError(f"{self.address}: cannot write '{key}' there: {_say(error)}") from None
        return self.address / key

    def read(self, key: str) -> bytes:
        """A small file.

        Raises:
            FileNotFoundError: there is none.
            AudioError: it cannot be read.
        """
        try:
            found: bytes = persist(lambda: self._fs.cat_file(f"{self._root}/{key}"))
        except FileNotFoundError:
            raise
        except Exception as error:
            raise AudioError(f"{self.address}: cannot read '{key}' there: {_say(error)}") from None
        return found

    def write(self, key: str, content: bytes) -> None:
        """A small file, in one request, which is there as a whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        name = f"{self._root}/{key}"
        try:
            persist(lambda: self._make_folder_of(name))
            persist(lambda: self._fs.pipe_file(name, content))
        except Exception as error:
            raise OutputError(f"{self.address}: cannot write '{key}' there: {_say(error)}") from None

    def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Some parts of the file at this address, each by its offset and size; asked for at once.

        Raises:
            AudioError: they cannot be read.
        """
        starts, ends = zip(*((at, at + size) for at, size in ranges), strict=True)
        names = [self._root] * len(ranges)
        with self._reading():
            return list(persist(lambda: self._fs.cat_ranges(names, list(starts), list(ends), on_error="raise")))

    def size_of(self, key: str) -> int | None:
        """Bytes of a file below; None when there is none.

        Raises:
            AudioError: the store does not answer.
        """
        with self._reading():
            try:
                return int(persist(lambda: self._fs.size(f"{self._root}/{key}")))
            except FileNotFoundError:
                return None

    def list_names(self, folder: str) -> list[str]:
        """Names of the files right in a folder below; none where there is no such folder."""
        with self._reading():
            try:
                infos = persist(lambda: self._fs.ls(f"{self._root}/{folder}", detail=True))
            except FileNotFoundError:
                return []
        return sorted(PurePosixPath(info["name"]).name for info in infos if info["type"] == "file")

    def _copy_here(self, path: Path) -> None:
        with self._fs.open(self._root, "rb", block_size=_BLOCK_BYTES, cache_type="readahead") as source:
            try:
                with path.open("wb") as file:
                    shutil.copyfileobj(source, file, _BLOCK_BYTES)
            except OSError as error:
                if error.filename == str(path):
                    raise OutputError(f"{path}: cannot write there: {error.strerror}; make room") from error
                raise
            expected = getattr(source, "size", None)
        if expected is not None and path.stat().st_size != expected:
            raise OSError(f"{path.stat().st_size} of {expected} bytes came")

    def _send_as(self, path: Path, unfinished: str, name: str) -> None:
        self._make_folder_of(name)
        self._fs.put_file(str(path), unfinished)
        size = self._fs.size(unfinished)
        if size != path.stat().st_size:
            raise OSError(f"{size} of {path.stat().st_size} bytes arrived")
        self._rename(unfinished, name, size)

    def _make_folder_of(self, name: str) -> None:
        # Once for each folder: it is a request of its own, and a journal writes one file again and again.
        folder = name.rpartition("/")[0]
        if folder not in self._made:
            self._fs.makedirs(folder, exist_ok=True)
            self._made.add(folder)

    def _rename(self, unfinished: str, name: str, size: int) -> None:
        if not hasattr(self._fs, "call_s3") or size > _MAX_COPY_BYTES:
            self._fs.mv(unfinished, name)
            return
        # s3fs asks three times more, and does not copy a name with a question mark.
        (bucket, _, old), (_, _, new) = unfinished.partition("/"), name.partition("/")
        self._fs.call_s3("copy_object", Bucket=bucket, Key=new, CopySource={"Bucket": bucket, "Key": old})
        self._fs.rm_file(unfinished)

    def _list_pages(self) -> Iterator[dict[str, Any]]:
        """Of an S3 bucket; fsspec itself would list all of it first."""
        bucket, _, prefix = self._root.partition("/")
        token: dict[str, str] = {}
        while True:
            request = {"Bucket": bucket, "Prefix": f"{prefix}/" if prefix else "", "MaxKeys": _PAGE_NAMES, **token}
            page = persist(lambda request=request: self._fs.call_s3("list_objects_v2", **request))  # type: ignore[misc]
            for found in page.get("Contents", []):
                if not found["Key"].endswith("/"):
                    yield {"name": f"{bucket}/{found['Key']}", "size": found["Size"], "ETag": found["ETag"]}
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def _walk(self) -> Iterator[dict[str, Any]]:
        waiting = [self._root]
        while waiting:
            folder = waiting.pop()
            infos = persist(lambda folder=folder: self._fs.ls(folder, detail=True))  # type: ignore[misc]
            infos.sort(key=lambda info: str(info["name"]))
            waiting.extend(info["name"] for info in reversed(infos) if info["type"] == "directory")
            yield from (info for info in infos if info["type"] == "file")

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (AudioError, OutputError):
            raise
        except FileNotFoundError:
            raise AudioError(f"{self.address}: there is no such file or folder") from None
        except Exception as error:
            raise AudioError(f"{self.address}: cannot be read: {_say(error)}") from None


def _choose_options(address: Address) -> dict[str, Any]:
    # What another process has put there in the meantime must be seen.
    options: dict[str, Any] = {"use_listings_cache": False}
    if urlsplit(address.url).scheme in ("s3", "s3a"):
        # botocore, s3fs and we would each try again what the other gave up: of a request hundreds of times.
        options["config_kwargs"] = {"retries": {"max_attempts": 0}}
    return options


def _describe(info: dict[str, Any], address: Address, folder: PurePosixPath) -> StoredFile:
    version = info.get("ETag") or info.get("etag") or info.get("LastModified") or info.get("mtime") or ""
    return StoredFile(address, folder, int(info.get("size") or 0), str(version).strip('"'))


def _say(error: Exception) -> str:
    """An error of a service in one line, which never holds an address with a query."""
    text = " ".join(str(error).split()).partition("?")[0]
    lasting = isinstance(error, (FileNotFoundError, PermissionError))
    return f"{type(error).__name__}: {text}" + ("" if lasting else f" (tried {N_TRIES} times)")
