"""A file from the network, downloaded once: resumed where it was cut off, verified, and never half there.

It is written to `NAME.part` and gets its name when it is whole. A download that was cut off, by the network or by the
user, goes on where it was if the server has byte ranges and the file is still the same there, which is known by its
ETag or date and by its length; they are noted in `NAME.part.json`. Proxies are taken from the environment.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import ssl
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from auralflow.errors import DownloadError
from auralflow.fetch.address import check_address, show_address
from auralflow.fetch.events import FetchEvents, Transfer
from auralflow.fetch.folder import CACHE_VARIABLE, hash_file, hold, is_offline, show_size, writing

TIMEOUT_S = 30.0
"""A server that says nothing for so long has gone."""
MAX_FAILURES = 5
"""So many attempts without a byte end a download."""
PAUSE_S = 1.0
"""Before the second attempt; doubled before each further one."""

_BLOCK = 2**18
_PASSING = (408, 425, 429, 500, 502, 503, 504)
"""HTTP statuses of a server that may do better in a moment."""
_FINAL = {401: "the server wants an account", 404: "there is no such file (any more)"}


def fetch(
    url: str,
    path: Path,
    *,
    sha256: str = "",
    size: int | None = None,
    events: FetchEvents | None = None,
    offline: bool = False,
) -> Path:
    """The file at `path`, downloaded from `url` if it is not there.

    What bears the name has been verified when it came and is not looked at again. Processes that want the same file
    wait for the one that gets it.

    Args:
        sha256: what the file must be; empty where nobody has published it.
        size: bytes, where they are known.
        events: who hears of it.
        offline: download nothing, as if the environment forbade it.

    Raises:
        DownloadError: no network, no such file, or another one than expected; the disk is full or cannot be written.
    """
    check_address(url)
    if path.is_file():
        return path
    if offline or is_offline():
        raise DownloadError(
            f"{path.name}: is not on this machine, and downloads are switched off; switch them on, or save "
            f"{show_address(url)} as {path}"
        )
    with hold(path):
        if not path.is_file():
            _Download(url, path, sha256, size, events or FetchEvents()).run()
    return path


class _Passing(Exception):
    """Something went wrong that may go better in a moment."""


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but to secure servers only."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Download:
    """One file on its way; only the process that holds its lock makes one."""

    def __init__(self, url: str, path: Path, sha256: str, size: int | None, events: FetchEvents) -> None:
        self.url, self.path, self.sha256, self.size, self.events = url, path, sha256, size, events
        self.part = path.with_name(f"{path.name}.part")
        self.note = path.with_name(f"{path.name}.part.json")
        self._opener = urllib.request.build_opener(_SafeRedirects)

    def run(self) -> None:
        """Get all of it, in as many attempts as it takes, and give it its name."""
        failures = 0
        while True:
            n_before = self._count()
            try:
                self._attempt(n_before)
                break
            except _Passing as reason:
                failures = 1 if self._count() > n_before else failures + 1
                if failures >= MAX_FAILURES:
                    raise self._error(f"{reason}, {failures} times in a row; try again later, it goes on") from None
                time.sleep(PAUSE_S * 2 ** (failures - 1))
        self._verify()
        with writing(self.path):
            os.replace(self.part, self.path)
            self.note.unlink(missing_ok=True)

    def _attempt(self, n_here: int) -> None:
        """Ask for what is missing and take what comes; returning means that all of it is here."""
        if n_here and n_here == self._read_note().get("total"):
            return
        request = urllib.request.Request(self.url, headers=self._write_headers(n_here))
        try:
            answer = self._opener.open(request, timeout=TIMEOUT_S)
        except urllib.error.HTTPError as error:
            error.close()
            raise self._judge_status(error.code, n_here) from None
        except (OSError, http.client.HTTPException) as error:
            raise self._judge_silence(error) from None
        with answer:
            self._receive(answer, n_here)

    def _write_headers(self, n_here: int) -> dict[str, str]:
        headers = {"User-Agent": "auralflow", "Accept-Encoding": "identity"}
        if n_here:
            headers["Range"] = f"bytes={n_here}-"
            tag = self._read_note().get("tag")
            if tag:
                headers["If-Range"] = tag
        return headers

    def _judge_status(self, status: int, n_here: int) -> Exception:
        if status == 416 and n_here:
            return self._begin_anew()
        if status in _PASSING:
            return _Passing(f"the server answers {status}")
        return self._error(f"{_FINAL.get(status, 'the server refuses it')} (HTTP {status})")

    def _judge_silence(self, error: Exception) -> Exception:
        """No answer at all: a certificate that is not valid, a connection that broke, or no network."""
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, ssl.SSLCertVerificationError):
            return self._error(f"the certificate of the server is not valid: {reason.verify_message}")
        if isinstance(reason, http.client.InvalidURL):
            return self._error("this is no valid address")
        is_lost = isinstance(reason, (TimeoutError, ConnectionError, http.client.HTTPException))
        if is_lost and not isinstance(reason, ConnectionRefusedError):
            return _Passing("the connection breaks")
        words = getattr(reason, "strerror", None) or reason
        return self._error(f"the server cannot be reached: {words}; look at the network, or save it as {self.path}")

    def _receive(self, answer: Any, n_here: int) -> None:
        start = self._find_start(answer, n_here)
        total = self._find_total(answer, start)
        self._check_kind(answer.headers.get_content_type() == "text/html")
        self._check_room(total, start)
        with writing(self.path), self.part.open("ab" if start else "wb", buffering=0) as file:
            self.note.write_text(json.dumps({"tag": _find_tag(answer), "total": total}), encoding="utf-8")
            self._copy(answer, file, start, total)

    def _copy(self, answer: Any, file: Any, done: int, total: int | None) -> None:
        self.events.transfer(Transfer(self.path.name, done, total))
        while block := _read(answer):
            if not done:
                self._check_kind(block[:256].lstrip().lower().startswith((b"<!doctype html", b"<html")))
            file.write(block)
            done += len(block)
            if self.size is not None and done > self.size:
                self._drop()
                raise self._error(f"expected {self.size} bytes, and more came: it is another file now")
            self.events.transfer(Transfer(self.path.name, done, total))
        if total is not None and done < total:
            raise _Passing(f"the connection ends after {show_size(done)} of {show_size(total)}")

    def _find_start(self, answer: Any, n_here: int) -> int:
        """Where the answer begins: at what is missing, or at the beginning if the server has no ranges."""
        if answer.status != 206:
            return 0
        begin, _, total = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        known = self._read_note().get("total")
        if begin.partition("-")[0] != str(n_here) or (known is not None and total not in ("*", str(known))):
            raise self._begin_anew()
        return n_here

    def _find_total(self, answer: Any, start: int) -> int | None:
        """Length of the whole file as the server says it, compared with what it should be."""
        length = answer.headers.get("Content-Length") or ""
        total = start + int(length) if length.isdigit() else None
        if total is not None and self.size is not None and total != self.size:
            raise self._error(f"expected {self.size} bytes, the server has {total}: it is another file now")
        return total

    def _check_kind(self, is_page: bool) -> None:
        if is_page and self.path.suffix not in (".html", ".htm"):
            self._drop()
            raise self._error(
                "expected a file, got a web page; take the address of the download itself (on Hugging Face and GitHub "
                "with /resolve/ or /raw/ rather than /blob/)"
            )

    def _check_room(self, total: int | None, start: int) -> None:
        free = shutil.disk_usage(self.part.parent).free
        if total is not None and total - start > free:
            raise DownloadError(
                f"{self.part.parent}: the disk is full, {show_size(total - start)} are needed and {show_size(free)} "
                f"free; make room, or set {CACHE_VARIABLE} to a folder on another disk"
            )

    def _verify(self) -> None:
        """Compare all of it with what was published."""
        n_here = self._count()
        if self.size is not None and n_here != self.size:
            self._drop()
            raise self._error(f"expected {self.size} bytes, got {n_here}; it was deleted")
        found = hash_file(self.part) if self.sha256 else ""
        if found != self.sha256:
            self._drop()
            raise self._error(
                f"expected the SHA-256 {self.sha256}, got {found}: it was damaged on the way or is another file now, "
                "and was deleted"
            )

    def _begin_anew(self) -> _Passing:
        self._drop()
        return _Passing("the file changes on the server")

    def _count(self) -> int:
        """Bytes that are here and can be added to; without a note nobody knows of which file they are."""
        note = self._read_note()
        is_known = self.part.is_file() and (note.get("tag") or note.get("total") is not None)
        return self.part.stat().st_size if is_known else 0

    def _read_note(self) -> dict[str, Any]:
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return note if isinstance(note, dict) else {}

    def _drop(self) -> None:
        with suppress(OSError):
            self.part.unlink(missing_ok=True)
            self.note.unlink(missing_ok=True)

    def _error(self, reason: str) -> DownloadError:
        return DownloadError(f"{self.path.name} from {show_address(self.url)}: {reason}")


def _read(answer: Any) -> bytes:
    # Its errors are OSErrors, which would be taken for errors of the disk.
    try:
        block: bytes = answer.read(_BLOCK)
    except (OSError, http.client.HTTPException):
        raise _Passing("the connection breaks") from None
    return block


def _find_tag(answer: Any) -> str | None:
    """What tells this state of the file from another one, as If-Range takes it: no weak ETag."""
    tag: str = answer.headers.get("ETag") or ""
    return tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified")
