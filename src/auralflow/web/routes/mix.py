"""The mix as heard."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from auralflow.audio.formats import FORMAT_NAMES
from auralflow.errors import UnknownNameError
from auralflow.web.disposition import disposition
from auralflow.web.made import ask, find_track, stretch
from auralflow.web.names import file_name
from auralflow.web.record import Record
from auralflow.web.refusal import Refusal
from auralflow.web.schema import MixRequest
from auralflow.web.state import Server, server_of
from auralflow.web.upload import check_disk

router = APIRouter(prefix="/separations/{key}", tags=["tracks"])


@router.post("/mix", response_class=FileResponse, responses={200: {"content": {"application/octet-stream": {}}}})
async def mix(request: Request, key: str, wanted: MixRequest) -> FileResponse:
    """The tracks with their gains and places summed into one file; where it would clip, it is lowered as a whole."""
    server = server_of(request)
    record = await asyncio.to_thread(server.find, key)
    if wanted.format == "stem.mp4" or wanted.format not in FORMAT_NAMES:
        raise UnknownNameError("format", wanted.format[:40], [name for name in FORMAT_NAMES if name != "stem.mp4"])
    tracks = _tracks(server, record, wanted)
    check_disk(server.home)
    unfinished = server.home.new_upload()
    shown = {track["path"]: record.title for track in tracks}
    try:
        made = await ask(server, "mix", tracks=tracks, to=str(unfinished), format=wanted.format, shown=shown)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return FileResponse(
        unfinished,
        media_type="application/octet-stream",
        headers=disposition(file_name(record.title, "mix", made["suffix"])),
        background=BackgroundTask(unfinished.unlink, missing_ok=True),
    )


def _tracks(server: Server, record: Record, wanted: MixRequest) -> list[dict[str, Any]]:
    start_s = wanted.from_s or 0.0
    if record.duration_s is not None and start_s >= record.duration_s:
        raise Refusal(422, f"from_s: expected a start before the end at {record.duration_s:.2f} s, got {start_s:g} s")
    tracks = []
    for name, fader in wanted.gains.items():
        path = find_track(server, record, name)
        if not fader.muted:
            where = stretch(record, name, start_s, wanted.for_s)
            tracks.append({"path": str(path), "gain_db": fader.gain_db, "pan": fader.pan, **where})
    if not tracks:
        raise Refusal(422, "gains: expected at least one track that is heard")
    return tracks
