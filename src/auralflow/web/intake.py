"""From an upload to a place in the queue."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from auralflow.config import from_dict
from auralflow.errors import AudioError, AuralflowError
from auralflow.web.home import safe_suffix
from auralflow.web.names import clean_title, last_part
from auralflow.web.offered import Offer
from auralflow.web.record import Record
from auralflow.web.refusal import Refusal
from auralflow.web.state import Server, check_share
from auralflow.web.store import QueueFull
from auralflow.web.upload import Form, Upload
from auralflow.web.wish import Wish

_RETRY_S = 30
_MANY, _ONE = ("stems", "mix"), ("model", "consistency", "format", "dither")
_NUMBERS, _SWITCHES = ("from_s", "for_s"), ("residual",)
FIELDS = (*_MANY, *_ONE, *_NUMBERS, *_SWITCHES)
"""Fields of the form, beside the file."""


def check_room(server: Server) -> None:
    """Refuse what could not be kept, before it is taken in.

    Raises:
        Refusal: the queue (429) or the share of the disk (507) is full.
    """
    if server.store.count_open() >= server.settings.limits.max_queued:
        raise _queue_full()
    check_share(server)


async def take_in(server: Server, form: Form) -> Record:
    """Queue an uploaded song.

    Raises:
        Refusal: it is no song (415), too long (413), too much for the disk (507), the queue is full (429), or a
            setting cannot be (422).
    """
    upload = find_song(form)
    wish = read_wish(form.fields)
    try:
        offer = await asyncio.to_thread(server.models.find, wish.model)
        n_outputs = len(wish.plan(offer.stems).names)
    except AuralflowError as error:
        raise Refusal(422, str(error)) from None
    found = await examine(server, upload)
    duration_s = _check_length(server, found, wish)
    _check_disk(server, upload, found, duration_s, n_outputs)
    record = Record(
        id=secrets.token_hex(8),
        title=clean_title(upload.file_name),
        suffix=safe_suffix(upload.file_name),
        wish=_named(wish, offer),
        duration_s=duration_s,
        sample_rate=found["sample_rate"],
        channels=found["channels"],
        container=found["container"],
        song_bytes=upload.size_bytes,
    )
    return await asyncio.to_thread(_queue, server, record, upload.path)


def find_song(form: Form) -> Upload:
    """The one file of a form.

    Raises:
        Refusal: 422, it has none, or it is called otherwise.
    """
    if [upload.field for upload in form.files] != ["file"]:
        raise Refusal(422, "file: expected one file in the field 'file'")
    if not form.files[0].size_bytes:
        raise Refusal(415, f"{last_part(form.files[0].file_name)[:80] or 'file'}: is empty")
    return form.files[0]


def read_wish(fields: Mapping[str, Sequence[str]]) -> Wish:
    """The settings that a form asks for; an empty field is as good as none.

    Raises:
        Refusal: 422, a field is unknown or has a value it cannot have.
    """
    values: dict[str, Any] = {}
    for name, texts in fields.items():
        if name not in FIELDS:
            raise Refusal(422, f"{last_part(name)[:40]}: unknown field; known: file, {', '.join(FIELDS)}")
        if name in _MANY:
            # A comma divides names; a form may also repeat the field.
            values[name] = tuple(part.strip() for text in texts for part in text.split(",") if part.strip())
        elif texts[-1].strip():
            values[name] = _read(name, texts[-1].strip())
    if values.get("stems") == ("none",):
        values["stems"] = ()
    elif not values.get("stems"):
        values.pop("stems", None)
    try:
        return from_dict(Wish, values)
    except AuralflowError as error:
        raise Refusal(422, str(error)) from None


def _read(name: str, text: str) -> Any:
    if name in _ONE:
        return text
    if name in _SWITCHES:
        if text.lower() not in ("true", "false", "1", "0", "on", "off"):
            raise Refusal(422, f"{name}: expected true or false, got '{text[:40]}'")
        return text.lower() in ("true", "1", "on")
    if not re.fullmatch(r"\d{1,9}(\.\d{0,20})?|\.\d{1,20}|\d(\.\d{0,20})?e-?\d", text):
        raise Refusal(422, f"{name}: expected seconds, like 12.5, got '{text[:40]}'")
    return float(text)


async def examine(server: Server, upload: Upload) -> dict[str, Any]:
    """What a file holds.

    Raises:
        Refusal: 415, no usable audio.
    """
    limits, name = server.settings.limits, last_part(upload.file_name)[:80] or "file"
    try:
        found: dict[str, Any] = await server.desk.ask(
            "examine",
            path=str(upload.path),
            max_duration_s=limits.max_duration_s,
            shown={str(upload.path): name},
        )
    except AudioError as error:
        raise Refusal(415, str(error)) from None
    return found


def _check_length(server: Server, found: dict[str, Any], wish: Wish) -> float:
    most, whole_s = server.settings.limits.max_duration_s, found["duration_s"]
    if whole_s > most:
        raise Refusal(413, f"expected a song of at most {most:.0f} s, got {whole_s:.0f} s or more")
    duration_s = wish.duration_s(whole_s)
    assert duration_s is not None
    if duration_s <= 0:
        raise Refusal(422, f"from_s: expected a start before the end at {whole_s:.2f} s, got {wish.from_s:g} s")
    return duration_s


def _check_disk(server: Server, upload: Upload, found: dict[str, Any], duration_s: float, n_outputs: int) -> None:
    """Stems as 32-bit numbers are the most that they take."""
    needed = round(duration_s * found["sample_rate"]) * found["channels"] * 4 * n_outputs
    room = min(
        server.settings.limits.max_disk_bytes - server.store.used_bytes() - upload.size_bytes,
        server.home.free_bytes(),
    )
    if needed > room:
        raise Refusal(
            507,
            f"the stems need up to {needed / 1e6:.0f} MB and the server has {max(0, room) / 1e6:.0f} MB left; "
            "delete some separations",
        )


def _named(wish: Wish, offer: Offer) -> Wish:
    """The wish with the model's own name, so that `default` stays what it was."""
    return replace(wish, model=offer.name)


def _queue(server: Server, record: Record, path: Path) -> Record:
    server.home.take_in(path, record.id, record.suffix)
    try:
        added = server.store.add(record, server.settings.limits.max_queued)
    except BaseException as error:
        server.home.remove(record.id)
        if isinstance(error, QueueFull):
            raise _queue_full() from None
        raise
    server.hub.tell(record.id)
    server.runner.wake()
    return added


def _queue_full() -> Refusal:
    return Refusal(429, "the queue is full; try again later", Retry_After=str(_RETRY_S), connection="close")
