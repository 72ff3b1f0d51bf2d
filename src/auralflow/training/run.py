"""Train a run folder from its config to its bundle."""

from __future__ import annotations

import dataclasses
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.utilities.warnings import PossibleUserWarning

from auralflow.config import to_dict
from auralflow.data.config import SourceConfig
from auralflow.data.loader import Schedule, make_loader
from auralflow.data.open import find_root
from auralflow.data.prepare import TrainingData, build_cache, make_drawer, prepare_data
from auralflow.errors import AudioError, CheckpointError, ConfigError, TrainingError
from auralflow.losses import build_losses
from auralflow.pretrained.bundle import BundleDescription, build_described, find_architecture, save_bundle
from auralflow.registry import config_class
from auralflow.separation.progress import CancelToken
from auralflow.speed.precision import has_half_precision
from auralflow.storage.address import Place
from auralflow.training.config import TrainConfig
from auralflow.training.configure import override
from auralflow.training.devices import Devices, choose_devices
from auralflow.training.epochs import EpochEnd, Epochs, Outcome
from auralflow.training.folder import RunFolder
from auralflow.training.logs import Logs
from auralflow.training.meter import Meter
from auralflow.training.resume import ResumePoint, read_checkpoint
from auralflow.training.start import build_model, merge_adapters
from auralflow.training.stop import StopSignals
from auralflow.training.task import BadLoss, TrainingTask, fixed_settings
from auralflow.training.validate import Validator

_PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}


@dataclass(frozen=True)
class TrainReport:
    """How a training run went."""

    folder: Path
    outcome: Outcome
    epochs: int
    """Epochs done in all, those of earlier runs among them."""
    best_epoch: int
    best: dict[str, Any]
    """The row of `scores.json` of the best epoch; empty when none was validated."""
    failed_files: tuple[str, ...]
    """What could not be read, one line each."""


@dataclass(frozen=True)
class TrainEvents:
    """What a run tells while it goes on; each may be called from the first rank only."""

    line: Callable[[str], None] = lambda _: None
    """What was found and decided, before it begins."""
    cache: Callable[[int, int], None] = lambda done, total: None
    """Files in the cache so far, and how many there will be."""
    epoch: Callable[[EpochEnd], None] = lambda _: None
    """The end of each epoch."""
    batch: Callable[[int, int], None] = lambda done, total: None
    """Batches done, and how many the run has."""


def train_run(
    folder: RunFolder,
    data: Sequence[str | Path] = (),
    *,
    resume: bool = False,
    device: str = "auto",
    n_devices: int = 1,
    n_nodes: int = 1,
    overrides: Mapping[str, Any] | None = None,
    events: TrainEvents | None = None,
    cancel: CancelToken | None = None,
) -> TrainReport:
    """Train the model of a run folder; see `auralflow.api.train` for the arguments.

    Raises:
        ConfigError: a setting or the data cannot be.
        CheckpointError: there is nothing to resume, or it belongs to another model.
        TrainingError: the loss is no number, or too many files could not be read.
        OutputError: a checkpoint cannot be written.
    """
    events = events or TrainEvents()
    devices = choose_devices(device, n_devices, n_nodes)
    description, config = _read_config(folder, data, overrides or {}, resume)
    told = _check_precision(config, devices)
    found = prepare_data(config.data, description.spec)
    schedule = Schedule(
        found.n_samples,
        config.data.batch_size,
        config.trainer.max_epochs,
        devices.n_ranks,
        devices.rank,
        config.optimizer.accumulate,
    )
    point = _find_point(folder, description, fixed_settings(config, schedule), resume)
    if point.n_batches >= schedule.n_batches * schedule.n_epochs:
        n_done = point.n_batches // schedule.n_batches
        raise ConfigError(f"trainer.max_epochs: {folder.path} has done {n_done} epochs already; raise it to go on")
    start = build_model(folder.path, description, config.trainer.seed, config.fine_tune)
    losses = build_losses(config.loss, sample_rate=description.spec.sample_rate)
    task = TrainingTask(_in_memory_format(start.model, config), losses, config, schedule, _identity(description))
    task.check_loss()
    if devices.rank == 0:
        # Not before all of it is known to be possible: what is refused must change nothing.
        folder.write(description, config)
        for line in (*found.lines, *start.lines, *told, _describe_schedule(schedule)):
            events.line(line)
    return _fit(folder, description, task, found, devices, point, events, cancel)


