"""The command `data pack`: how far it is, then what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.filesize import decimal

from auralflow import api
from auralflow.cli.bars import JobBars
from auralflow.cli.job import format_time
from auralflow.cli.outcome import Outcome
from auralflow.cli.screen import Screen
from auralflow.cli.signals import cancel_on_signals
from auralflow.separation.progress import CancelToken

if TYPE_CHECKING:
    from auralflow.data.packs.write import PackReport


def run_pack(arguments: dict[str, Any], screen: Screen) -> Outcome:
    """Pack, with a bar."""
    token = CancelToken()
    with JobBars(screen, "tracks") as bars, cancel_on_signals(token):
        report = api.pack_data(
            **arguments,
            report=lambda n_done, n_tracks: bars.advance("all", "packing", n_done / n_tracks),
            cancel=token,
        )
    return Outcome(report, report.exit_code)


def show_pack(report: PackReport, screen: Screen) -> None:
    """What is in the pack, what is not, and how to use it."""
    for failure in report.failures:
        screen.complain(failure, "left out")
    if screen.is_quiet:
        return
    there = report.n_shards - report.n_written
    before = f", {there} of them there before" if there > 0 else ""
    screen.show(
        f"{report.n_tracks} tracks in {report.n_shards} shards{before}, {decimal(report.size_bytes)}, "
        f"in {format_time(report.seconds)}: {report.out}"
    )
    screen.tell(f"train from it: auralflow train my_model {report.out}")
