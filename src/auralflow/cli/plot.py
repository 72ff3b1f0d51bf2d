"""The command `plot`: where the pictures are."""

from __future__ import annotations

from typing import Any

from auralflow import api
from auralflow.cli.outcome import Outcome
from auralflow.cli.screen import Screen
from auralflow.pictures.results import PlotReport


def run_plot(arguments: dict[str, Any], screen: Screen) -> Outcome:
    """Draw; exit code 1 when an input could not be drawn."""
    report = api.plot(**arguments)
    return Outcome(report, report.exit_code)


def show_plot(result: PlotReport, screen: Screen) -> None:
    """The pictures, notes on them, and what could not be drawn."""
    for failure in result.failed:
        told = failure.reason if str(failure.source) in failure.reason else f"{failure.source}: {failure.reason}"
        screen.complain(told)
    if screen.is_quiet:
        return
    for picture in result.done:
        screen.show(str(picture.path))
        for note in picture.notes:
            screen.show(f"  note: {note}")
