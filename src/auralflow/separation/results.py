"""What a separation reports, of files and of arrays. In a notebook, results show themselves as mixers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Literal

from auralflow.audio.types import Audio
from auralflow.storage.address import Place

N_MIXERS = 3
"""Songs of a job that a notebook shows; the others are named."""


class Stems(dict[str, Audio]):
    """Sounds by name that belong together: what a separation of an array gives."""

    def _repr_html_(self) -> str:
        from auralflow.separation.mixer import show_mixer

        return show_mixer(self)


@dataclass(frozen=True)
class OutputFile:
    """One written file."""

    name: str
    """Stem or mix that it holds."""
    path: Place
    size_bytes: int


@dataclass(frozen=True)
class FileResult:
    """One input that was separated."""

    source: Place
    outputs: tuple[OutputFile, ...]
    duration_s: float
    sample_rate: int
    channels: int
    gain_db: float
    """Common gain of all outputs, 0 unless one of them would have clipped."""
    warnings: tuple[str, ...]
    seconds: dict[str, float]
    """Wall seconds by stage."""

    def _repr_html_(self) -> str:
        from auralflow.separation.mixer import show_files

        here = {output.name: output.path for output in self.outputs if isinstance(output.path, Path)}
        return show_files(here, self.source.name, self.duration_s)


@dataclass(frozen=True)
class Failure:
    """One input that could not be separated."""

    source: Place
    reason: str
    """One line."""
    kind: Literal["input", "quarantined"]
    """`input`: the file is not usable. `quarantined`: it crashed, hung or exhausted a worker twice."""


@dataclass(frozen=True)
class JobReport:
    """A whole job: what was done, what failed, what had been done before."""

    done: tuple[FileResult, ...] = ()
    failed: tuple[Failure, ...] = ()
    skipped: tuple[Place, ...] = ()
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """0 when nothing failed, 1 otherwise."""
        return 1 if self.failed else 0

    def _repr_html_(self) -> str:
        told = [f"{result.source.name}: separated" for result in self.done[N_MIXERS:]]
        told += [f"{path.name}: done before" for path in self.skipped]
        told += [f"{failure.source.name}: failed: {failure.reason}" for failure in self.failed]
        lines = "".join(f"<li>{escape(line.encode(errors='backslashreplace').decode())}</li>" for line in told)
        mixers = "".join(result._repr_html_() for result in self.done[:N_MIXERS])
        return f"<div>{mixers}{f'<ul>{lines}</ul>' if lines else ''}</div>"


@dataclass(frozen=True)
class JobEvent:
    """Something happened to a file of a job."""

    kind: Literal["started", "progress", "done", "failed", "skipped", "retried"]
    source: Place
    n_total: int
    fraction: float = 0.0
    result: FileResult | Failure | None = field(default=None)


JobCallback = Callable[[JobEvent], None]
