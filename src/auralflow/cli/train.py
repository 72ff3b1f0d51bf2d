"""The command `train`: show how a run goes, and what came of it."""

from __future__ import annotations

import math
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from auralflow import api
from auralflow.cli.outcome import Outcome
from auralflow.cli.screen import Screen
from auralflow.errors import Cancelled
from auralflow.speed.process import tune_process
from auralflow.training.epochs import EpochEnd
from auralflow.training.run import TrainEvents, TrainReport, is_first_process


def run_train(arguments: dict[str, Any], screen: Screen) -> Outcome:
    """Train, with progress; a stopped run gives what it reached."""
    tune_process()
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f}", markup=False),
        TimeRemainingColumn(compact=True),
        console=screen.messages,
        transient=True,
        disable=not screen.is_live or not is_first_process(),
    )
    with bar:
        report = api.train(**arguments, report=_events(bar, screen))
    if report.outcome == "interrupted":
        again = f"'auralflow train {report.folder} --resume'"
        return Outcome(report, 130, Cancelled(f"stopped on request; the run is saved, go on with {again}"))
    return Outcome(report)


def show_train(result: TrainReport, screen: Screen) -> None:
    """The best epoch, and how to use it."""
    if not is_first_process():
        return
    for failure in result.failed_files:
        screen.complain(failure, "skipped")
    if screen.is_quiet or not result.best_epoch:
        return
    scores = ", ".join(f"{stem} {value:.2f}" for stem, value in _scores(result).items())
    screen.show(f"best: epoch {result.best_epoch} of {result.epochs}, SDR in dB: {scores}")
    screen.show(f"use it: auralflow separate SONG --model {result.folder}")


def _scores(result: TrainReport) -> dict[str, float]:
    return {stem: value for stem, value in result.best.get("valid_sdr_db", {}).items() if value is not None}


def _events(bar: Progress, screen: Screen) -> TrainEvents:
    caching = bar.add_task("cache", total=1, visible=False)
    training = bar.add_task("training", total=1, visible=False)

    def end_epoch(end: EpochEnd) -> None:
        screen.tell(_describe(end))

    return TrainEvents(
        line=screen.tell,
        cache=lambda done, total: bar.update(caching, completed=done, total=total, visible=done < total),
        epoch=end_epoch,
        batch=lambda done, total: bar.update(training, completed=done, total=total, visible=True),
    )


def _describe(end: EpochEnd) -> str:
    parts = [f"epoch {end.epoch}/{end.n_epochs}", f"loss {end.train_loss:.5g}"]
    if end.valid is not None:
        parts.append(f"valid {end.valid.loss:.5g}")
        scores = " ".join(f"{stem} {value:.2f}" for stem, value in end.valid.sdr_db.items() if not math.isnan(value))
        parts.append(f"SDR {scores} dB{' (best)' if end.is_best else ''}")
    parts.append(f"{end.samples_per_s:.3g} chunks/s, {100 * end.data_wait:.0f} % waiting for data")
    return ", ".join(parts)
