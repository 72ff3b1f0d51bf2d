"""The command `bench`: a bar while it measures, then the table and what is recommended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from auralflow import api
from auralflow.cli.bars import JobBars
from auralflow.cli.fetching import watch_transfers
from auralflow.cli.outcome import Outcome
from auralflow.cli.screen import Screen, one_line

if TYPE_CHECKING:  # these load torch
    from auralflow.bench.report import BenchReport, BenchRow, Recommendation
    from auralflow.bench.run import BenchEvent

# Two lines each, so that a terminal of 80 columns has room for all.
_NUMBERS = ("seconds\nper s", "x real\ntime", "x\ndefault", "MiB")


def run_bench(arguments: dict[str, Any], screen: Screen) -> Outcome:
    """Measure, with a bar that says what is measured."""
    with JobBars(screen, "processes") as bars:
        name = ""

        def hear(event: BenchEvent) -> None:
            nonlocal name
            if event.number == 1:
                screen.tell(
                    f"measuring, in {event.n_total} processes one after the other; let the machine rest meanwhile"
                )
            bars.finish(name)
            name = f"{event.name} ({event.number} of {event.n_total})"
            bars.advance(name, name, (event.number - 1) / event.n_total)

        return Outcome(api.bench(**arguments, report=hear, download=watch_transfers(bars, screen)))


def show_bench(report: BenchReport, screen: Screen) -> None:
    """A row for each setting; then what is recommended, and how to use it."""
    if not screen.is_quiet:
        screen.show(f"{report.model} on {report.device}: {report.audio_s:.1f} s of sound, {report.n_repeats} times")
        screen.show(_tabulate(report))
    for recommendation in (report.exact, report.fast):
        screen.show(_describe(recommendation))
    screen.tell(f"use it: auralflow separate SONG --model {report.model} --tuned")


def _tabulate(report: BenchReport) -> Table:
    has_device = any(row.device_peak_bytes is not None for row in report.rows)
    table = Table(box=SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("setting", no_wrap=True)
    for title in (*_NUMBERS, *(["device\nMiB"] if has_device else []), "error", "SDR"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("note", overflow="fold")
    for row in report.rows:
        table.add_row(row.name, *_cells(row, has_device), one_line(row.note))
    return table


def _cells(row: BenchRow, has_device: bool) -> list[str]:
    """The numbers of a row; nothing where it has none."""
    cells = [
        _format(row.rtf, ".3g"),
        _format(row.times_real_time, ".3g"),
        _format(row.ratio, ".2f"),
        _format_mib(row.peak_bytes),
    ]
    if has_device:
        cells.append(_format_mib(row.device_peak_bytes))
    error = None if row.deviation is None else row.deviation.max_error
    sdr_db = None if row.deviation is None else row.deviation.sdr_db
    return [*cells, "0" if error == 0 else _format(error, ".1e"), "" if sdr_db is None else f"{sdr_db:.1f} dB"]


def _format(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _format_mib(n_bytes: int | None) -> str:
    return "" if n_bytes is None else f"{n_bytes / 2**20:.0f}"


def _describe(recommendation: Recommendation) -> str:
    name = recommendation.name or "nothing"
    return f"recommended for --precision {recommendation.precision}: {name} ({recommendation.reason})"
