"""Forms with files ("multipart/form-data", RFC 7578), written to the disk while they come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from auralflow.web.home import Home
from auralflow.web.refusal import Refusal

_AT_ONCE = 2**20
_CHECK_EVERY = 2**24
_RESERVE = 2**28
"""Bytes of the disk that uploads leave alone."""
_MAX_FIELD_BYTES = 10_000
_MAX_FIELDS = 64
_MAX_HEADER_BYTES = 8_000


@dataclass
class Upload:
    """One file of a form."""

    field: str
    file_name: str
    path: Path
    size_bytes: int = 0


@dataclass
class Form:
    """What came."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    files: list[Upload] = field(default_factory=list)

    def discard(self) -> None:
        """Delete the files that nobody took."""
        for upload in self.files:
            upload.path.unlink(missing_ok=True)


async def receive_form(request: Request, home: Home, *, max_bytes: int, max_files: int) -> Form:
    """Take in a form; what it says of its length is not trusted.

    Args:
        max_bytes: of each file.

    Raises:
        Refusal: it is no form, or too much (413), or the disk is full (507).
    """
    boundary = _boundary(request)
    _refuse_early(request, home, max_bytes * max_files)
    try:
        receiver = _Receiver(boundary, home, max_bytes, max_files)
    except FormParserError:
        raise Refusal(400, "the form's boundary is too long", connection="close") from None
    held = bytearray()
    try:
        async for chunk in request.stream():
            held += chunk
            if len(held) >= _AT_ONCE:
                await asyncio.to_thread(receiver.write, bytes(held))
                held.clear()
        await asyncio.to_thread(receiver.write, bytes(held))
        return receiver.finish()
    except FormParserError:
        receiver.discard()
        raise Refusal(400, "the form is damaged; expected multipart/form-data", connection="close") from None
    except OSError as error:
        receiver.discard()
        raise Refusal(507, f"the upload cannot be written: {error.strerror}", connection="close") from None
    except ClientDisconnect:
        receiver.discard()
        raise Refusal(400, "the connection broke") from None
    except BaseException:
        receiver.discard()
        raise


def check_disk(home: Home) -> None:
    """
    Raises:
        Refusal: 507, the disk is nearly full.
    """
    if home.free_bytes() < _RESERVE:
        raise Refusal(507, "the server's disk is full; delete some separations", connection="close")


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise Refusal(415, "expected a form, multipart/form-data", connection="close")
    return boundary


def _refuse_early(request: Request, home: Home, max_bytes: int) -> None:
    stated = request.headers.get("content-length", "")
    if stated.isascii() and stated.isdigit():
        if int(stated) > max_bytes + _AT_ONCE:
            raise Refusal(413, f"expected at most {max_bytes} bytes, got {int(stated)}", connection="close")
        if int(stated) > home.free_bytes() - _RESERVE:
            raise Refusal(507, "the server's disk has no room for this file", connection="close")
    check_disk(home)


class _Receiver:
    """What the parser calls: it takes one part of the form after the other."""

    def __init__(self, boundary: bytes, home: Home, max_bytes: int, max_files: int) -> None:
        self._home, self._max_bytes, self._max_files = home, max_bytes, max_files
        self._form = Form()
        self._headers: dict[str, bytes] = {}
        self._name, self._value = bytearray(), bytearray()
        self._field, self._text = "", bytearray()
        self._file: BinaryIO | None = None
        self._n_unchecked, self._n_fields, self._is_complete = 0, 0, False
        calls: dict[str, Callable[..., Any]] = {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._grow(self._name, data[start:end]),
            "on_header_value": lambda data, start, end: self._grow(self._value, data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._open,
            "on_part_data": self._take,
            "on_part_end": self._end,
            "on_end": self._complete,
        }
        self._parser = MultipartParser(boundary, calls)  # type: ignore[arg-type]

    def write(self, data: bytes) -> None:
        self._parser.write(data)

    def finish(self) -> Form:
        if not self._is_complete:
            raise FormParserError("the form ends early")
        return self._form

    def discard(self) -> None:
        if self._file is not None:
            self._file.close()
        with suppress(OSError):
            self._form.discard()

    def _begin(self) -> None:
        self._headers, self._field, self._text = {}, "", bytearray()

    @staticmethod
    def _grow(held: bytearray, data: bytes) -> None:
        held += data
        if len(held) > _MAX_HEADER_BYTES:
            raise Refusal(400, "the form is damaged: a header is too long", connection="close")

    def _end_header(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = bytes(self._value)
        self._name, self._value = bytearray(), bytearray()

    def _open(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", b""))
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        self._n_fields += 1
        if self._n_fields > _MAX_FIELDS:
            raise Refusal(422, f"expected at most {_MAX_FIELDS} fields", connection="close")
        if b"filename" not in options:
            return
        if len(self._form.files) >= self._max_files:
            raise Refusal(422, f"expected at most {self._max_files} files in one form", connection="close")
        path = self._home.new_upload()
        upload = Upload(self._field, options[b"filename"].decode("utf-8", "replace"), path)
        self._file = open(path, "xb")  # noqa: SIM115
        self._form.files.append(upload)

    def _take(self, data: bytes, start: int, end: int) -> None:
        if self._file is None:
            self._text += data[start:end]
            if len(self._text) > _MAX_FIELD_BYTES:
                raise Refusal(422, f"{self._field[:40]}: is too long", connection="close")
            return
        upload = self._form.files[-1]
        upload.size_bytes += end - start
        if upload.size_bytes > self._max_bytes:
            raise Refusal(413, f"expected a file of at most {self._max_bytes} bytes", connection="close")
        self._n_unchecked += end - start
        if self._n_unchecked > _CHECK_EVERY:
            self._n_unchecked = 0
            check_disk(self._home)
        self._file.write(memoryview(data)[start:end])

    def _end(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        elif self._field:
            self._form.fields.setdefault(self._field, []).append(self._text.decode("utf-8", "replace"))

    def _complete(self) -> None:
        self._is_complete = True
