"""What a file is by its first bytes; names and servers are often wrong about it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from auralflow.errors import CheckpointError

Kind = Literal["zip", "pickle", "safetensors", "onnx", "text"]

_LFS = b"version https://git-lfs"
_HEAD = 512


def find_kind(path: Path) -> Kind:
    """What sort of file a checkpoint is: torch's `zip` or old `pickle` format, `safetensors`, `onnx`, or `text`.

    Raises:
        CheckpointError: it cannot be read, is empty, is a web page or a Git LFS pointer in a checkpoint's place, or
            nothing that is known.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from None
    _refuse_what_is_none(path, head)
    kind = _match(head, path.suffix.lower())
    if kind is None:
        raise CheckpointError(
            f"{path}: expected a checkpoint of torch, safetensors or ONNX, got a file that begins {head[:8]!r}; "
            "download it again"
        )
    return kind


def _refuse_what_is_none(path: Path, head: bytes) -> None:
    if not head:
        raise CheckpointError(f"{path}: expected a checkpoint, got an empty file; download it again")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--")):
        raise CheckpointError(
            f"{path}: expected a checkpoint, got a web page; the address was of a page about the file, "
            "download the file itself"
        )
    if head.startswith(_LFS):
        raise CheckpointError(
            f"{path}: expected a checkpoint, got a Git LFS pointer to one; run 'git lfs pull' or download it"
        )


def _match(head: bytes, suffix: str) -> Kind | None:
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "pickle"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") >= 2:
        return "safetensors"
    # A protocol buffer has no magic number; ONNX begins with its field 1, the version of the format.
    if head[:1] == b"\x08" and suffix == ".onnx":
        return "onnx"
    if suffix in (".yaml", ".yml", ".json") and b"\0" not in head:
        return "text"
    return None
