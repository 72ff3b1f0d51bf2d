"""What the data of a training run is: where it lies, how chunks are drawn and changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from auralflow.errors import ConfigError


@dataclass(frozen=True)
class SourceConfig:
    """One data set.

    Raises:
        ConfigError: the weight is not positive.
    """

    root: str
    """Folder, or manifest file."""
    layout: str = "auto"
    """A layout from `auralflow.data.datasets`, a `.py` file that defines one, or `auto` to find out."""
    weight: float = 1.0
    """How often chunks are drawn from here, relative to the other sources."""

    def __post_init__(self) -> None:
        if not self.weight > 0:
            raise ConfigError(f"data.sources.weight: expected more than 0, got {self.weight!r}")


@dataclass(frozen=True)
class AugmentConfig:
    """One transform and how often it happens.

    Raises:
        ConfigError: the probability is not in 0 to 1.
    """

    name: str
    """A transform from `auralflow.data.augment`, or a `.py` file that defines one."""
    probability: float = 0.5
    """Chance that it is applied, drawn for each stem (or song, as the transform says)."""
    options: dict[str, Any] = field(default_factory=dict)
    """Settings of the transform."""

    def __post_init__(self) -> None:
        _check_share("augment.probability", self.probability)


def _gentle() -> tuple[AugmentConfig, ...]:
    return (AugmentConfig("gain", 1.0), AugmentConfig("channel_swap", 0.5), AugmentConfig("polarity", 0.5))


@dataclass(frozen=True)
class DataConfig:
    """The data of a training run.

    Raises:
        ConfigError: a value that cannot be.
    """

    sources: tuple[SourceConfig, ...] = ()
    """The data sets; `auralflow train MODEL DATA...` fills this in."""
    chunk_s: float | None = None
    """Seconds of a training chunk; by default the model's segment."""
    n_samples: int | None = None
    """Chunks in an epoch; by default as many as the training songs hold end to end."""
    max_tracks: int | None = None
    """Train on no more than this many tracks of each source."""
    batch_size: int = 4
    """Chunks in a batch, on each device."""
    n_workers: int = 2
    """Processes that prepare batches; 0 prepares them in the training process."""
    prefetch: int = 4
    """Batches that each worker keeps ready."""
    pin_memory: bool = False
    """Prepare batches in page-locked memory, from which CUDA copies faster."""
    cache: Literal["none", "pcm"] = "none"
    """`pcm` decodes and resamples everything once to plain samples on disk, and reads chunks from there."""
    cache_folder: str | None = None
    """Where the cache lies; by default in `cache` in the run's folder."""
    remix: float = 0.5
    """Share of the mixtures whose stems come from different songs."""
    echoes: int = 0
    """Further batches made of each batch on the device that trains, its stems in other company, gains and polarities:
    for a GPU that waits for data. A step is then on all of them together."""
    augment: tuple[AugmentConfig, ...] = field(default_factory=_gentle)
    """Transforms, in this order, of every stem before it is mixed."""
    keep_silent: float = 0.1
    """Share of the chunks with a silent target that is kept; the others are drawn again."""
    silence_db: float = -60.0
    """RMS level below which a target is silent."""
    missing: Literal["refuse", "silence"] = "refuse"
    """What a stem is that a song lacks: an error, or silence."""
    valid_fraction: float = 0.15
    """Share of the songs that validate where the data has no `valid` of its own."""
    split_seed: int = 0
    """Changes which songs these are."""
    max_failures: int = 10
    """The run stops when more files than this could not be read."""

    def __post_init__(self) -> None:
        for name, least in (("batch_size", 1), ("n_workers", 0), ("prefetch", 1), ("echoes", 0), ("max_failures", 0)):
            _check_least(name, getattr(self, name), least)
        for name in ("n_samples", "max_tracks"):
            if getattr(self, name) is not None:
                _check_least(name, getattr(self, name), 1)
        for name in ("remix", "keep_silent"):
            _check_share(name, getattr(self, name))
        if self.chunk_s is not None and not self.chunk_s > 0:
            raise ConfigError(f"data.chunk_s: expected more than 0 seconds, got {self.chunk_s!r}")
        if not 0 < self.valid_fraction < 1:
            raise ConfigError(f"data.valid_fraction: expected more than 0, less than 1, got {self.valid_fraction!r}")


def _check_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ConfigError(f"data.{name}: expected {least} or more, got {value!r}")


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ConfigError(f"data.{name}: expected 0 to 1, got {value!r}")
