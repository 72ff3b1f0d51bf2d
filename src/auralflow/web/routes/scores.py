"""Scores of a separation whose true stems are known."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request

from auralflow.errors import UnknownNameError
from auralflow.web import schema
from auralflow.web.intake import examine
from auralflow.web.made import ask, find_track, stretch
from auralflow.web.names import last_part
from auralflow.web.record import Record
from auralflow.web.refusal import Refusal
from auralflow.web.state import Server, server_of
from auralflow.web.upload import Upload, receive_form
from auralflow.web.views import show
from auralflow.web.wish import MIXTURE

router = APIRouter(prefix="/separations/{key}", tags=["scores"])

_MAX_FILES = 16
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "description": "The true stems, each in a field that is called like the stem",
                    "minProperties": 1,
                    "additionalProperties": {"type": "string", "format": "binary"},
                }
            }
        },
    }
}


@router.post("/truth", openapi_extra=_FORM)
async def compare(request: Request, key: str) -> schema.Separation:
    """Compare stems with the true ones, which are not kept; gives the separation with its scores, in dB."""
    server = server_of(request)
    record = await asyncio.to_thread(server.find, key)
    find_track(server, record, MIXTURE)
    most = server.settings.limits.max_upload_bytes
    form = await receive_form(request, server.home, max_bytes=most, max_files=_MAX_FILES)
    try:
        if not form.files:
            raise Refusal(422, "expected true stems, each in a field that is called like the stem")
        scores = {upload.field: await _score(server, record, upload) for upload in form.files}
    finally:
        await asyncio.to_thread(form.discard)
    known = {stem: dict(values) for stem, values in (record.scores or {}).items()}
    await asyncio.to_thread(server.store.change, key, ("done",), scores=known | scores)
    server.hub.tell(key)
    return await asyncio.to_thread(lambda: show(server, server.find(key)))


async def _score(server: Server, record: Record, upload: Upload) -> dict[str, Any]:
    names = [track.name for track in record.tracks]
    if upload.field not in names:
        raise UnknownNameError("stem", last_part(upload.field)[:40], names)
    await examine(server, upload)
    stem, where = find_track(server, record, upload.field), stretch(record, MIXTURE)
    shown = {str(upload.path): last_part(upload.file_name)[:80] or upload.field, str(stem): upload.field}
    scores: dict[str, Any] = await ask(server, "score", stem=str(stem), truth=str(upload.path), shown=shown, **where)
    return scores
