"""What happens between steps: failures are counted, epochs end, checkpoints are saved, the run stops."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightning
import torch

from auralflow.data.loader import Batch
from auralflow.errors import OutputError, TrainingError
from auralflow.training.folder import RunFolder
from auralflow.training.meter import Meter
from auralflow.training.stop import StopSignals
from auralflow.training.task import TrainingTask
from auralflow.training.validate import Validation, Validator

Outcome = Literal["finished", "stopped early", "interrupted"]


@dataclass(frozen=True)
class EpochEnd:
    """What is known at the end of an epoch."""

    epoch: int
    """From 1."""
    n_epochs: int
    train_loss: float
    samples_per_s: float
    data_wait: float
    """Share of the time, 0 to 1, spent waiting for batches."""
    learning_rate: float
    valid: Validation | None
    is_best: bool


class Epochs(lightning.Callback):
    """Runs the epochs of a run; they are spans of batches of Lightning's one long epoch.

    Args:
        save_bundle: called when the weights are the best so far, with those weights in place.
        report: called at the end of each epoch, on the first rank.
        count: called after each batch, on the first rank, with the batches done and those of the whole run.
    """

    def __init__(
        self,
        folder: RunFolder,
        validator: Validator,
        meter: Meter,
        signals: StopSignals,
        save_bundle: Callable[[TrainingTask], None],
        report: Callable[[EpochEnd], None],
        count: Callable[[int, int], None],
    ) -> None:
        self._folder, self._validator, self._meter, self._signals = folder, validator, meter, signals
        self._save_bundle, self._report, self._count = save_bundle, report, count
        self.outcome: Outcome = "finished"
        self._started = time.perf_counter()

    def on_train_start(self, trainer: lightning.Trainer, task: TrainingTask) -> None:  # type: ignore[override]
        self._signals.enter()

    def on_train_batch_end(  # type: ignore[override]
        self, trainer: lightning.Trainer, task: TrainingTask, outputs: dict[str, Any], batch: Batch, batch_idx: int
    ) -> None:
        n_done, plan, config = batch_idx + 1, task.schedule, task.config
        task.progress.loss_sum += float(outputs["loss"]) * config.optimizer.accumulate
        task.progress.n_losses += 1
        self._count_failures(task, batch.failures)
        is_epoch_end, is_step_end = n_done % plan.n_batches == 0, n_done % config.optimizer.accumulate == 0
        if is_epoch_end:
            self._end_epoch(trainer, task, n_done // plan.n_batches)
        is_stop = is_step_end and n_done < plan.n_batches * plan.n_epochs and self._is_stop_requested(trainer, task)
        is_due = (
            is_step_end
            and config.trainer.checkpoint_steps is not None
            and n_done % config.trainer.checkpoint_steps == 0
        )
        if is_epoch_end or is_stop or is_due:
            self._save(trainer, self._folder.last)
        if is_stop:
            self.outcome, trainer.should_stop = "interrupted", True
        if trainer.is_global_zero:
            self._count(n_done, plan.n_batches * plan.n_epochs)
        self._meter.mark_ready()

    def teardown(self, trainer: lightning.Trainer, task: Any, stage: str) -> None:
        self._signals.leave()

    def _is_stop_requested(self, trainer: lightning.Trainer, task: TrainingTask) -> bool:
        if task.schedule.n_ranks == 1:
            return self._signals.is_requested
        return trainer.strategy.reduce_boolean_decision(self._signals.is_requested, all=False)

    def _count_failures(self, task: TrainingTask, failures: Iterable[str]) -> None:
        known = task.progress.failed_files
        paths = {failure.partition(": ")[0] for failure in known}
        for failure in failures:
            path = failure.partition(": ")[0]
            if path not in paths:
                paths.add(path)
                known.append(failure)
        if len(known) > task.config.data.max_failures:
            raise TrainingError(
                f"more files cannot be read than data.max_failures allows ({task.config.data.max_failures}); "
                f"the last: {known[-1]}"
            )

    def _end_epoch(self, trainer: lightning.Trainer, task: TrainingTask, epoch: int) -> None:
        progress, speed = task.progress, self._meter.read()
        train_loss = self._mean_loss(trainer, task)
        is_due = epoch % task.config.valid.every_epochs == 0 or epoch == task.schedule.n_epochs
        valid = self._validator.run(task) if is_due and self._validator.has_songs else None
        self._count_failures(task, valid.failures if valid else ())
        is_best = self._judge(task, valid, epoch) if valid else not self._validator.has_songs
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        end = EpochEnd(
            epoch, task.schedule.n_epochs, train_loss, speed.samples_per_s, speed.data_wait, rate, valid, is_best
        )
        progress.history.append(_row(end))
        progress.loss_sum, progress.n_losses = 0.0, 0
        if is_best:
            self._save(trainer, self._folder.best)
        if trainer.is_global_zero:
            if is_best:
                with task.ema.applied() if task.ema else contextlib.nullcontext():
                    self._save_bundle(task)
            self._folder.write_scores(progress.history, progress.best_epoch)
            self._report(end)
        if self._is_stale(task):
            self.outcome, trainer.should_stop = "stopped early", True

    def _mean_loss(self, trainer: lightning.Trainer, task: TrainingTask) -> float:
        mean = task.progress.loss_sum / max(1, task.progress.n_losses)
        if task.schedule.n_ranks == 1:
            return mean
        return float(trainer.strategy.reduce(torch.tensor(mean, device=task.device), reduce_op="mean"))

    def _judge(self, task: TrainingTask, valid: Validation, epoch: int) -> bool:
        """Note whether this is the best so far, and whether a plateau is reached."""
        progress, config = task.progress, task.config.valid
        value = valid.mean_sdr_db if config.monitor == "sdr" else -valid.loss
        if not math.isnan(value) and (progress.best is None or value > progress.best + config.min_delta):
            progress.best, progress.best_epoch, progress.n_stale, progress.n_stale_here = value, epoch, 0, 0
            return True
        if progress.best is None:  # nothing to judge by, such as songs in which every stem is silent
            progress.best_epoch = epoch
            return True
        progress.n_stale += 1
        progress.n_stale_here += 1
        if progress.n_stale_here >= task.config.scheduler.plateau_patience:
            progress.n_plateaus += 1
            progress.n_stale_here = 0
        return False

    def _is_stale(self, task: TrainingTask) -> bool:
        progress, config = task.progress, task.config.valid
        return (config.stop_patience is not None and progress.n_stale >= config.stop_patience) or (
            config.stop_plateaus is not None and progress.n_plateaus >= config.stop_plateaus
        )

    def _save(self, trainer: lightning.Trainer, path: Path) -> None:
        """Save under a temporary name; all ranks take part, the first one writes."""
        unfinished = path.with_name(f".{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            trainer.save_checkpoint(unfinished, weights_only=False)
            if trainer.is_global_zero:
                os.replace(unfinished, path)
        except (OSError, RuntimeError) as error:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)
            reason = getattr(error, "strerror", None) or error
            raise OutputError(
                f"{path}: the checkpoint cannot be written: {reason}; the one before is intact; make room and go on "
                "with --resume"
            ) from None


def _row(end: EpochEnd) -> dict[str, Any]:
    row: dict[str, Any] = {
        "epoch": end.epoch,
        "train_loss": end.train_loss,
        "learning_rate": end.learning_rate,
        "samples_per_s": round(end.samples_per_s, 3),
        "data_wait": round(end.data_wait, 4),
    }
    if end.valid is not None:
        row["valid_loss"] = end.valid.loss
        row["valid_sdr_db"] = {k: None if math.isnan(v) else round(v, 4) for k, v in end.valid.sdr_db.items()}
        row["is_best"] = end.is_best
    return row
