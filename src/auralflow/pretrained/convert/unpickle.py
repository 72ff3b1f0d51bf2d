"""Read what `torch.save` wrote, without executing it.

Both of torch's formats: the zip archive (`<name>/data.pkl`, the storages `<name>/data/<key>` beside it), and the one
before torch 1.6 (five pickles in a row - a magic number, the version, the machine, the object, the storages' keys - and
then the storages).

Why not `torch.load(weights_only=True)`, which is well kept? Some releases of torch that this package supports have a
hole there (CVE-2026-24747, mended in 2.10). It allocates what a file declares before it looks at the file, and reads
quantised and sparse tensors. Names of other packages can only be allowed to the whole process, so what is refused
would depend on what the program around us has allowed. And its refusal is a page on how to turn the protection off.
What a checkpoint needs is little enough to be read by itself: see `opcodes` (the pickle) and `allowed` (the names).
"""

from __future__ import annotations

import io
import mmap
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch

from auralflow.errors import CheckpointError
from auralflow.pretrained.convert.allowed import AllowedNames, Fetch
from auralflow.pretrained.convert.content import find_kind
from auralflow.pretrained.convert.named import Named, check_extent, show_names
from auralflow.pretrained.convert.opcodes import read_pickle
from auralflow.pretrained.convert.stored_tensors import Storage, StorageType, read_storage

__all__ = ["Named", "load_checkpoint", "load_structure"]

_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001


def load_checkpoint(path: Path) -> Any:
    """What a file of `torch.save` holds: plain values and containers, `fractions.Fraction`, tensors, and `Named`.

    Ordered and other dictionaries come as plain ones, parameters as tensors, numbers of numpy as numbers. Each tensor
    is a contiguous copy of its own, on the CPU, in the file's data type.

    Raises:
        CheckpointError: the file is no checkpoint of torch, is damaged or incomplete, declares more than it holds, or
            names code that is not on the list; nothing of it has been run.
    """
    return _load(path, only_structure=False)


def load_structure(path: Path) -> Any:
    """The same with tensors on the device `meta`: names, shapes and types of a large file in little time.

    Raises:
        CheckpointError: as `load_checkpoint`, but damage to the values of tensors is not noticed.
    """
    return _load(path, only_structure=True)


def _load(path: Path, *, only_structure: bool) -> Any:
    kind = find_kind(path)
    if kind not in ("zip", "pickle"):
        raise CheckpointError(f"{path}: expected a checkpoint of torch, got a file of the kind '{kind}'")
    try:
        value = (_load_zip if kind == "zip" else _load_old)(path, only_structure)
        check_extent(value)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from None
    except Exception as error:  # whatever a damaged file makes the parsers below us raise
        reason = show_names([" ".join(str(error).split())], 1)
        raise CheckpointError(
            f"{path}: the file is damaged or incomplete ({type(error).__name__}: {reason}); download it again"
        ) from error
    return value


def _load_zip(path: Path, only_structure: bool) -> Any:
    n_bytes = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        prefix = _find_prefix(archive, n_bytes)
        contents: dict[str, bytearray] = {}

        def fetch(stored: StorageType, key: str, n_values: int) -> Storage:
            name = f"{prefix}data/{key}"
            _check_size(archive.getinfo(name).file_size, stored, n_values)
            if only_structure:
                return Storage(torch.empty(n_values, dtype=stored.dtype, device="meta"))
            if key not in contents:
                contents[key] = bytearray(archive.read(name))
            return read_storage(contents[key], stored.dtype)

        return read_pickle(io.BytesIO(archive.read(f"{prefix}data.pkl")), AllowedNames(n_bytes, fetch))


def _find_prefix(archive: zipfile.ZipFile, n_bytes: int) -> str:
    """The folder in the archive; by the way, that no entry is larger than its place in the file."""
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    prefixes = [name[: -len("data.pkl")] for name in names if re.fullmatch(r"[^/]+/data\.pkl", name)]
    if any(re.match(r"[^/]+/(code/|constants\.pkl)", name) for name in names):
        raise CheckpointError("is a TorchScript program, which is code; expected a checkpoint of weights")
    if len(prefixes) != 1:
        raise CheckpointError("is a zip archive, but not one of torch (it has no data.pkl); unpack it")
    if any(e.compress_type != zipfile.ZIP_STORED for e in entries) or sum(e.file_size for e in entries) > n_bytes:
        raise CheckpointError("has compressed or overlapping entries, which torch never writes")
    if f"{prefixes[0]}byteorder" in names and archive.read(f"{prefixes[0]}byteorder") != b"little":
        raise CheckpointError("was written by a big-endian machine; save it again on another")
    return prefixes[0]


def _load_old(path: Path, only_structure: bool) -> Any:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        stream, n_bytes = cast(BinaryIO, mapped), len(mapped)
        plain = AllowedNames(n_bytes, _fetch_none)
        if read_pickle(stream, plain) != _MAGIC or read_pickle(stream, plain) != _VERSION:
            raise CheckpointError("is a pickle, but not a checkpoint of torch")
        if read_pickle(stream, plain).get("little_endian") is not True:
            raise CheckpointError("was written by a big-endian machine; save it again on another")
        start = stream.tell()
        # The sizes of the storages stand in the object, their content behind it: so it is read twice.
        found: dict[str, tuple[StorageType, int]] = {}
        structure = read_pickle(stream, AllowedNames(n_bytes, _note_into(found, n_bytes)))
        if only_structure:
            return structure
        keys = read_pickle(stream, plain)
        storages = _read_storages(stream, keys, found)
        stream.seek(start)
        return read_pickle(stream, AllowedNames(n_bytes, lambda stored, key, n_values: storages[key]))


def _fetch_none(stored: StorageType, key: str, n_values: int) -> Storage:
    raise CheckpointError("has a tensor where none belongs")


def _note_into(found: dict[str, tuple[StorageType, int]], n_bytes: int) -> Fetch:
    def note(stored: StorageType, key: str, n_values: int) -> Storage:
        _check_most(n_bytes, stored, n_values)
        if found.setdefault(key, (stored, n_values)) != (stored, n_values):
            raise CheckpointError(f"describes its storage {key[:20]!r} in two ways")
        return Storage(torch.empty(n_values, dtype=stored.dtype, device="meta"))

    return note


def _read_storages(
    stream: BinaryIO, keys: Iterable[str], found: dict[str, tuple[StorageType, int]]
) -> dict[str, Storage]:
    storages = {}
    for key in keys:
        stored, n_values = found[key]
        if int.from_bytes(stream.read(8), "little") != n_values:
            raise CheckpointError(f"has a storage {key[:20]!r} of another size than declared")
        content = bytearray(stream.read(n_values * stored.dtype.itemsize))
        _check_size(len(content), stored, n_values)
        storages[key] = read_storage(content, stored.dtype)
    return storages


def _check_size(n_bytes: int, stored: StorageType, n_values: int) -> None:
    if n_values * stored.dtype.itemsize != n_bytes:
        raise CheckpointError(f"declares {n_values} values of {stored.dtype} where {n_bytes} bytes are stored")


def _check_most(n_bytes: int, stored: StorageType, n_values: int) -> None:
    if n_values * stored.dtype.itemsize > n_bytes:
        raise CheckpointError(f"declares {n_values} values of {stored.dtype} in a file of {n_bytes} bytes")
