"""What a check of a data set says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from auralflow.data.track import Split

Severity = Literal["error", "warning", "note"]
"""`error`: training refuses it, or its scores would not be true. `warning`: have a look. `note`: good to know."""
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

Kind = Literal[
    "unreadable",
    "damaged",
    "not_finite",
    "missing_stem",
    "sample_rate",
    "channels",
    "length",
    "clipping",
    "dc_offset",
    "silent",
    "mono",
    "polarity",
    "phase",
    "mixture",
    "duplicate",
]


@dataclass(frozen=True)
class Finding:
    """One thing about one track."""

    kind: Kind
    severity: Severity
    track: str | None
    """None: it is about the whole set."""
    stem: str | None
    """A stem or `mixture`; None: it is about the whole track."""
    detail: str
    """What was found, in figures, and what to do where that is not plain."""


@dataclass(frozen=True)
class SplitStats:
    """How much there is of a split."""

    split: Split
    n_tracks: int
    hours: float


@dataclass(frozen=True)
class StemStats:
    """How one stem sounds over the whole set; the published mixtures are the last of them."""

    stem: str
    n_tracks: int
    """Tracks that have it and could be decoded."""
    hours: float
    silence_ratio: float
    """Share of the time below -60 dBFS, 0 to 1."""
    peak_db: float | None
    """Highest sample, in dB relative to full scale; None if there is nothing but zeros."""
    rms_db: float | None
    """Root mean square over all samples and channels, in dB relative to full scale; None as above."""


@dataclass(frozen=True)
class DataReport:
    """What `check_dataset` found out."""

    splits: tuple[SplitStats, ...]
    stems: tuple[StemStats, ...]
    findings: tuple[Finding, ...]
    """Errors first, then warnings, then notes; of one severity in the order of the tracks."""
    seconds: float
    """What the check took."""

    @property
    def n_errors(self) -> int:
        return self._count("error")

    @property
    def n_warnings(self) -> int:
        return self._count("warning")

    @property
    def n_notes(self) -> int:
        return self._count("note")

    @property
    def exit_code(self) -> int:
        """1 when there is an error; warnings and notes leave it at 0, since a person has to judge them."""
        return 1 if self.n_errors else 0

    def _count(self, severity: Severity) -> int:
        return sum(finding.severity == severity for finding in self.findings)
