"""The command `plan`: what is measured, then a row for each number of workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.filesize import decimal
from rich.table import Table

from auralflow import api
from auralflow.cli.bars import JobBars
from auralflow.cli.fetching import watch_transfers
from auralflow.cli.job import format_time
from auralflow.cli.outcome import Outcome
from auralflow.cli.screen import Screen
from auralflow.cli.signals import cancel_on_signals
from auralflow.separation.progress import CancelToken

if TYPE_CHECKING:
    from auralflow.planning.report import PlanReport


def run_plan(arguments: dict[str, Any], screen: Screen) -> Outcome:
    """Plan, and say what is measured."""
    token = CancelToken()
    with JobBars(screen, "files") as bars, cancel_on_signals(token):
        return Outcome(
            api.plan(**arguments, report=screen.tell, cancel=token, download=watch_transfers(bars, screen, token.check))
        )


def show_plan(report: PlanReport, screen: Screen) -> None:
    """Totals, the pace, and the table."""
    size = decimal(report.output_bytes)
    told = f"{report.n_files} files, {_long(report.duration_s)} of sound, outputs of at most {size}"
    if report.n_probed < report.n_files:
        told += f", as {report.n_probed} of them tell"
    if report.n_unusable:
        told += f"; {report.n_unusable} of those that were opened are not usable"
    screen.show(told)
    pace = report.pace
    screen.show(
        f"{report.model}, {report.n_measured} at once: {pace.start_s:.1f} s to start, {pace.file_s:.2f} s a file and "
        f"{pace.rate:.3f} s for a second of sound"
    )
    if not screen.is_quiet:
        screen.show(_tabulate(report))


def _tabulate(report: PlanReport) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    has_price = any(row.cost is not None for row in report.rows)
    for title in ("workers", "time", "at work", "at the store", *(["1,000 songs cost"] if has_price else [])):
        table.add_column(title, justify="right", no_wrap=True)
    for row in report.rows:
        cost = [f"{row.cost:.2f}"] if row.cost is not None else []
        table.add_row(str(row.n_workers), _long(row.seconds), f"{row.efficiency:.0%}", f"{row.waiting:.0%}", *cost)
    return table


def _long(seconds: float) -> str:
    """Seconds for a human, days where there are some."""
    days, rest = divmod(seconds, 86400)
    return f"{days:.0f} d {rest / 3600:.0f} h" if days else format_time(seconds)
