"""Songs: sent, listed, stopped, tried again, deleted."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from auralflow.audio.formats import FORMAT_NAMES
from auralflow.web import schema
from auralflow.web.intake import FIELDS, check_room, take_in
from auralflow.web.refusal import Refusal
from auralflow.web.state import server_of
from auralflow.web.upload import receive_form
from auralflow.web.views import show

router = APIRouter(prefix="/separations", tags=["separations"])

_WORDS = {
    "model": "Name of a model; by default the server's default model",
    "stems": "Stems, divided by commas; by default all",
    "mix": "Further outputs, as `karaoke=-vocals`",
    "residual": "`true` for the rest of the song as well",
    "consistency": "`none`, `sum` or `rest`",
    "format": "Format of the outputs; `auto` by default",
    "dither": "`none` or `tpdf`",
    "from_s": "Second to start at",
    "for_s": "Seconds to separate",
}
_VALUES: dict[str, dict[str, Any]] = {
    "residual": {"enum": ["true", "false"]},
    "consistency": {"enum": ["none", "sum", "rest"]},
    "format": {"enum": list(FORMAT_NAMES)},
    "dither": {"enum": ["none", "tpdf"]},
    "from_s": {"pattern": r"^[0-9]{1,9}(\.[0-9]{1,20})?$"},
    "for_s": {"pattern": r"^[0-9]{1,9}(\.[0-9]{1,20})?$"},
}
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "The song"},
                        **{
                            name: {"type": "string", "description": _WORDS[name], **_VALUES.get(name, {})}
                            for name in FIELDS
                        },
                    },
                }
            }
        },
    }
}


@router.post("", status_code=201, openapi_extra=_FORM)
async def send(request: Request) -> schema.Separation:
    """Send a song to be separated."""
    server = server_of(request)
    await asyncio.to_thread(check_room, server)
    form = await receive_form(request, server.home, max_bytes=server.settings.limits.max_upload_bytes, max_files=1)
    try:
        record = await take_in(server, form)
    finally:
        await asyncio.to_thread(form.discard)
    return await asyncio.to_thread(show, server, record)


@router.get("")
def page(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    before: Annotated[str | None, Query(pattern=r"^\d{1,18}$")] = None,
) -> schema.Page:
    """The separations, the newest first."""
    server = server_of(request)
    records = server.store.newest(limit + 1, None if before is None else int(before))
    shown = records[:limit]
    return schema.Page(
        items=[show(server, record) for record in shown],
        next=str(shown[-1].number) if len(records) > limit else None,
    )


@router.get("/{key}")
def get(request: Request, key: str) -> schema.Separation:
    """One separation."""
    server = server_of(request)
    return show(server, server.find(key))


@router.delete("/{key}", status_code=204)
def delete(request: Request, key: str) -> Response:
    """Delete a separation and its files; one that runs is stopped."""
    server = server_of(request)
    server.find(key)
    server.runner.cancel(key)
    server.store.delete(key)
    server.home.remove(key)
    server.hub.tell(key)
    return Response(status_code=204)


@router.post("/{key}/cancel")
def cancel(request: Request, key: str) -> schema.Separation:
    """Stop a separation that waits or runs."""
    server = server_of(request)
    record = server.find(key)
    if not server.runner.cancel(key):
        raise Refusal(409, f"this separation is {record.state}; only one that waits or runs can be stopped")
    server.hub.tell(key)
    return show(server, server.find(key))


@router.post("/{key}/retry")
def retry(request: Request, key: str) -> schema.Separation:
    """Put a separation that failed or was stopped at the end of the queue."""
    server = server_of(request)
    record = server.find(key)
    if not server.store.requeue(key):
        raise Refusal(409, f"this separation is {record.state}; only one that failed or was stopped is tried again")
    server.hub.tell(key)
    server.runner.wake()
    return show(server, server.find(key))
