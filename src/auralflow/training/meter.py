"""How fast a run is, and how much of its time it waits for data."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import lightning

from auralflow.data.loader import Batch


@dataclass(frozen=True)
class Speed:
    """Of the batches since it was last asked for."""

    samples_per_s: float
    """Chunks trained on each second, on all devices."""
    data_wait: float
    """Share of the time, 0 to 1, in which the device waited for a batch."""


@dataclass
class Meter(lightning.Callback):
    """Times the steps; put it first among the callbacks, so that the others' work is no data wait."""

    n_ranks: int = 1
    _ready: float = field(default_factory=time.perf_counter)
    _waited: float = 0.0
    _worked: float = 0.0
    _n_samples: int = 0

    def on_train_start(self, *_: Any) -> None:
        self._ready = time.perf_counter()

    def on_train_batch_start(self, trainer: lightning.Trainer, task: Any, batch: Batch, batch_idx: int) -> None:
        now = time.perf_counter()
        self._waited += now - self._ready
        self._ready = now

    def on_train_batch_end(
        self, trainer: lightning.Trainer, task: Any, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        self._worked += time.perf_counter() - self._ready
        self._n_samples += len(batch.mixture) * self.n_ranks

    def mark_ready(self) -> None:
        """What was done since the step (validation, checkpoints) is over: from here the next batch is waited for."""
        self._ready = time.perf_counter()

    def read(self) -> Speed:
        """The speed so far; the next reading begins anew."""
        total = self._waited + self._worked
        speed = Speed(self._n_samples / total, self._waited / total) if total else Speed(0.0, 0.0)
        self._waited = self._worked = 0.0
        self._n_samples = 0
        return speed
