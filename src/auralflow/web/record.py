"""One separation, as it stands on the list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from auralflow.web.wish import Wish

State = Literal["queued", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class Track:
    """One output."""

    name: str
    kind: Literal["stem", "residual", "mix"]
    file: str
    """Path below the separation's `out`, with forward slashes."""
    size_bytes: int


@dataclass(frozen=True)
class Record:
    """One separation, as it stands on the list."""

    id: str
    title: str
    suffix: str
    """Of the song's file."""
    wish: Wish
    state: State = "queued"
    number: int = 0
    """Counts up with each song."""
    turn: int = 0
    """Place in the queue; a song that is tried again gets a new one."""
    created_at: str = ""
    finished_at: str | None = None
    duration_s: float | None = None
    """What is, or will be, separated."""
    sample_rate: int | None = None
    channels: int | None = None
    container: str | None = None
    song_bytes: int = 0
    made_bytes: int = 0
    error: str | None = None
    tracks: tuple[Track, ...] = ()
    warnings: tuple[str, ...] = ()
    scores: Mapping[str, Mapping[str, float | None]] | None = field(default=None, hash=False)
