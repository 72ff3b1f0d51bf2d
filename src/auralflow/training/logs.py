"""Write down how a run goes: scalars, and on demand layers, pictures and sounds, for TensorBoard and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import numpy as np
import torch

from auralflow.audio.types import Audio
from auralflow.data.loader import Batch
from auralflow.errors import OutputError, import_extra
from auralflow.plots import plot_stems, save_figure
from auralflow.training.config import LogConfig
from auralflow.training.epochs import EpochEnd
from auralflow.training.folder import RunFolder
from auralflow.training.task import TrainingTask
from auralflow.training.validate import Example

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_SOUND_S = 10.0


class Logs(lightning.Callback):
    """Entries every few batches, and at the end of each epoch.

    Args:
        first_batch: with what a resumed run goes on; entries of an earlier one from there on are dropped.
        is_writer: whether this rank writes; all of them take part in the means.
    """

    def __init__(self, folder: RunFolder, config: LogConfig, first_batch: int = 0, is_writer: bool = True) -> None:
        self._folder, self._config = folder, config
        self._csv: CsvLog | None = None
        self._board: SummaryWriter | None = None
        if is_writer:
            folder.logs.mkdir(parents=True, exist_ok=True)
            self._csv = CsvLog(folder.logs / "metrics.csv", first_batch) if config.csv else None
            self._board = _open_board(folder.logs, first_batch) if config.tensorboard else None

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: lightning.Trainer, task: TrainingTask, outputs: dict[str, Any], batch: Batch, batch_idx: int
    ) -> None:
        if (batch_idx + 1) % self._config.every_steps == 0:
            parts = {"loss": outputs["loss"].detach() * task.config.optimizer.accumulate, **task.last_parts}
            values = {f"train/{name}": _mean(trainer, task, value) for name, value in parts.items()}
            values["train/learning_rate"] = trainer.optimizers[0].param_groups[0]["lr"]
            self._write(values, batch_idx + 1)

    def write_epoch(self, end: EpochEnd, task: TrainingTask) -> None:
        """Write what is known at the end of an epoch."""
        step = end.epoch * task.schedule.n_batches
        self._write(dict(_scalars(end)), step)
        if self._board is not None and (self._config.weights or self._config.gradients):
            self._write_layers(self._board, task, step)
        for example in end.valid.examples if end.valid else ():
            self._write_example(example, step)

    def teardown(self, trainer: lightning.Trainer, task: Any, stage: str) -> None:
        if self._board is not None:
            self._board.close()

    def _write(self, values: dict[str, float], step: int) -> None:
        if self._csv is not None:
            self._csv.write(step, values)
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def _write_layers(self, board: SummaryWriter, task: TrainingTask, step: int) -> None:
        for name, parameter in task.model.named_parameters():
            kinds = {"weights": parameter.detach()} if self._config.weights else {}
            if self._config.gradients and parameter.grad is not None:
                kinds["gradients"] = parameter.grad
            for kind, tensor in kinds.items():
                board.add_scalar(f"{kind}_norm/{name}", float(tensor.norm()), step)
                board.add_histogram(f"{kind}/{name}", tensor.float().cpu(), step)

    def _write_example(self, example: Example, step: int) -> None:
        for stem, target in example.targets.items():
            estimate = example.estimates[stem]
            residual = Audio(target.samples - estimate.samples, target.sample_rate)
            if self._config.pictures:
                figure = plot_stems(
                    {"target": target, "estimate": estimate, "residual": residual}, f"{example.name}: {stem}"
                )
                save_figure(figure, self._folder.images / f"{stem}.png")
                if self._board is not None:
                    self._board.add_figure(f"stems/{stem}", figure, step)
            if self._config.audio and self._board is not None:
                for kind, audio in (("estimate", estimate), ("residual", residual)):
                    self._board.add_audio(f"{kind}/{stem}", _excerpt(audio), step, audio.sample_rate)


class CsvLog:
    """Rows of `step,name,value`, appended; a run that is resumed drops what it is about to write again."""

    def __init__(self, path: Path, first_step: int) -> None:
        self._path = path
        kept = [row for row in _read_rows(path) if int(row[0]) <= first_step] if first_step else []
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("step", "name", "value"), *kept])

    def write(self, step: int, values: dict[str, float]) -> None:
        """Append a row for each value."""
        try:
            with self._path.open("a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows((step, name, repr(float(value))) for name, value in values.items())
        except OSError as error:
            raise OutputError(
                f"{self._path}: cannot be written: {error.strerror or error}; the last checkpoint is intact; make room "
                "and go on with --resume"
            ) from None


def _mean(trainer: lightning.Trainer, task: TrainingTask, value: torch.Tensor) -> float:
    """Over the ranks."""
    if task.schedule.n_ranks > 1:
        value = trainer.strategy.reduce(value.clone(), reduce_op="mean")
    return float(value)


def _read_rows(path: Path) -> list[list[str]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.reader(file) if len(row) == 3 and row[0].isdigit()]


def _open_board(folder: Path, first_batch: int) -> SummaryWriter:
    import_extra("tensorboard", "train")
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=first_batch + 1 if first_batch else None)


def _scalars(end: EpochEnd) -> Iterator[tuple[str, float]]:
    yield "epoch/train_loss", end.train_loss
    yield "epoch/samples_per_s", end.samples_per_s
    yield "epoch/data_wait", end.data_wait
    if end.valid is not None:
        yield "epoch/valid_loss", end.valid.loss
        yield "epoch/valid_sdr_db", end.valid.mean_sdr_db
        for stem, value in end.valid.sdr_db.items():
            yield f"valid_sdr_db/{stem}", value


def _excerpt(audio: Audio) -> torch.Tensor:
    """The loudest ten seconds, mixed to mono, within full scale."""
    mono = audio.samples.mean(axis=0)
    n_samples = min(len(mono), round(_SOUND_S * audio.sample_rate))
    energy = np.concatenate([[0.0], np.cumsum(mono.astype(np.float64) ** 2)])
    start = int(np.argmax(energy[n_samples:] - energy[: len(energy) - n_samples]))
    return torch.from_numpy(mono[start : start + n_samples]).clamp(-1, 1)[None]
