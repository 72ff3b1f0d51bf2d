"""What is made of a separation on demand, once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from auralflow.errors import AudioError
from auralflow.web.record import Record
from auralflow.web.refusal import Refusal
from auralflow.web.sounds.playable import PLAYED_AS_IT_IS
from auralflow.web.state import Server, check_share
from auralflow.web.upload import check_disk
from auralflow.web.views import suffix_of, track_path
from auralflow.web.wish import MIXTURE

_LARGE = ("playable", "stem_file")
_MAX_PICTURES = 32


def find_track(server: Server, record: Record, name: str) -> Path:
    """The file of a track.

    Raises:
        Refusal: 409, it is not done yet; 404, there is no such track.
    """
    if record.state != "done":
        raise Refusal(409, f"this separation is {record.state}; its tracks are there when it is done")
    path = track_path(server, record, name)
    if path is None or not path.is_file():
        names = ", ".join([MIXTURE, *(track.name for track in record.tracks)])
        raise Refusal(404, f"there is no such track; known: {names}")
    return path


def stretch(record: Record, name: str, from_s: float = 0.0, for_s: float | None = None) -> dict[str, Any]:
    """Where a stretch of the separation lies in the file of a track: the song's file has more than was separated."""
    if name != MIXTURE:
        return {"from_s": from_s, "for_s": for_s}
    assert record.duration_s is not None
    left = max(1e-3, record.duration_s - from_s)
    return {"from_s": (record.wish.from_s or 0.0) + from_s, "for_s": left if for_s is None else min(for_s, left)}


async def make(server: Server, record: Record, name: str, what: str, sources: list[Path], **values: Any) -> Path:
    """A file in the separation's cache, made by the desk if it is not there.

    Args:
        name: of the file; ours, never a visitor's.
        sources: files that are read, for plain words where one cannot be.

    Raises:
        Refusal: it cannot be made.
    """
    path = server.folder(record).cache / name
    async with server.lock(path):
        if not path.is_file():
            check_disk(server.home)
            if what in _LARGE:
                await asyncio.to_thread(check_share, server)
            await asyncio.to_thread(path.parent.mkdir, exist_ok=True)
            shown = {str(source): record.title for source in sources}
            await ask(server, what, to=str(path), shown=shown, **values)
            server.store.add_bytes(record.id, path.stat().st_size)
    return path


async def ask(server: Server, what: str, **values: Any) -> Any:
    """Have the desk do something.

    Raises:
        Refusal: 422, it cannot be done.
    """
    try:
        return await server.desk.ask(what, **values)
    except AudioError as error:
        raise Refusal(422, str(error)) from None


async def make_peaks(server: Server, record: Record, name: str) -> Path:
    """The outline of a track."""
    path = find_track(server, record, name)
    return await make(server, record, f"{name}.peaks", "peaks", [path], path=str(path), **stretch(record, name))


async def make_picture(server: Server, record: Record, name: str, width: int, height: int, **where: Any) -> Path:
    """The picture of a stretch of a track; only the newest ones are kept, for there are endlessly many."""
    path, part = find_track(server, record, name), "-".join(f"{value or 0:.3f}" for value in where.values())
    values = {"path": str(path), "width": width, "height": height, **stretch(record, name, **where)}
    made = await make(server, record, f"{name}-{part}-{width}x{height}.png", "spectrogram", [path], **values)
    async with server.lock(server.folder(record).cache):
        await asyncio.to_thread(_forget_oldest, server, record)
    return made


def _forget_oldest(server: Server, record: Record) -> None:
    ages = {path: path.stat().st_mtime for path in server.folder(record).cache.glob("*.png")}
    for path in sorted(ages, key=lambda path: ages[path])[:-_MAX_PICTURES]:
        server.store.add_bytes(record.id, -path.stat().st_size)
        path.unlink(missing_ok=True)


async def make_playable(server: Server, record: Record, name: str) -> Path:
    """A form of a track that every browser plays, in time with all others."""
    path = find_track(server, record, name)
    # What was uploaded may be a WAV file of any coding, and cut.
    if name != MIXTURE and suffix_of(path) == PLAYED_AS_IT_IS:
        return path
    is_cut = name == MIXTURE and (record.wish.from_s or record.wish.for_s)
    where = stretch(record, name) if is_cut else {"from_s": 0.0, "for_s": None}
    return await make(server, record, f"{name}.wav", "playable", [path], path=str(path), **where)
