"""What an evaluation came to: scores of songs, what they say of the system, and how they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from auralflow.evaluation.protocol import Protocol
from auralflow.evaluation.results import SongFailure, SongScore, tabulate
from auralflow.evaluation.statistics import Interval, Statistic, Summary, interval_over_stems, summarise
from auralflow.evaluation.systems import SystemDescription
from auralflow.metrics import Column


@dataclass(frozen=True)
class ColumnSummary:
    """One number of the report: of each stem, and of all."""

    column: str
    higher_is_better: bool
    stems: dict[str, Summary]
    overall: Interval
    """The mean over stems of their averages."""


@dataclass(frozen=True)
class Report:
    """A system on a test set."""

    system: SystemDescription
    data: str
    protocol: Protocol
    songs: tuple[SongScore, ...]
    failed: tuple[SongFailure, ...]
    summaries: dict[str, ColumnSummary]
    out: Path
    """Folder with `scores.json`, `scores.csv` and `report.html`."""
    seconds: float
    """Of this run."""
    n_skipped: int = 0
    """Songs that an earlier run had scored."""
    files: tuple[Path, ...] = field(default=())
    """What was written."""
    excerpts: dict[str, Path] = field(default_factory=dict)
    """Where the ten seconds are that are kept of the best and the worst songs."""

    @property
    def exit_code(self) -> int:
        """0 when every song was scored, 1 otherwise."""
        return 1 if self.failed else 0

    def scores(self, column: str) -> dict[str, dict[str, float]]:
        """A column by song and stem, as `auralflow.evaluation.statistics.compare` takes it."""
        return tabulate(self.songs, column)


def summarise_songs(
    songs: Sequence[SongScore], stems: Sequence[str], columns: Sequence[Column]
) -> dict[str, ColumnSummary]:
    """Averages of each column: of frames the median over songs, of whole songs the mean."""
    return {column.name: _summarise(songs, stems, column) for column in columns}


def _summarise(songs: Sequence[SongScore], stems: Sequence[str], column: Column) -> ColumnSummary:
    statistic: Statistic = "median" if column.is_framewise else "mean"
    found: Mapping[str, list[float]] = {
        stem: [song.stems[stem].scores[column.name] for song in songs if stem in song.stems] for stem in stems
    }
    table = [
        [song.stems[stem].scores[column.name] if stem in song.stems else np.nan for stem in stems] for song in songs
    ]
    return ColumnSummary(
        column.name,
        column.higher_is_better,
        {stem: summarise(scores, statistic) for stem, scores in found.items()},
        interval_over_stems(np.array(table).reshape(len(songs), len(stems)), statistic),
    )
