"""The tracks of a separation: to save, to play, to look at."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, StreamingResponse

from auralflow.web import schema
from auralflow.web.archive import stream_archive
from auralflow.web.disposition import disposition
from auralflow.web.made import find_track, make, make_peaks, make_picture, make_playable, stretch
from auralflow.web.names import file_name
from auralflow.web.refusal import Refusal
from auralflow.web.sounds.peaks import MAX_BUCKETS, read_peaks
from auralflow.web.state import server_of
from auralflow.web.views import saved_name, suffix_of
from auralflow.web.wish import MIXTURE

router = APIRouter(prefix="/separations/{key}", tags=["tracks"])

_TYPES = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
    ".stem.mp4": "audio/mp4",
    ".zip": "application/zip",
}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind: {} for kind in ("application/octet-stream", *_TYPES.values())}}
}
_PICTURE: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}}}


@router.get("/tracks/{name}", response_class=FileResponse, responses=_FILE)
async def track(
    request: Request,
    key: str,
    name: str,
    shape: Annotated[Literal["file", "play"], Query(alias="as")] = "file",
    download: bool = False,
) -> FileResponse:
    """A track as it was written; with `as=play` a form that every browser plays, in time with all others."""
    server = server_of(request)
    record = await asyncio.to_thread(server.find, key)
    path = await make_playable(server, record, name) if shape == "play" else find_track(server, record, name)
    suffix = suffix_of(path)
    # What a visitor uploaded is never shown as anything but sound.
    kind = _TYPES.get(suffix, "application/octet-stream")
    shown = "attachment" if download or kind == "application/octet-stream" else "inline"
    return FileResponse(path, media_type=kind, headers=disposition(saved_name(record, name, suffix), shown))


@router.get("/tracks/{name}/peaks")
async def peaks(
    request: Request, key: str, name: str, buckets: Annotated[int, Query(ge=100, le=MAX_BUCKETS)] = 2000
) -> schema.Peaks:
    """The outline of a track: smallest and greatest sample of each stretch, -127 to 127."""
    server = server_of(request)
    record = await asyncio.to_thread(server.find, key)
    path = await make_peaks(server, record, name)
    return schema.Peaks(**await asyncio.to_thread(read_peaks, path, buckets))


@router.get("/tracks/{name}/spectrogram.png", response_class=FileResponse, responses=_PICTURE)
async def spectrogram(
    request: Request,
    key: str,
    name: str,
    from_s: Annotated[float, Query(ge=0, le=1e6)] = 0.0,
    for_s: Annotated[float | None, Query(gt=0, le=1e6)] = None,
    width: Annotated[int, Query(ge=16, le=4096)] = 1024,
    height: Annotated[int, Query(ge=16, le=1024)] = 256,
) -> FileResponse:
    """A picture of a track: 30 Hz to 20 kHz upwards on a logarithmic scale, -90 dB to full scale as colour."""
    server = server_of(request)
    record = await asyncio.to_thread(server.find, key)
    if record.duration_s is not None and from_s >= record.duration_s:
        raise Refusal(422, f"from_s: expected a start before the end at {record.duration_s:.2f} s, got {from_s:g} s")
    made = await make_picture(server, record, name, width, height, from_s=from_s, for_s=for_s)
    return FileResponse(made, media_type="image/png")


@router.get("/archive.zip", response_class=StreamingResponse, responses={200: {"content": {"application/zip": {}}}})
async def archive(request: Request, key: str) -> StreamingResponse:
    """All tracks but the song itself, as they were written, in one file."""
    server = server_of(request)
    record = await asyncio.to_thread(server.find, key)
    files = {}
    for made in record.tracks:
        path = find_track(server, record, made.name)
        files[file_name(made.name, "", suffix_of(path))] = path
    if not files:
        find_track(server, record, MIXTURE)
    title = file_name(record.title, "stems", ".zip")
    return stream_archive(files, file_name(record.title, "", ""), title)


@router.get("/stem.mp4", response_class=FileResponse, responses={200: {"content": {"audio/mp4": {}}}})
async def stem_file(request: Request, key: str) -> FileResponse:
    """The song and its four stems as one Stem file for disc jockeys."""
    server = server_of(request)
    record = await asyncio.to_thread(server.find, key)
    song = find_track(server, record, MIXTURE)
    ready = next((t for t in record.tracks if t.name == "stems"), None)
    if ready is not None:
        path = find_track(server, record, "stems")
    else:
        stems = [made for made in record.tracks if made.kind == "stem"]
        paths = [find_track(server, record, made.name) for made in stems]
        path = await make(
            server,
            record,
            "track.stem.mp4",
            "stem_file",
            [song, *paths],
            mixture={"path": str(song), **stretch(record, MIXTURE)},
            stems=[str(path) for path in paths],
            names=[made.name for made in stems],
        )
    saved_as = file_name(record.title, "", ".stem.mp4")
    return FileResponse(path, media_type="audio/mp4", headers=disposition(saved_as))
