"""Sounds that cannot be opened: listing a data set stops at the first of them, unless someone collects them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from auralflow.errors import AudioError


@dataclass(frozen=True)
class LeftOut:
    """A sound that listing had to do without."""

    track: str
    stem: str | None
    """A stem or `mixture`; None: the whole track."""
    error: AudioError


_collected: ContextVar[list[LeftOut] | None] = ContextVar("collected", default=None)


@contextmanager
def collect_left_out() -> Iterator[list[LeftOut]]:
    """Within, `list_tracks` goes on without the sounds that cannot be opened, and puts them into this list.

    Example:
        >>> with collect_left_out() as left_out:
        ...     leave_out("song", "vocals", AudioError("vocals.wav: damaged"))
        >>> left_out[0].track
        'song'
    """
    left_out: list[LeftOut] = []
    token = _collected.set(left_out)
    try:
        yield left_out
    finally:
        _collected.reset(token)


def leave_out(track: str, stem: str | None, error: AudioError) -> None:
    """Go on without a sound; to be called by layouts, in the thread of `list_tracks`.

    Raises:
        AudioError: the error, if nobody collects.
    """
    left_out = _collected.get()
    if left_out is None:
        raise error
    left_out.append(LeftOut(track, stem, error))
