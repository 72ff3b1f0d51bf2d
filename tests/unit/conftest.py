"""A web server on this machine that behaves as badly as it is told to."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass
class Site:
    """What the server has, how it answers next, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    plan: list[str] = field(default_factory=list)
    """How the next requests are answered, one after another: a status, `cut:N` after N bytes, `page`, `go:ADDRESS`."""
    has_ranges: bool = True
    has_tags: bool = True
    has_lengths: bool = True
    delay_s: float = 0.0
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    address: str = ""

    def url(self, path: str) -> str:
        return f"{self.address}/{path}"


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        site, path = self.site, self.path.partition("?")[0].lstrip("/")
        site.asked.append((path, dict(self.headers)))
        step = site.plan.pop(0) if site.plan else "200"
        if step.startswith("go:"):
            self._head(302, {"Location": step[3:], "Content-Length": "0"})
        elif step == "page":
            self._head(200, {"Content-Type": "text/html; charset=utf-8"})
            self.wfile.write(b"<p>Please log in</p>")
        elif step != "200" and not step.startswith("cut:"):
            self._head(int(step), {"Content-Length": "0"})
        elif path not in site.files:
            self._head(404, {"Content-Length": "0"})
        else:
            self._send(site.files[path], int(step[4:]) if step.startswith("cut:") else None)

    def _send(self, content: bytes, cut: int | None) -> None:
        tag = f'"{hashlib.sha256(content).hexdigest()[:8]}"'
        start = self._find_start(tag, len(content))
        if start >= len(content) > 0:
            self._head(416, {"Content-Length": "0"})
            return
        part = content[start:]
        headers = {"Content-Type": "application/octet-stream", "Content-Disposition": "attachment; filename=evil.sh"}
        if self.site.has_tags:
            headers["ETag"] = tag
        if self.site.has_lengths:
            headers["Content-Length"] = str(len(part))
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._head(206 if start else 200, headers)
        time.sleep(self.site.delay_s)
        self.wfile.write(part if cut is None else part[:cut])

    def _find_start(self, tag: str, length: int) -> int:
        span = self.headers.get("Range", "")
        is_same = self.headers.get("If-Range", tag) == tag
        return int(span.removeprefix("bytes=").rstrip("-")) if span and is_same and self.site.has_ranges else 0

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing on the screen."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is what some tests want."""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The server, with downloads switched on and quick retries."""
    from auralflow.fetch import download

    monkeypatch.delenv("AURALFLOW_OFFLINE")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "PAUSE_S", 0.001)
    site = Site()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"site": site}))
    site.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    server.shutdown()
    thread.join()
    server.server_close()
