"""Everything a user can say about an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from auralflow.errors import ConfigError, UnknownNameError
from auralflow.separation.config import SeparationConfig
from auralflow.speed.precision import Precision

DEFAULT_METRICS = (
    "sdr",
    "si_sdr",
    "snr",
    "bss_eval_v4",
    "si_bss",
    "l1_freq",
    "bleedless_fullness",
    "multi_stft",
    "log_spectral_distance",
    "residual_loudness",
)
"""Every number the field uses, but for BSS Eval version 3, which takes long and is older."""


_CHOICES = {
    "split": ("train", "valid", "test", "all"),
    "mixture": ("published", "sum"),
    "channels": ("all", "mono"),
    "precision": ("exact", "fast"),
}


@dataclass(frozen=True)
class EvaluationConfig:
    """Settings of an evaluation.

    Raises:
        UnknownNameError: a setting that takes certain words has another.
        ConfigError: a setting has a value it cannot have; the message starts with its name.
    """

    system: str
    """Model, baseline or folder of estimates."""
    data: str
    """Folder or manifest with the true stems."""
    layout: str = "auto"
    """Layout of the data."""
    split: Literal["train", "valid", "test", "all"] = "test"
    """Songs to score; of data without splits, all."""
    stems: tuple[str, ...] | None = None
    """Stems to score; None for all that the system gives."""
    metrics: tuple[str, ...] = DEFAULT_METRICS
    """Names from `auralflow.metrics`."""
    mixture: Literal["published", "sum"] = "published"
    """What is separated: the data's own mixture where it has one, or always the sum of the stems."""
    channels: Literal["all", "mono"] = "all"
    """`mono`: targets and estimates are averaged over channels before they are scored."""
    max_songs: int | None = None
    """Score no more songs than this."""
    segment_s: float | None = None
    """Of a model: see `SeparationConfig`."""
    overlap: float | None = None
    """Of a model."""
    batch: int | None = None
    """Of a model."""
    device: str = "auto"
    """Of a model."""
    precision: Precision = "exact"
    """Of a model."""

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise UnknownNameError(name, str(getattr(self, name)), choices)
        for name in ("metrics", "stems"):
            words = getattr(self, name)
            if words is None:
                continue
            if not words:
                raise ConfigError(f"{name}: expected at least one, got none")
            if len(set(words)) != len(words):
                raise ConfigError(f"{name}: a name stands twice in {', '.join(words)}")
        if self.max_songs is not None and self.max_songs < 1:
            raise ConfigError(f"songs: expected 1 or more, got {self.max_songs}")

    @property
    def separation(self) -> SeparationConfig:
        """How a model separates."""
        return SeparationConfig(
            model=self.system,
            segment_s=self.segment_s,
            overlap=self.overlap,
            batch=self.batch,
            device=self.device,
            precision=self.precision,
        )
