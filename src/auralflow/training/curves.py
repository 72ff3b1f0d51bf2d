"""How a run went, read back from what it has written down."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from auralflow.errors import ConfigError
from auralflow.training.folder import RunFolder

Points = list[tuple[float, float]]
"""Steps, and the value at each."""
_NAMES = {
    "train/loss": ("loss", "train, each entry"),
    "epoch/train_loss": ("loss", "train"),
    "epoch/valid_loss": ("loss", "validation"),
}
_STEMS = "valid_sdr_db/"


@dataclass
class Curves:
    """Learning curves of a run."""

    step_name: str
    """What is counted: `batch` or `epoch`."""
    loss: dict[str, Points] = field(default_factory=dict)
    sdr_db: dict[str, Points] = field(default_factory=dict)
    """Of each stem, in validation."""
    best_step: float | None = None
    """Where the best weights are, if that is known."""

    def _add(self, name: str, step: float, value: float) -> None:
        if name.startswith(_STEMS):
            self.sdr_db.setdefault(name.removeprefix(_STEMS), []).append((step, value))
        elif name in _NAMES:
            self.loss.setdefault(_NAMES[name][1], []).append((step, value))


def read_curves(folder: RunFolder) -> Curves:
    """The curves of a run: over batches from `logs/metrics.csv`, or over epochs from `scores.json` where there are no
    logs.

    Raises:
        ConfigError: the run has written neither yet, or a file is damaged.
    """
    metrics = folder.logs / "metrics.csv"
    if metrics.is_file():
        curves = _read(metrics, _from_metrics)
    elif folder.scores.is_file():
        curves = _read(folder.scores, _from_scores)
    else:
        raise ConfigError(
            f"{folder.path}: expected logs/metrics.csv or scores.json of a training run, found neither; train it first"
        )
    if not curves.loss and not curves.sdr_db:
        raise ConfigError(f"{folder.path}: its logs hold no losses and no scores yet; train it for longer")
    return curves


def _read(path: Path, read: Any) -> Curves:
    try:
        curves: Curves = read(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path}: expected what 'auralflow train' writes, got a damaged file ({error})") from None
    return curves


def _from_metrics(text: str) -> Curves:
    curves = Curves("batch")
    rows: Iterable[list[str]] = csv.reader(text.splitlines())
    for row in rows:
        if len(row) == 3 and row[0].isdigit():  # neither the header nor a torn line
            curves._add(row[1], int(row[0]), float(row[2]))
    return curves


def _from_scores(text: str) -> Curves:
    values = json.loads(text)
    curves = Curves("epoch", best_step=values["best_epoch"] or None)
    for row in values["epochs"]:
        for name in ("train_loss", "valid_loss"):
            if isinstance(row.get(name), int | float) and isfinite(row[name]):
                curves._add(f"epoch/{name}", row["epoch"], row[name])
        for stem, value in row.get("valid_sdr_db", {}).items():
            if value is not None:
                curves._add(f"{_STEMS}{stem}", row["epoch"], value)
    return curves
