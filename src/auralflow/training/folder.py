"""The folder of a run: its config, its checkpoints, its logs, and the bundle it becomes.

my_model/
  model.yaml            architecture, spec and config; with weights.safetensors it is a bundle that `load_model` opens
  train.yaml            everything else that was set
  weights.safetensors   the best weights so far
  scores.json           losses and scores of every epoch
  checkpoints/          last.ckpt and best.ckpt, to resume from
  logs/                 TensorBoard's events and metrics.csv
  images/               pictures of the last validation
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from auralflow.config import from_yaml, to_yaml
from auralflow.errors import AuralflowError, ConfigError, OutputError
from auralflow.pretrained.bundle import BundleDescription, read_description
from auralflow.pretrained.members import check_single
from auralflow.pretrained.names import DESCRIPTION
from auralflow.training.config import TrainConfig


class RunFolder:
    """Paths and files of a run.

    Example:
        >>> RunFolder(Path("my_model")).last.as_posix()
        'my_model/checkpoints/last.ckpt'
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def model_yaml(self) -> Path:
        return self.path / DESCRIPTION

    @property
    def train_yaml(self) -> Path:
        return self.path / "train.yaml"

    @property
    def last(self) -> Path:
        return self.path / "checkpoints" / "last.ckpt"

    @property
    def best(self) -> Path:
        return self.path / "checkpoints" / "best.ckpt"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def images(self) -> Path:
        return self.path / "images"

    @property
    def scores(self) -> Path:
        return self.path / "scores.json"

    def read_model(self) -> BundleDescription:
        """What is to be trained.

        Raises:
            ConfigError: the folder is no run, or its model is a bag.
            CheckpointError: `model.yaml` is not readable.
        """
        if not self.model_yaml.is_file() or not self.train_yaml.is_file():
            raise ConfigError(
                f"{self.path}: expected a folder with {DESCRIPTION} and train.yaml, found none; make one with "
                f"'auralflow config {self.path} --model NAME --stems NAMES'"
            )
        description = read_description(self.path)
        check_single(self.model_yaml, description.bag)
        return description

    def read_train(self) -> TrainConfig:
        """How it is to be trained.

        Raises:
            ConfigError: a key or value of `train.yaml` that cannot be.
        """
        try:
            return from_yaml(TrainConfig, self.train_yaml.read_text(encoding="utf-8"))
        except AuralflowError as error:
            raise ConfigError(f"{self.train_yaml}: {error}") from None

    def write(self, model: BundleDescription, train: TrainConfig) -> None:
        """Write both descriptions.

        Raises:
            OutputError: the folder cannot be written.
        """
        write_text(self.model_yaml, to_yaml(model))
        write_text(self.train_yaml, to_yaml(train))

    def write_scores(self, history: list[dict[str, Any]], best_epoch: int) -> None:
        """Write `scores.json`.

        Raises:
            OutputError: the folder cannot be written.
        """
        write_text(self.scores, json.dumps({"best_epoch": best_epoch, "epochs": history}, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file under a temporary name and rename it.

    Raises:
        OutputError: it cannot be written; what was there before still is.
    """
    unfinished = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, path)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written: {error.strerror or error}; make room or choose another folder"
        ) from None
