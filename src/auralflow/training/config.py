"""What a training run is: `train.yaml` as dataclasses. The docstring under a field is its help text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from auralflow.data.config import DataConfig
from auralflow.errors import ConfigError
from auralflow.losses import LossTerm


@dataclass(frozen=True)
class OptimizerConfig:
    """How the weights follow the gradient.

    Raises:
        ConfigError: a value that cannot be.
    """

    name: Literal["adam", "adamw", "sgd"] = "adamw"
    """Adam (Kingma, Ba 2015), AdamW (Loshchilov, Hutter 2019) or SGD with momentum."""
    learning_rate: float = 1e-3
    """Of all layers, before the scheduler."""
    recurrent_learning_rate: float | None = None
    """Of recurrent layers (LSTM, GRU, RNN); by default that of all."""
    beta_1: float = 0.9
    """Decay of the mean of the gradients; the momentum of SGD."""
    beta_2: float = 0.999
    """Decay of the mean of their squares."""
    weight_decay: float = 0.0
    """Pull of the weights towards zero."""
    clip_norm: float = 0.0
    """Gradients longer than this are scaled down to it; 0 leaves them."""
    clip_value: float = 0.0
    """Each number of a gradient is kept within plus and minus this; 0 leaves them."""
    accumulate: int = 1
    """Batches whose gradients are averaged for one step."""
    ema_decay: float = 0.0
    """Decay of a running mean of the weights, which then validates and is bundled (0.999, say); 0 has none."""

    def __post_init__(self) -> None:
        _check_least("optimizer.accumulate", self.accumulate, 1)
        for name in ("learning_rate", "recurrent_learning_rate", "clip_norm", "clip_value", "weight_decay"):
            if getattr(self, name) is not None:
                _check_least(f"optimizer.{name}", getattr(self, name), 0)
        for name in ("beta_1", "beta_2", "ema_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"optimizer.{name}: expected 0 to below 1, got {getattr(self, name)!r}")
        if self.clip_norm and self.clip_value:
            raise ConfigError("optimizer.clip_norm: excludes clip_value; set one of them to 0")


@dataclass(frozen=True)
class SchedulerConfig:
    """How the learning rate changes: a factor on it, from 0 to 1.

    Raises:
        ConfigError: a value that cannot be.
    """

    name: Literal["constant", "cosine", "plateau"] = "plateau"
    """`constant`; `cosine`: down to `final_factor` at the end of the run; `plateau`: down when validation stalls."""
    warm_up_steps: int = 0
    """Steps in which the factor first rises from 0 to 1."""
    final_factor: float = 0.01
    """Where `cosine` ends, and what `plateau` never goes below."""
    plateau_factor: float = 0.5
    """By how much a plateau lowers the factor."""
    plateau_patience: int = 5
    """Epochs without improvement that make a plateau."""

    def __post_init__(self) -> None:
        _check_least("scheduler.warm_up_steps", self.warm_up_steps, 0)
        _check_least("scheduler.plateau_patience", self.plateau_patience, 1)
        for name in ("final_factor", "plateau_factor"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"scheduler.{name}: expected 0 to 1, got {getattr(self, name)!r}")


@dataclass(frozen=True)
class ValidConfig:
    """How the model is judged during training: on whole songs, through the separation engine.

    Raises:
        ConfigError: a value that cannot be.
    """

    every_epochs: int = 1
    """Epochs between two validations."""
    monitor: Literal["sdr", "loss"] = "sdr"
    """What tells the best checkpoint, plateaus and when to stop: mean SDR in dB (higher is better) or the loss."""
    max_songs: int | None = None
    """Use no more songs than this."""
    max_s: float | None = None
    """Use no more than the first so many seconds of each."""
    min_delta: float = 0.0
    """What counts as an improvement must be more than this (dB of SDR, or units of the loss)."""
    stop_patience: int | None = None
    """Stop after this many validations without improvement; by default never."""
    stop_plateaus: int | None = None
    """Stop after this many plateaus of the scheduler; by default never."""

    def __post_init__(self) -> None:
        _check_least("valid.every_epochs", self.every_epochs, 1)
        for name in ("max_songs", "stop_patience", "stop_plateaus"):
            if getattr(self, name) is not None:
                _check_least(f"valid.{name}", getattr(self, name), 1)
        if self.max_s is not None and not self.max_s > 0:
            raise ConfigError(f"valid.max_s: expected more than 0 seconds, got {self.max_s!r}")


@dataclass(frozen=True)
class LogConfig:
    """What is written down on the way.

    Raises:
        ConfigError: a value that cannot be.
    """

    tensorboard: bool = True
    """Write `logs/` for TensorBoard (extra `train`)."""
    csv: bool = True
    """Write `logs/metrics.csv`."""
    every_steps: int = 10
    """Batches between two entries."""
    weights: bool = False
    """Norm and histogram of each layer's weights at every validation."""
    gradients: bool = False
    """Norm and histogram of each layer's gradients at every validation."""
    pictures: bool = False
    """Waveform and spectrogram of estimates beside their targets at every validation (extra `plots`)."""
    audio: bool = False
    """Ten seconds of each estimate and of what is left of its target, to play in TensorBoard."""

    def __post_init__(self) -> None:
        _check_least("log.every_steps", self.every_steps, 1)


