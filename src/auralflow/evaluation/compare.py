"""Two sets of scores against each other: read, check that they can be compared, compare."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auralflow.errors import AuralflowError, ConfigError, UnknownNameError
from auralflow.evaluation.protocol import Protocol, check_same, read_protocol
from auralflow.evaluation.results import SongScore, decode_song, tabulate
from auralflow.evaluation.statistics import SystemComparison, compare
from auralflow.evaluation.write import FORMAT, FORMAT_VERSION

SCORES = "scores.json"


@dataclass(frozen=True)
class SavedScores:
    """What a `scores.json` holds."""

    path: Path
    name: str
    """Of the system."""
    protocol: Protocol
    songs: tuple[SongScore, ...]
    directions: dict[str, bool]
    """Columns, and whether higher is better."""

    def scores(self, column: str) -> dict[str, dict[str, float]]:
        """A column by song and stem."""
        return tabulate(self.songs, column)


@dataclass(frozen=True)
class ScoreComparison:
    """A column of two systems, A and B, on the same songs."""

    a: str
    b: str
    score: str
    """The column."""
    higher_is_better: bool
    result: SystemComparison
    protocol: tuple[str, ...]
    """How both were scored, in sentences."""


def compare_scores(a: Path, b: Path, column: str, alpha: float = 0.05) -> ScoreComparison:
    """Compare a column of two saved reports.

    Raises:
        ConfigError: a file is no report, the protocols differ, or the songs do.
        UnknownNameError: one of them has no such column.
    """
    saved_a, saved_b = read_scores(a), read_scores(b)
    for saved in (saved_a, saved_b):
        if column not in saved.directions:
            raise UnknownNameError("score", column, saved.directions)
    check_same(saved_a.protocol, saved_b.protocol, column)
    _check_durations(saved_a, saved_b)
    higher_is_better = saved_a.directions[column]
    found = compare(saved_a.scores(column), saved_b.scores(column), higher_is_better=higher_is_better, alpha=alpha)
    lines = tuple(saved_a.protocol.lines())
    return ScoreComparison(saved_a.name, saved_b.name, column, higher_is_better, found, lines)


def _check_durations(a: SavedScores, b: SavedScores) -> None:
    """Songs of one name and other lengths are other songs."""
    durations = {song.name: song.duration_s for song in b.songs}
    for song in a.songs:
        other_s = durations.get(song.name, song.duration_s)
        if abs(other_s - song.duration_s) > _SAME_S:
            raise ConfigError(
                f"songs: '{song.name}' has {song.duration_s:.2f} s in A and {other_s:.2f} s in B; expected both scored "
                "on the same data"
            )


_SAME_S = 0.01


def read_scores(path: Path) -> SavedScores:
    """A `scores.json`, or that of a folder.

    Raises:
        ConfigError: it is not there, or no report of this version.
    """
    file = path / SCORES if path.is_dir() else path
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}; expected what 'auralflow test' has written") from None
    except ValueError:
        raise ConfigError(f"{file}: is no JSON; expected what 'auralflow test' has written") from None
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise ConfigError(f"{file}: expected what 'auralflow test' has written, got another file")
    if values.get("format_version") != FORMAT_VERSION:
        raise ConfigError(
            f"{file}: is of format {values.get('format_version')}, expected {FORMAT_VERSION}; score again"
        )
    try:
        return _decode(file, values)
    except (AttributeError, KeyError, TypeError, ValueError, AuralflowError) as error:
        raise ConfigError(f"{file}: is damaged ({type(error).__name__}: {error}); score again") from None


def _decode(path: Path, values: dict[str, Any]) -> SavedScores:
    protocol = read_protocol({name: part for name, part in values["protocol"].items() if name != "lines"})
    songs = tuple(decode_song(song) for song in values["songs"])
    directions = {name: bool(summary["higher_is_better"]) for name, summary in values["summary"].items()}
    for song in songs:
        for stem, found in song.stems.items():
            lacking = [name for name in directions if not isinstance(found.scores.get(name), float | int)]
            if lacking:
                raise ValueError(f"{song.name} has no number for {', '.join(lacking)} of {stem}")
    return SavedScores(path, str(values["system"]["name"]), protocol, songs, directions)
