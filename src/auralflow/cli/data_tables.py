"""A checked data set, and songs that were made, as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from auralflow.cli.job import format_time
from auralflow.cli.screen import Screen, one_line

if TYPE_CHECKING:  # these load the decoders
    from auralflow.data.checks.findings import DataReport, Finding, Severity
    from auralflow.data.synth_dataset import SynthReport

MAX_OF_A_KIND = 8
"""Of more warnings or notes of one kind than this, the rest is counted; errors are all listed."""

_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


def show_data_report(report: DataReport, screen: Screen) -> None:
    """How much there is, how each stem sounds, and what was found; when quiet, the errors in one line each."""
    if screen.is_quiet:
        for finding in report.findings:
            if finding.severity == "error":
                screen.complain(f"{_place(finding)}: {finding.kind}: {finding.detail}")
        return
    for table in (_tabulate_splits(report), _tabulate_stems(report), *_tabulate_findings(report.findings)):
        if table.row_count:
            screen.show(table)
            screen.show("")
    screen.show(_sum_up(report))


def show_songs(report: SynthReport, screen: Screen) -> None:
    """Songs by split, and where they are."""
    if screen.is_quiet:
        return
    table = _table("split", "songs", "minutes", "styles")
    for split, count in Counter(song.split for song in report.songs).items():
        songs = [song for song in report.songs if song.split == split]
        styles = ", ".join(sorted({song.style.replace("_", " ") for song in songs}))
        table.add_row(split, str(count), f"{sum(song.duration_s for song in songs) / 60:.1f}", styles)
    screen.show(table)
    screen.show("")
    there = len(report.songs) - report.n_written
    before = f", {there} there before" if there else ""
    screen.show(f"{report.n_written} songs written{before}, in {format_time(report.seconds)}: {report.out}")


def _table(*titles: str) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    return table


def _tabulate_splits(report: DataReport) -> Table:
    table = _table("split", "tracks", "length")
    for split in report.splits:
        table.add_row(split.split, str(split.n_tracks), format_time(3600 * split.hours))
    return table


def _tabulate_stems(report: DataReport) -> Table:
    table = _table("stem", "tracks", "length", "silent", "peak", "rms")
    for stem in report.stems:
        table.add_row(
            one_line(stem.stem),
            str(stem.n_tracks),
            format_time(3600 * stem.hours),
            f"{stem.silence_ratio:.0%}",
            _format_db(stem.peak_db),
            _format_db(stem.rms_db),
        )
    return table


def _format_db(level_db: float | None) -> str:
    return "silence" if level_db is None else f"{level_db:.1f} dBFS"


def _tabulate_findings(findings: Sequence[Finding]) -> tuple[Table, ...]:
    """A table for each severity."""
    severities = dict.fromkeys(finding.severity for finding in findings)
    return tuple(_tabulate_severity(severity, findings) for severity in severities)


def _tabulate_severity(severity: Severity, findings: Sequence[Finding]) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    table.add_column(Text(severity, style=_COLOURS[severity]), no_wrap=True)
    table.add_column("where", overflow="fold", ratio=2)
    table.add_column("what was found", overflow="fold", ratio=3)
    counts: Counter[str] = Counter()
    for finding in findings:
        if finding.severity != severity:
            continue
        counts[finding.kind] += 1
        if severity == "error" or counts[finding.kind] <= MAX_OF_A_KIND:
            table.add_row(finding.kind, one_line(_place(finding)), one_line(finding.detail))
    for kind, count in counts.items():
        if severity != "error" and count > MAX_OF_A_KIND:
            table.add_row(kind, "", f"and {count - MAX_OF_A_KIND} more of them; --json lists all")
    return table


def _place(finding: Finding) -> str:
    if finding.track is None:
        return "the set"
    return finding.track if finding.stem is None else f"{finding.track}: {finding.stem}"


def _sum_up(report: DataReport) -> str:
    n_tracks = sum(split.n_tracks for split in report.splits)
    counts = ((report.n_errors, "error"), (report.n_warnings, "warning"), (report.n_notes, "note"))
    told = ", ".join(f"{count} {name}{'s' * (count != 1)}" for count, name in counts if count) or "nothing wrong"
    return f"{n_tracks} track{'s' * (n_tracks != 1)} checked in {format_time(report.seconds)}: {told}"