@dataclass(frozen=True)
class LoraConfig:
    """Low-rank adapters (E. Hu et al., 2021), trained in place of the layers they sit on; merged when bundled.

    Raises:
        ConfigError: the rank is below 1.
    """

    rank: int = 8
    """Of the update of each layer."""
    alpha: int = 16
    """Scale of the update, relative to the rank."""
    layers: tuple[str, ...] = ("*",)
    """Patterns of the names of the linear and convolution layers that get one."""

    def __post_init__(self) -> None:
        _check_least("fine_tune.lora.rank", self.rank, 1)


@dataclass(frozen=True)
class FineTuneConfig:
    """What the training begins with, and what of it stays.

    Raises:
        ConfigError: adapters for no model.
    """

    source: str | None = None
    """Bundle or model whose weights are taken; tensors of other shapes (the head, when stems differ) begin anew."""
    freeze: tuple[str, ...] = ()
    """Patterns of parameter names that are not trained, such as `network.down.*`."""
    lora: LoraConfig | None = None
    """Train adapters only, and what begins anew (extra `lora`)."""

    def __post_init__(self) -> None:
        if self.lora is not None and self.source is None:
            raise ConfigError("fine_tune.lora: adapts a trained model; name it with --from")


@dataclass(frozen=True)
class TrainerConfig:
    """How long, how exactly, from which seed.

    Raises:
        ConfigError: a value that cannot be.
    """

    max_epochs: int = 100
    """Epochs of the run."""
    seed: int = 0
    """Initial weights, chunks, dropout: two runs with one seed are equal."""
    precision: Literal["32", "bf16", "16"] = "32"
    """Bits of the arithmetic; `bf16` and `16` are mixed precision, `16` with a scaled loss (GPU only)."""
    channels_last: bool = False
    """Memory order in which 2-D convolutions are faster on many devices."""
    compile: bool = False
    """Compile the model with torch.compile; the first batches take minutes."""
    checkpoint_steps: int | None = None
    """Also save the last checkpoint every so many batches; by default at each end of an epoch."""

    def __post_init__(self) -> None:
        _check_least("trainer.max_epochs", self.max_epochs, 1)
        _check_least("trainer.seed", self.seed, 0)
        if self.checkpoint_steps is not None:
            _check_least("trainer.checkpoint_steps", self.checkpoint_steps, 1)


@dataclass(frozen=True)
class TrainConfig:
    """A training run.

    Raises:
        ConfigError: a value that cannot be.

    Example:
        >>> TrainConfig(trainer=TrainerConfig(max_epochs=3)).optimizer.name
        'adamw'
    """

    data: DataConfig = field(default_factory=DataConfig)
    """What is trained on."""
    loss: tuple[LossTerm, ...] = (LossTerm("l1"),)
    """Losses from `auralflow.losses`, summed with their weights."""
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    """How the weights follow the gradient."""
    scheduler: SchedulerConfig = field(default_factory=SchedulerConfig)
    """How the learning rate changes."""
    valid: ValidConfig = field(default_factory=ValidConfig)
    """How the model is judged on the way."""
    log: LogConfig = field(default_factory=LogConfig)
    """What is written down on the way."""
    fine_tune: FineTuneConfig = field(default_factory=FineTuneConfig)
    """What the training begins with."""
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    """How long, how exactly, from which seed."""

    def __post_init__(self) -> None:
        if not self.loss:
            raise ConfigError("loss: expected at least one, got none")


def _check_least(name: str, value: Any, least: float) -> None:
    if not value >= least:
        raise ConfigError(f"{name}: expected {least} or more, got {value!r}")
