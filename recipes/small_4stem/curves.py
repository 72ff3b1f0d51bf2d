"""Learning curves of several runs in one picture: the mean SDR of validation and the loss, over minutes of one core.

python recipes/small_4stem/curves.py RUNS recipes/small_4stem/curves.svg

RUNS is the folder of the candidates, or of the ablations. Only of those that learn by the same loss is the loss drawn.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import yaml

from auralflow.plots import Line, plot_curves, save_figure
from auralflow.training.curves import Curves, read_curves
from auralflow.training.folder import RunFolder
from candidates import BATCH, CANDIDATES, CHOSEN, Candidate, masks_loss


def main() -> None:
    """Draw those that have begun."""
    parser = argparse.ArgumentParser(description="draw the learning curves of several runs")
    parser.add_argument("runs", type=Path, help="folder of runs that candidates.py made")
    parser.add_argument("out", type=Path, help="picture to write, .svg or .png")
    arguments = parser.parse_args()
    panels: dict[str, dict[str, Line]] = {"mean SDR of validation (dB)": {}, "loss of training": {}}
    scores, losses = panels.values()
    for run in sorted(arguments.runs.iterdir()):
        folder = RunFolder(run)
        if not (folder.logs.exists() and (curves := read_curves(folder)).sdr_db):
            continue
        candidate = CANDIDATES.get(run.name, CANDIDATES[CHOSEN])
        scores[run.name] = line_of_means(curves, candidate)
        if _loss_of(run) == masks_loss():
            losses[run.name] = _line(curves.loss["train"], candidate)
    figure = plot_curves(panels, "minutes of one core", "Learning curves")
    save_figure(figure, arguments.out)


def _loss_of(run: Path) -> Any:
    return yaml.safe_load((run / "train.yaml").read_text(encoding="utf-8"))["loss"]


def line_of_means(curves: Curves, candidate: Candidate) -> Line:
    """The mean over the stems at each validation."""
    stems = list(curves.sdr_db.values())
    means = [sum(value for _, value in points) / len(points) for points in zip(*stems, strict=True)]
    return _line([(step, mean) for (step, _), mean in zip(stems[0], means, strict=True)], candidate)


def _line(points: list[tuple[float, float]], candidate: Candidate) -> Line:
    minutes = [step * BATCH * candidate.chunk_s / 60 for step, _ in points]
    return Line(minutes, [value for _, value in points])


if __name__ == "__main__":
    main()
