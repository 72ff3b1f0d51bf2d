"""What a download tells while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Transfer:
    """How far a download is."""

    name: str
    done: int
    """Bytes that are here."""
    total: int | None
    """Bytes in all, where the server says it."""

    @property
    def fraction(self) -> float:
        return min(1.0, self.done / self.total) if self.total else 0.0


@dataclass(frozen=True)
class FetchEvents:
    """Who hears of downloads."""

    line: Callable[[str], None] = lambda _: None
    """What is downloaded, from where and under which licence, before it begins."""
    transfer: Callable[[Transfer], None] = lambda _: None
    """Each step of each file. What it raises ends the download; the next one goes on from there."""