def _fit(
    folder: RunFolder,
    description: BundleDescription,
    task: TrainingTask,
    data: TrainingData,
    devices: Devices,
    point: ResumePoint,
    events: TrainEvents,
    cancel: CancelToken | None,
) -> TrainReport:
    config, schedule, spec = task.config, task.schedule, description.spec
    cache = None
    if config.data.cache == "pcm":
        cache_folder = Path(config.data.cache_folder or folder.path / "cache")
        cache = build_cache(data, cache_folder, spec, events.cache)
    meter = Meter(schedule.n_ranks)
    logs = Logs(folder, config.log, point.n_batches, is_writer=devices.rank == 0)

    def report(end: EpochEnd) -> None:
        logs.write_epoch(end, task)
        events.epoch(end)

    n_examples = int(devices.rank == 0 and (config.log.pictures or config.log.audio))
    epochs = Epochs(
        folder,
        Validator(data.valid_songs, config.valid, data.n_chunk, n_examples),
        meter,
        StopSignals(cancel),
        lambda task: _save_bundle(task, folder, description),
        report,
        events.batch,
    )
    loader = make_loader(
        make_drawer(data, config.data, spec, seed=config.trainer.seed, cache=cache),
        schedule,
        n_workers=config.data.n_workers,
        prefetch=config.data.prefetch,
        pin_memory=config.data.pin_memory,
        first_batch=point.n_batches,
    )
    callbacks = [meter, logs, epochs]
    _run_trainer(folder, task, loader, devices, callbacks, point)
    progress = task.progress
    best = next((row for row in progress.history if row["epoch"] == progress.best_epoch), {})
    n_epochs = len(progress.history)
    return TrainReport(folder.path, epochs.outcome, n_epochs, progress.best_epoch, best, tuple(progress.failed_files))


def _run_trainer(
    folder: RunFolder,
    task: TrainingTask,
    loader: Any,
    devices: Devices,
    callbacks: list[lightning.Callback],
    point: ResumePoint,
) -> None:
    config = task.config
    with warnings.catch_warnings(), _quiet("lightning.pytorch"), _quiet("lightning.fabric"):
        # Advice on loaders and loops that are ours on purpose.
        warnings.simplefilter("ignore", PossibleUserWarning)
        warnings.filterwarnings("ignore", "The `srun` command is available|.*isinstance.treespec, LeafSpec")
        warnings.filterwarnings("ignore", "This DataLoader will create")
        trainer = lightning.Trainer(
            accelerator=devices.accelerator,
            devices=devices.ids,
            num_nodes=devices.n_nodes,
            strategy="ddp" if devices.n_ranks > 1 else "auto",
            plugins=[SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else None,
            precision=_PRECISIONS[config.trainer.precision],  # type: ignore[arg-type]
            max_epochs=1,
            accumulate_grad_batches=config.optimizer.accumulate,
            callbacks=callbacks,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            default_root_dir=folder.path,
        )
        try:
            trainer.fit(task, loader, ckpt_path=point.path, weights_only=True)
        except BadLoss as error:
            raise _keep_batch(folder, task.schedule, error) from None
        except AudioError as error:
            raise TrainingError(_plain_message(error)) from None


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Let a logger speak of problems only."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _read_config(
    folder: RunFolder, data: Sequence[str | Path], overrides: Mapping[str, Any], resume: bool
) -> tuple[BundleDescription, TrainConfig]:
    described = folder.read_model()
    of_model = config_class(find_architecture(folder.path, described))
    description, config = override(described, folder.read_train(), overrides, of_model)
    if resume and description != described:
        raise ConfigError("spec, config: a run that is resumed keeps its model; change it in a new run")
    if data:
        sources = tuple(SourceConfig(_name_root(find_root(root))) for root in data)
        config = dataclasses.replace(config, data=dataclasses.replace(config.data, sources=sources))
    return description, config


