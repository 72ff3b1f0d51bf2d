"""What an evaluation tells while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from auralflow.evaluation.results import SongFailure, SongScore


@dataclass(frozen=True)
class SongEvent:
    """Something happened to a song."""

    kind: Literal["started", "progress", "done", "failed", "skipped", "retried"]
    """`skipped`: an earlier run has scored it."""
    name: str
    n_total: int
    fraction: float = 0.0
    result: SongScore | SongFailure | None = None


@dataclass(frozen=True)
class EvaluationEvents:
    """Who hears of an evaluation."""

    line: Callable[[str], None] = lambda _: None
    """What was found and decided, before it begins."""
    song: Callable[[SongEvent], None] = lambda _: None
    """Each step of each song."""
