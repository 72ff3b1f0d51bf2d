"""What a plan says."""

from __future__ import annotations

from dataclasses import dataclass

from auralflow.planning.simulate import Pace


@dataclass(frozen=True)
class PlanRow:
    """The job with so many workers."""

    n_workers: int
    seconds: float
    """From start to end."""
    efficiency: float
    """Share of the workers' time in which they are at a file."""
    waiting: float
    """Share of the workers' time in which they wait for the store."""
    cost: float | None
    """Of 1,000 songs, where a price is known."""


@dataclass(frozen=True)
class PlanReport:
    """What a job will take."""

    model: str
    n_files: int
    n_probed: int
    """Of them, so many were opened."""
    n_unusable: int
    """Of those, so many are no usable audio."""
    duration_s: float
    """Seconds of sound in all, as far as the probed files tell."""
    output_bytes: int
    """Of all stems, at most (FLAC is counted as PCM)."""
    pace: Pace
    """Of a worker, measured on this machine."""
    n_measured: int
    """Workers that ran at once while it was measured."""
    rows: tuple[PlanRow, ...]
