"""Model, loss and optimizer as Lightning wants them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import lightning
import torch
from torch import Tensor, nn

from auralflow.config import to_dict
from auralflow.data.loader import Batch, Schedule
from auralflow.errors import ConfigError, TrainingError
from auralflow.estimate import Estimate
from auralflow.losses import SumOfLosses
from auralflow.spec import ModelSpec
from auralflow.training.config import TrainConfig
from auralflow.training.echo import add_echoes
from auralflow.training.ema import Ema
from auralflow.training.rates import apply_settings, make_optimizer, rate_factor, set_rates


@dataclass
class Progress:
    """What a run knows of itself besides its weights; saved with every checkpoint."""

    best: float | None = None
    """Best validation so far: mean SDR, or minus the loss."""
    best_epoch: int = 0
    n_stale: int = 0
    """Validations since the best."""
    n_stale_here: int = 0
    """Validations without improvement since the last plateau."""
    n_plateaus: int = 0
    loss_sum: float = 0.0
    """Of the batches of this epoch so far."""
    n_losses: int = 0
    failed_files: list[str] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    """A row for each epoch: losses, scores, times."""


class TrainingTask(lightning.LightningModule):
    """One training step after the other; epochs, validation and files are the callbacks' work.

    Args:
        model: maps mixtures to stems, or has `estimate`.
        identity: what the checkpoint must agree with to be resumed: architecture, spec and config of the model.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: SumOfLosses,
        config: TrainConfig,
        schedule: Schedule,
        identity: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.model, self.loss, self.config, self.schedule = model, loss, config, schedule
        self.spec = cast(ModelSpec, model.spec)
        self.identity = identity or {}
        self.progress = Progress()
        self.ema = Ema(model, config.optimizer.ema_decay) if config.optimizer.ema_decay else None
        self._estimate: Callable[[Tensor], Estimate] = self.estimate
        if config.trainer.compile:
            self._estimate = torch.compile(self.estimate)
        self.last_parts: dict[str, Tensor] = {}

    @property
    def fixed(self) -> dict[str, Any]:
        """What a run keeps from its beginning to its end, by dotted keys; plain containers."""
        return fixed_settings(self.config, self.schedule)

    @property
    def n_steps(self) -> int:
        """Optimizer steps of the whole run."""
        return self.schedule.n_batches * self.schedule.n_epochs // self.config.optimizer.accumulate

    def estimate(self, mixture: Tensor) -> Estimate:
        """The model's estimate, or its stems alone where it offers no more."""
        full: Callable[[Tensor], Estimate] | None = getattr(self.model, "estimate", None)
        return Estimate(self.model(mixture), mixture) if full is None else full(mixture)

    def check_loss(self) -> None:
        """Find out on a moment of silence whether the model gives what the loss needs.

        Raises:
            ConfigError: it does not.
        """
        with torch.no_grad():
            estimate = self.estimate(torch.zeros(1, self.spec.channels, min(self.spec.segment_samples, 8192)))
        for name in self.loss.needs:
            if getattr(estimate, name) is None:
                raise ConfigError(
                    f"loss: needs the model's {name}, which {type(self.model).__name__} does not give; choose another"
                )

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return make_optimizer(self.model, self.config.optimizer, is_fused=self.config.trainer.precision != "16")

    def on_train_start(self) -> None:
        apply_settings(self.trainer.optimizers[0], self.config.optimizer)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        # Dropout and the like draw from a generator that is seeded anew for each batch: there is no state to save.
        seed = (self.config.trainer.seed * 1_000_003 + batch_idx) * self.schedule.n_ranks + self.schedule.rank
        torch.manual_seed(seed % 2**63)
        step = batch_idx // self.config.optimizer.accumulate
        factor = rate_factor(step, self.n_steps, self.config.scheduler, self.progress.n_plateaus)
        set_rates(self.trainer.optimizers[0], self.config.optimizer, factor)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        seen = add_echoes(batch, self.config.data.echoes)
        total, parts = self.loss(self._estimate(seen.mixture), seen.targets)
        if not torch.isfinite(total):
            raise BadLoss(batch, batch_idx, float(total.detach()))
        self.last_parts = {name: value.detach() for name, value in parts.items()}
        return total

    def configure_gradient_clipping(self, *args: Any, **kwargs: Any) -> None:
        # Lightning's own refuses fused optimizers in 16 bits, for the sake of gradient scalers; with those ours are not
        # fused.
        config = self.config.optimizer
        if config.clip_value:
            nn.utils.clip_grad_value_(self.parameters(), config.clip_value)
        elif config.clip_norm:
            nn.utils.clip_grad_norm_(self.parameters(), config.clip_norm)

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        super().optimizer_step(*args, **kwargs)
        if self.ema is not None:
            self.ema.update()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        progress = dataclasses.asdict(self.progress)
        checkpoint["auralflow"] = {"identity": self.identity, "fixed": self.fixed, "progress": progress}
        if self.ema is not None:
            checkpoint["auralflow"]["ema"] = self.ema.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        own = checkpoint["auralflow"]
        self.progress = Progress(**own["progress"])
        if self.ema is not None and "ema" in own:
            self.ema.load_state_dict(own["ema"])
        # The run may be longer now than when it was saved: its last batch need not be the last one.
        checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]["is_last_batch"] = False


def fixed_settings(config: TrainConfig, schedule: Schedule) -> dict[str, Any]:
    """Settings that would make another run of one that is resumed: what a batch is, and what a step does with it.

    The number of batches stands for the data: with other songs, the batches that are done would be others.
    """
    return {
        "optimizer.name": config.optimizer.name,
        "optimizer.accumulate": config.optimizer.accumulate,
        "data.batch_size": config.data.batch_size,
        "devices": schedule.n_ranks,
        "data.n_samples": schedule.n_samples,
        "fine_tune.freeze": list(config.fine_tune.freeze),
        "fine_tune.lora": None if config.fine_tune.lora is None else to_dict(config.fine_tune.lora),
        "optimizer.ema_decay": config.optimizer.ema_decay,
    }


class BadLoss(TrainingError):
    """A loss that is no number, with the batch that gave it, and the number of that among all of the run."""

    def __init__(self, batch: Batch, batch_idx: int, value: float) -> None:
        super().__init__(f"the loss of batch {batch_idx} is {value}")
        self.batch, self.batch_idx = batch, batch_idx
