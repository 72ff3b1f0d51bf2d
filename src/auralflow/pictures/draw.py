"""Each subject as a figure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from auralflow.errors import UnknownNameError
from auralflow.evaluation.compare import read_scores
from auralflow.pictures.sounds import PairSketch, View, sketch_file, sketch_pair
from auralflow.pictures.subjects import Subject
from auralflow.plots import Line, plot_curves, plot_scores, plot_sketches
from auralflow.training.curves import Points, read_curves
from auralflow.training.folder import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(subject: Subject, view: View, score: str | None) -> tuple[Figure, list[str]]:
    """The figure of a subject, and notes on it.

    Raises:
        AuralflowError: what it is made of cannot be read, or does not belong together.
    """
    if subject.kind == "comparison":
        return _draw_comparison(subject, view)
    if subject.kind == "scores":
        return _draw_scores(subject, score), []
    if subject.kind == "curves":
        return _draw_curves(subject), []
    sketches = {path.name: sketch_file(path, view) for path in subject.sounds}
    notes = [f"{name}: {text}" for name, (_, warnings) in sketches.items() for text in warnings]
    title = subject.name if subject.kind == "sounds" else ""
    shown = {name: sketch for name, (sketch, _) in sketches.items()}
    return plot_sketches(shown, title, view.scale, view.start_s), notes


def _draw_comparison(subject: Subject, view: View) -> tuple[Figure, list[str]]:
    estimate, target = subject.sounds
    pair = sketch_pair(estimate, target, view)
    rows = {
        f"estimate: {estimate.name}": pair.estimate,
        f"target: {target.name}": pair.target,
        "difference: estimate minus target": pair.difference,
    }
    title = f"{subject.name}: {_describe_ratio(pair)}"
    return plot_sketches(rows, title, view.scale, view.start_s), list(pair.warnings)


def _describe_ratio(pair: PairSketch) -> str:
    if math.isnan(pair.sdr_db):
        return "the target is silent"
    return "identical to the target" if math.isinf(pair.sdr_db) else f"SDR {pair.sdr_db:.2f} dB"


def _draw_scores(subject: Subject, score: str | None) -> Figure:
    """A column of `scores.json`, by default its first."""
    saved = read_scores(subject.source)
    column = next(iter(saved.directions)) if score is None else score
    if column not in saved.directions:
        raise UnknownNameError("score", column, saved.directions)
    by_song = saved.scores(column)
    stems = saved.protocol.stems
    values = {stem: [found[stem] for found in by_song.values() if stem in found] for stem in stems}
    better = "higher" if saved.directions[column] else "lower"
    return plot_scores(values, f"{column} ({better} is better)", f"{saved.name}: {len(by_song)} songs")


def _draw_curves(subject: Subject) -> Figure:
    curves = read_curves(RunFolder(subject.source))
    panels = {"loss": curves.loss, "SDR in validation (dB)": curves.sdr_db}
    lines = {
        label: {name: _line(points, is_faint="entry" in name) for name, points in panel.items()}
        for label, panel in panels.items()
        if panel
    }
    return plot_curves(lines, curves.step_name, subject.name, curves.best_step)


def _line(points: Points, *, is_faint: bool) -> Line:
    steps, values = zip(*points, strict=True)
    return Line(steps, values, is_faint)
