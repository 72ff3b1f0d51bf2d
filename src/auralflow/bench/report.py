"""What a benchmark found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auralflow.bench.deviation import Deviation
from auralflow.speed.precision import Precision
from auralflow.speed.settings import SpeedSettings


@dataclass(frozen=True)
class BenchRow:
    """One setting; without numbers where it was not measured."""

    name: str
    """Of the setting."""
    settings: SpeedSettings
    """What it stands for."""
    precision: Precision
    """Of the arithmetic."""
    rtf: float | None = None
    """Real-time factor: seconds of computing for a second of sound, median of the repeats."""
    ratio: float | None = None
    """Speed, in parts of that of `default`."""
    peak_bytes: int | None = None
    """Largest resident memory of the process: Python, torch, the weights and the work."""
    device_peak_bytes: int | None = None
    """Largest memory of the accelerator."""
    deviation: Deviation | None = None
    """From the output of `plain`; None for that itself."""
    note: str = ""
    """Why it was not measured, or what is to say of it."""

    @property
    def times_real_time(self) -> float | None:
        """Seconds of sound for a second of computing."""
        return None if self.rtf is None else 1 / self.rtf


@dataclass(frozen=True)
class Recommendation:
    """The setting to use."""

    precision: Precision
    """For whom: those who ask for this."""
    name: str | None
    """Of the setting; None where there is nothing to recommend."""
    settings: SpeedSettings | None
    """What it stands for."""
    reason: str
    """Why, in one line."""


@dataclass(frozen=True)
class BenchReport:
    """All of it."""

    model: str
    """What was asked for."""
    device: str
    """Name of the processor with its threads, or of the accelerator."""
    audio_s: float
    """Length of the sound."""
    n_repeats: int
    """Processes for each setting."""
    rows: tuple[BenchRow, ...]
    """The settings, in the order of the table."""
    exact: Recommendation
    """For `--precision exact`."""
    fast: Recommendation
    """For `--precision fast`."""
    path: Path
    """Where the recommendations are kept."""
