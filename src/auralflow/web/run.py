"""Listen until somebody stops it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import uvicorn

from auralflow.errors import ConfigError
from auralflow.web.app import build_app
from auralflow.web.offered import OfferedModels
from auralflow.web.pace import timed_protocol
from auralflow.web.settings import ServeSettings
from auralflow.web.state import Server, open_server

_MAX_CONNECTIONS = 1000


@dataclass(frozen=True)
class Served:
    """A server that listened until it was stopped."""

    address: str
    """Where the page was."""


def serve(settings: ServeSettings, ready: Callable[[str], None]) -> Served:
    """Serve until a signal; unfinished songs go on with the next start.

    Args:
        ready: hears the address of the page when it can be opened.

    Raises:
        OutputError: the home folder cannot be used.
        ConfigError: the port cannot be had.
    """
    models = OfferedModels(settings.models)
    listener = _listen(settings.host, settings.port)
    with listener:
        settings = replace(settings, port=listener.getsockname()[1])
        with open_server(settings, models) as server:
            address = address_of(settings)
            with suppress(KeyboardInterrupt):  # stopping is how a server ends
                Listener(server, lambda: ready(address)).run([listener])
    return Served(address)


def address_of(settings: ServeSettings) -> str:
    """What to open in a browser, with the token where one is needed."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    shown = f"[{host}]" if ":" in host else host
    token = f"?token={settings.token}" if settings.token else ""
    return f"http://{shown}:{settings.port}/{token}"


class Listener(uvicorn.Server):
    """Answers requests; says when it is ready, and sends home who listens to events when it is about to stop."""

    def __init__(self, server: Server, ready: Callable[[], None] = lambda: None) -> None:
        super().__init__(_configure(server))
        self._web, self._ready = server, ready

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: Any = None) -> None:
        self._web.closing.set()
        await super().shutdown(sockets)


def _configure(server: Server) -> uvicorn.Config:
    return uvicorn.Config(
        build_app(server),
        host=server.settings.host,
        port=server.settings.port,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        http=timed_protocol(server.settings.limits.header_s),
        limit_concurrency=_MAX_CONNECTIONS,
        timeout_graceful_shutdown=3,
        timeout_keep_alive=15,
    )


def _listen(host: str, port: int) -> socket.socket:
    """
    Raises:
        ConfigError: the port cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_MAX_CONNECTIONS)
    except OSError as error:
        raise ConfigError(
            f"port: {host}:{port} cannot be had ({error.strerror}); is another server running? Choose another --port"
        ) from None
