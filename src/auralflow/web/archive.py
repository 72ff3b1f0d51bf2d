"""Several files as one ZIP file, made while it is sent ("APPNOTE.TXT, .ZIP File Format Specification", PKWARE)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from fastapi.responses import StreamingResponse

from auralflow.web.disposition import disposition

_BLOCK = 2**18


def stream_archive(files: Mapping[str, Path], folder: str, saved_as: str) -> StreamingResponse:
    """A response that sends files, uncompressed, for sound does not get smaller.

    Args:
        files: path of each, by the name it has in the archive.
        folder: what the one folder in the archive is called.
    """
    return StreamingResponse(_parts(files, folder), media_type="application/zip", headers=disposition(saved_as))


class _Sink(io.RawIOBase):
    """Takes what `zipfile` writes; it cannot go back, so `zipfile` does not try to."""

    def __init__(self) -> None:
        self.held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(data)  # type: ignore[call-overload]
        self.held += part
        return len(part)

    def take(self) -> bytes:
        part, self.held = bytes(self.held), bytearray()
        return part


def _parts(files: Mapping[str, Path], folder: str) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, path in files.items():
            info = zipfile.ZipInfo.from_file(path, f"{folder}/{name}", strict_timestamps=False)
            info.external_attr = 0o644 << 16
            with path.open("rb") as file, archive.open(info, "w", force_zip64=True) as target:
                while block := file.read(_BLOCK):
                    target.write(block)
                    yield sink.take()
    yield sink.take()
