"""What drawing reports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["sound", "sounds", "comparison", "scores", "curves"]


@dataclass(frozen=True)
class Picture:
    """One picture that was drawn."""

    source: Path
    kind: Kind
    path: Path
    """The PNG or SVG."""
    notes: tuple[str, ...] = ()
    """What is to be known of it, such as damage of the sound."""


@dataclass(frozen=True)
class PlotFailure:
    """One input that could not be drawn."""

    source: Path
    reason: str
    """One line."""


@dataclass(frozen=True)
class PlotReport:
    """What was drawn, and what could not be."""

    done: tuple[Picture, ...] = ()
    failed: tuple[PlotFailure, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 when nothing failed, 1 otherwise."""
        return 1 if self.failed else 0
