"""A client of `auralflow serve`, which may run on another machine: songs go there, stems come back."""

from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from auralflow.errors import DownloadError
from auralflow.fetch.address import show_address

API = "/api/v1"
"""Where the HTTP API begins."""
TOKEN_VARIABLE = "AURALFLOW_TOKEN"

_TIMEOUT_S = 120.0
_BLOCK = 2**18
_RETRY_S = 5.0


class Busy(DownloadError):
    """The server's queue is full; `wait_s` says when to come back."""

    def __init__(self, message: str, wait_s: float) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Service:
    """A server.

    Args:
        address: where its page is, like http://127.0.0.1:8377.
        token: what it wants to know of its visitors.

    Raises:
        DownloadError: the address is none; and from every method: the server cannot be reached, or refuses.
    """

    def __init__(self, address: str, token: str | None = None) -> None:
        parts = urlsplit(address)
        try:
            port = parts.port
        except ValueError:
            port = None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            shown = show_address(address)
            raise DownloadError(f"server: expected an address like http://127.0.0.1:8377, got '{shown}'")
        self.address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._token, self._is_secure = token, parts.scheme == "https"
        self._host, self._port = parts.hostname, port

    def get(self, path: str) -> Any:
        """What the server tells of something, in plain containers."""
        return self._ask("GET", path)

    def post(self, path: str) -> Any:
        return self._ask("POST", path)

    def delete(self, path: str) -> None:
        self._ask("DELETE", path)

    def send(self, song: Path, fields: Mapping[str, str], beat: Callable[[], None]) -> Any:
        """Send a song to be separated; gives the separation.

        Args:
            fields: of the form, beside the song.
            beat: called as it goes; what it raises stops the sending.

        Raises:
            Busy: the queue is full.
        """
        mark = secrets.token_hex(16)
        head = "".join(
            f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        name = "".join("_" if c in '"\r\n\\' else c for c in song.name)
        head += f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        first, last = head.encode("utf-8", "surrogateescape"), f"\r\n--{mark}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={mark}",
            "Content-Length": str(len(first) + song.stat().st_size + len(last)),
        }
        return self._ask("POST", f"{API}/separations", _parts(first, song, last, beat), headers)

    def fetch(self, path: str, to: Path, beat: Callable[[], None]) -> None:
        """Save what lies at a path of the server."""
        connection, answer = self._open("GET", path, None, {})
        try:
            if answer.status != 200:
                raise self._refusal(answer)
            with to.open("wb") as file:
                while block := answer.read(_BLOCK):
                    file.write(block)
                    beat()
            if answer.length:
                raise DownloadError(f"{self.address}: the connection broke; try again")
        except (http.client.HTTPException, TimeoutError, ConnectionError) as error:
            raise DownloadError(f"{self.address}: the connection broke ({error}); try again") from None
        finally:
            connection.close()

    def _ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        connection, answer = self._open(method, path, body, headers or {})
        try:
            if answer.status >= 400:
                raise self._refusal(answer)
            text = answer.read()
            return json.loads(text) if text else None
        except (OSError, ValueError, http.client.HTTPException):
            raise DownloadError(f"{self.address}: answers in a way that is not known; is it auralflow serve?") from None
        finally:
            connection.close()

    def _open(
        self, method: str, path: str, body: Any, headers: Mapping[str, str]
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        kind = http.client.HTTPSConnection if self._is_secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=_TIMEOUT_S)
        known = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            try:
                connection.request(method, quote(path, safe="/?=&%"), body, {**known, **headers})
            except (BrokenPipeError, ConnectionResetError):
                if body is None:
                    raise
                # A server that refuses a song may say so before all of it came.
            return connection, connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            words = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise DownloadError(f"{self.address}: the server cannot be reached: {words}; is it running?") from None

    def _refusal(self, answer: http.client.HTTPResponse) -> DownloadError:
        try:
            message = str(json.loads(answer.read(_BLOCK))["error"]["message"])
        except (ValueError, KeyError, TypeError, OSError, http.client.HTTPException):
            message = f"it answers {answer.status} {answer.reason}; is it auralflow serve?"
        if answer.status == 401:
            message += f"; give it as {TOKEN_VARIABLE} in the environment"
        if answer.status == 429:
            stated = answer.headers.get("Retry-After") or ""
            return Busy(f"{self.address}: {message}", float(stated) if stated.isdigit() else _RETRY_S)
        return DownloadError(f"{self.address}: {message}")


def _parts(first: bytes, song: Path, last: bytes, beat: Callable[[], None]) -> Iterator[bytes]:
    yield first
    with song.open("rb") as file:
        while block := file.read(_BLOCK):
            beat()
            yield block
    yield last
