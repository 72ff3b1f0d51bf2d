"""What happens, as it happens ("Server-sent events", HTML Living Standard, WHATWG)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from auralflow.web.state import Server, server_of
from auralflow.web.views import show

router = APIRouter(tags=["events"])

_SNAPSHOT = 100
_COMMENT_S = 15.0
_LOOK_S = 0.5
_LEAST_PAUSE_S = 0.1
"""Changes that come faster are told together."""


@router.get("/events", response_class=StreamingResponse)
async def events(request: Request) -> StreamingResponse:
    """A stream of events: `snapshot` first, then `separation` for each change, and `removed`."""
    server = server_of(request)
    headers = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}
    return StreamingResponse(_stream(server), media_type="text/event-stream", headers=headers)


async def _stream(server: Server) -> AsyncIterator[str]:
    listener, leave = server.hub.join()
    try:
        yield await asyncio.to_thread(_snapshot, server)
        last = time.monotonic()
        while not server.closing.is_set():
            keys = await listener.wait(_LOOK_S)
            if keys:
                yield "".join(await asyncio.to_thread(_tell, server, keys))
                last = time.monotonic()
                await asyncio.sleep(_LEAST_PAUSE_S)
            elif time.monotonic() - last > _COMMENT_S:
                yield ": still here\n\n"
                last = time.monotonic()
    finally:
        leave()


def _snapshot(server: Server) -> str:
    items = [show(server, record).model_dump() for record in server.store.newest(_SNAPSHOT)]
    return _event("snapshot", {"items": items})


def _tell(server: Server, keys: list[str]) -> list[str]:
    events = []
    for key in keys:
        record = server.store.get(key)
        if record is None:
            events.append(_event("removed", {"id": key}))
        else:
            events.append(_event("separation", show(server, record).model_dump()))
    return events


def _event(kind: str, values: object) -> str:
    # With an id a browser that comes back says so; it gets a new snapshot all the same.
    return f"event: {kind}\nid: {time.time_ns()}\ndata: {json.dumps(values)}\n\n"
