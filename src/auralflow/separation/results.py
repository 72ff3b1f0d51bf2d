"""What a separation of files reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class OutputFile:
    """One written file."""

    name: str
    """Stem or mix that it holds."""
    path: Path
    size_bytes: int


@dataclass(frozen=True)
class FileResult:
    """One input that was separated."""

    source: Path
    outputs: tuple[OutputFile, ...]
    duration_s: float
    sample_rate: int
    channels: int
    gain_db: float
    """Common gain of all outputs, 0 unless one of them would have clipped."""
    warnings: tuple[str, ...]
    seconds: dict[str, float]
    """Wall seconds by stage."""


@dataclass(frozen=True)
class Failure:
    """One input that could not be separated."""

    source: Path
    reason: str
    """One line."""
    kind: Literal["input", "quarantined"]
    """`input`: the file is not usable. `quarantined`: it crashed, hung or exhausted a worker twice."""


@dataclass(frozen=True)
class JobReport:
    """A whole job: what was done, what failed, what had been done before."""

    done: tuple[FileResult, ...] = ()
    failed: tuple[Failure, ...] = ()
    skipped: tuple[Path, ...] = ()
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """0 when nothing failed, 1 otherwise."""
        return 1 if self.failed else 0


@dataclass(frozen=True)
class JobEvent:
    """Something happened to a file of a job."""

    kind: Literal["started", "progress", "done", "failed", "skipped", "retried"]
    source: Path
    n_total: int
    fraction: float = 0.0
    result: FileResult | Failure | None = field(default=None)


JobCallback = Callable[[JobEvent], None]
