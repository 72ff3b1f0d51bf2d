"""The command `separate`: run a job that can be stopped, and tell what came of it."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stdout
from typing import Any

from rich.filesize import decimal
from rich.table import Table

from auralflow import api
from auralflow.cli.outcome import Outcome
from auralflow.cli.progress import JobWatch
from auralflow.cli.screen import Screen, one_line
from auralflow.cli.signals import cancel_on_signals
from auralflow.errors import Cancelled
from auralflow.fetch.address import show_address
from auralflow.separation.device import choose_device, describe_device
from auralflow.separation.forecast import Forecast
from auralflow.separation.progress import CancelToken
from auralflow.separation.results import Failure, FileResult, JobReport
from auralflow.speed.process import tune_process

MAX_LISTED = 20
"""Of more files than this, only those with something to say are listed."""


def run_job(arguments: dict[str, Any], screen: Screen) -> Outcome:
    """Separate, with progress; a stopped job gives what it finished."""
    where = _describe_place(arguments)
    if arguments.get("dry_run"):
        forecast = api.separate(**arguments)
        assert isinstance(forecast, Forecast)
        return Outcome(forecast, 0 if forecast.fits and not forecast.unusable else 1)
    tune_process()
    token = CancelToken()
    # Ray prints what befalls its workers wherever the standard output goes, where results belong.
    elsewhere = redirect_stdout(sys.stderr) if arguments.get("engine") == "ray" else nullcontext()
    with JobWatch(screen, f"device: {where}") as watch, cancel_on_signals(token), elsewhere:
        try:
            report = api.separate(
                **arguments, report=watch.hear, cancel=token, download=watch.watch_downloads(token.check)
            )
        except (Cancelled, KeyboardInterrupt):
            return Outcome(watch.report(), 130, Cancelled("stopped on request; what was finished is kept"))
    assert isinstance(report, JobReport)
    return Outcome(report, report.exit_code)


def _describe_place(arguments: dict[str, Any]) -> str:
    """Where it will be computed; raises as `choose_device` does."""
    if arguments.get("server"):
        return f"that of {show_address(arguments['server'])}"
    if arguments.get("engine") == "onnx":
        return f"{describe_device(choose_device('cpu'))}, by ONNX Runtime"
    device = arguments.get("device", "auto")
    return describe_device(choose_device(device), device)


def show_job(result: JobReport | Forecast, screen: Screen) -> None:
    """Outputs, notes, failures, counts; or what a dry run foresees."""
    if isinstance(result, Forecast):
        _show_forecast(result, screen)
        return
    _show_failures(result.failed, screen)
    if screen.is_quiet:
        return
    for done in result.done:
        if len(result.done) <= MAX_LISTED or done.warnings:
            _show_file(done, screen)
    screen.show(_count(result))


def _show_file(done: FileResult, screen: Screen) -> None:
    screen.show(f"{done.source}: {format_time(done.duration_s)} at {done.sample_rate} Hz")
    for output in done.outputs:
        screen.show(f"  {output.path}")
    for warning in done.warnings:
        screen.show(f"  note: {warning}")


def _show_failures(failed: tuple[Failure, ...], screen: Screen) -> None:
    if screen.is_quiet or len(failed) == 1:
        for failure in failed:
            screen.complain(
                failure.reason if str(failure.source) in failure.reason else f"{failure.source}: {failure.reason}"
            )
    elif failed:
        table = Table("file", "why it failed", title=f"{len(failed)} files failed", title_justify="left")
        for failure in failed:
            table.add_row(one_line(str(failure.source)), one_line(failure.reason))
        screen.tell(table)


def _count(report: JobReport) -> str:
    parts = [f"{len(report.done)} separated"]
    if report.skipped:
        parts.append(f"{len(report.skipped)} done before (--overwrite separates them again)")
    if report.failed:
        parts.append(f"{len(report.failed)} failed")
    return f"{', '.join(parts)}, in {format_time(report.seconds)}"


def _show_forecast(forecast: Forecast, screen: Screen) -> None:
    for path in forecast.files:
        screen.show(f"would separate {path}")
    for path, reason in forecast.unusable:
        screen.complain(reason if str(path) in reason else f"{path}: {reason}", "unusable")
    room = "" if forecast.fits else "; too little, make room or choose another --out"
    screen.show(
        f"{len(forecast.files)} files, {format_time(forecast.duration_s)} of audio, {forecast.n_outputs} outputs of "
        f"at most {decimal(forecast.output_bytes)}; {decimal(forecast.free_bytes)} are free{room}"
    )


def format_time(seconds: float) -> str:
    """Seconds for a human.

    Example:
        >>> format_time(5.25), format_time(65), format_time(3725)
        ('5.2 s', '1:05', '1:02:05')
    """
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
