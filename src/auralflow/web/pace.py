"""Clients that send too slowly, too much, or do not read what they asked for, are let go."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

import h11
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from auralflow.web.refusal import Refusal
from auralflow.web.settings import API, Limits

UPLOADS = f"{API}/separations"
"""Below here bodies may be long."""

_MAX_BODY = 10**6
_GRACE_S = 30.0
_SEND_S = 60.0
_OVERHEAD = 10**5
_DRAIN_S, _DRAIN_BYTES = 2.0, 2**23
_WORTH_HEARING = (413, 415, 422, 429, 507)


class _Gone(Exception):
    """A client that does not read what it asked for."""


class Paced:
    """Holds each request to its limits, while it comes and while its answer goes."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asks_first = any(name == b"expect" for name, _ in scope["headers"])
        body = _Body(receive, self._limits, self._most(scope))

        async def send_in_time(message: Message) -> None:
            # One that asks before it sends is simply told.
            if message["type"] == "http.response.start" and message["status"] in _WORTH_HEARING and not asks_first:
                await body.drain()
            try:
                await asyncio.wait_for(send(message), _SEND_S)
            except TimeoutError:
                raise _Gone from None

        with suppress(_Gone):  # an answer that is not complete closes the connection
            await self._app(scope, body.receive, send_in_time)

    def _most(self, scope: Scope) -> int:
        is_upload = scope["method"] == "POST" and (scope["path"] == UPLOADS or scope["path"].endswith("/truth"))
        n_files = 1 if scope["path"] == UPLOADS else 16
        return self._limits.max_upload_bytes * n_files + _OVERHEAD if is_upload else _MAX_BODY


class _Body:
    """The body of one request on its way in."""

    def __init__(self, receive: Receive, limits: Limits, most: int) -> None:
        self._receive, self._limits, self._most = receive, limits, most
        self._started, self._n_bytes, self._is_whole = time.monotonic(), 0, False

    async def drain(self) -> None:
        """Take a little of what still comes: a client that is cut off while it sends does not hear the reason."""
        give_up, most = time.monotonic() + _DRAIN_S, self._n_bytes + _DRAIN_BYTES
        while self._n_bytes < most and not self._is_whole and time.monotonic() < give_up:
            try:
                message = await asyncio.wait_for(self._receive(), _DRAIN_S)
            except TimeoutError:
                return
            self._n_bytes += len(message.get("body", b""))
            self._is_whole = not message.get("more_body", False)

    async def receive(self) -> Message:
        """The next part.

        Raises:
            Refusal: it does not come, comes too slowly, or is too much.
        """
        if self._is_whole:  # what comes now is only the end of the connection, which may take as long as it likes
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), self._limits.body_s)
        except TimeoutError:
            raise Refusal(
                408, f"nothing came for {self._limits.body_s:.0f} s; send it again", connection="close"
            ) from None
        self._n_bytes += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        self._check()
        return message

    def _check(self) -> None:
        if self._n_bytes > self._most:
            raise Refusal(413, f"expected at most {self._most} bytes, and more came", connection="close")
        elapsed = time.monotonic() - self._started - _GRACE_S
        if not self._is_whole and elapsed > 0 and self._n_bytes < elapsed * self._limits.least_bytes_per_s:
            raise Refusal(408, "it comes too slowly; try again on a better connection", connection="close")


def timed_protocol(header_s: float) -> type[H11Protocol]:
    """uvicorn's protocol, but the head of a request must have come after `header_s`; the server waits for ever else."""

    class TimedProtocol(H11Protocol):
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._timer = self.loop.call_later(header_s, self._give_up)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if not self._waits_for_a_head():
                self._stop_timer()
            elif self._timer is None:
                self._timer = self.loop.call_later(header_s, self._give_up)

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_timer()
            super().connection_lost(exc)

        def _waits_for_a_head(self) -> bool:
            return self.conn.their_state is h11.IDLE

        def _stop_timer(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _give_up(self) -> None:
            self._timer = None
            if self._waits_for_a_head() and not self.transport.is_closing():
                self.transport.close()

    return TimedProtocol
