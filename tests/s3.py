"""A real S3 service on loopback that can be told to misbehave."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from auralflow.storage.address import Address
from auralflow.storage.store import Store

SECRET = "hush-hush-never-print"
_BUSY = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


@dataclass
class S3:
    """The service, and how it behaves."""

    url: str = ""
    busy: int = 0
    """So many of the next requests are refused: slow down."""
    every: int = 0
    """Each request of this number is refused as well; 0 for none."""
    short: int = 0
    """So many of the next answers with content break off in the middle."""
    requests: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def store(self, key: str = "") -> Store:
        return Store(Address(f"s3://music/{key}".rstrip("/")))

    def answer(self, environ: dict[str, Any], start: Any, app: Any) -> Iterable[bytes]:
        with self.lock:
            self.requests.append(
                f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
            )
            is_busy, self.busy = self.busy > 0, max(0, self.busy - 1)
            is_busy = is_busy or (self.every > 0 and len(self.requests) % self.every == 0)
        if is_busy:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start("503 Slow Down", [("Content-Type", "application/xml"), ("Content-Length", str(len(_BUSY)))])
            return [_BUSY]
        body: Iterable[bytes] = app(environ, start)
        if environ["REQUEST_METHOD"] == "GET" and "." in environ["PATH_INFO"] and self.short:
            self.short -= 1
            whole = b"".join(body)
            return [whole[: len(whole) // 2]]
        return body


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """With an empty bucket called music."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    service, app = S3(), DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, lambda environ, start: service.answer(environ, start, app), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    service.url = f"http://127.0.0.1:{server.port}"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdir("music")
    yield service
    s3fs.S3FileSystem.clear_instance_cache()
    server.shutdown()
    thread.join()
    from moto.backends import get_backend

    for backend in get_backend("s3").values():
        for account in backend.values():
            account.reset()