def _name_root(root: Place) -> str:
    """Absolute, so that the run can be resumed from anywhere."""
    return str(root.absolute()) if isinstance(root, Path) else root.url


def _check_precision(config: TrainConfig, devices: Devices) -> tuple[str, ...]:
    """What to say of it, if anything."""
    if config.trainer.precision == "16" and devices.accelerator == "cpu":
        raise ConfigError("trainer.precision: 16 needs a GPU, whose loss it scales; a CPU has bf16")
    if config.trainer.precision == "bf16" and not has_half_precision(torch.device(devices.accelerator)):
        return ("this CPU has no bf16 arithmetic: training is slower by it, not faster; see trainer.precision",)
    return ()


def _find_point(folder: RunFolder, description: BundleDescription, fixed: dict[str, Any], resume: bool) -> ResumePoint:
    if resume:
        return read_checkpoint(folder.last, _identity(description), fixed)
    if folder.last.exists():
        raise CheckpointError(
            f"{folder.path}: has been trained before; go on with --resume, or begin anew in another folder"
        )
    return ResumePoint(None, 0)


def _identity(description: BundleDescription) -> dict[str, Any]:
    return {
        "architecture": description.architecture,
        "spec": to_dict(description.spec),
        "config": description.config,
    }


def _in_memory_format(model: torch.nn.Module, config: TrainConfig) -> torch.nn.Module:
    if config.trainer.channels_last:
        return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
    return model


def _describe_schedule(schedule: Schedule) -> str:
    n_seen = schedule.n_batches * schedule.batch_size * schedule.n_ranks
    return f"{n_seen} chunks in {schedule.n_batches} batches an epoch, {schedule.n_epochs} epochs"


def _save_bundle(task: TrainingTask, folder: RunFolder, description: BundleDescription) -> None:
    """Write the weights as they are now, adapters merged, as the run folder's bundle."""
    plain = build_described(folder.path, description)
    plain.load_state_dict(merge_adapters(task.model))
    code = (folder.path / f"{description.architecture}.py").read_bytes() if description.code_sha256 else None
    save_bundle(plain, folder.path, architecture=description.architecture, config=description.config, code=code)


def _plain_message(error: AudioError) -> str:
    """The message alone: an error from a worker comes with its traceback as text, which ends in it."""
    return str(error).strip().splitlines()[-1].removeprefix(f"{AudioError.__module__}.{AudioError.__name__}: ")


def _keep_batch(folder: RunFolder, schedule: Schedule, error: BadLoss) -> TrainingError:
    path = folder.path / f"bad_batch_{error.batch_idx}.pt"
    note = ""
    # With seed and data, epoch and numbers tell the chunks again.
    keys = schedule.keys(error.batch_idx)
    kept = {"epoch": keys[0].epoch, "numbers": [key.number for key in keys]}
    try:
        torch.save({**kept, "mixture": error.batch.mixture.cpu(), "targets": error.batch.targets.cpu()}, path)
        note = f"; the batch is kept in {path}"
    except (OSError, RuntimeError):
        path.unlink(missing_ok=True)
    return TrainingError(f"{error}{note}; lower the learning rate, clip gradients, or train in 32 bits")


def is_first_process() -> bool:
    """Whether this is the first of the processes that Lightning, torchrun or Slurm started, if there are several."""
    return all(int(os.environ.get(name, "0")) == 0 for name in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"))
