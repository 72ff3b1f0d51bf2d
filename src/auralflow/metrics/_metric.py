"""A metric together with what its file states of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from auralflow.errors import ConfigError
from auralflow.registry import Registry

metrics = Registry("auralflow.metrics", "metric")

_PROBE_RATE_HZ = 8000


@dataclass(frozen=True)
class Column:
    """One of the numbers that a metric gives."""

    name: str
    is_framewise: bool
    """One for each frame, or one for the whole song."""
    higher_is_better: bool


@dataclass(frozen=True)
class Metric:
    """A metric, ready to be asked."""

    name: str
    """Of its file."""
    function: Callable[..., dict[str, Tensor]]
    """`(estimates, targets, *, sample_rate) -> {column: [stem] or [stem, frame]}`."""
    source: str
    """Where it is defined."""
    window_s: float | None
    """Length of its frames and of the hop between them; None for a metric of the whole song."""
    uses_all_targets: bool
    """Whether the score of a stem depends on the other stems."""
    refuses_silence: bool
    """Whether it can only be asked about stems whose target and estimate sound."""
    direction: bool | Mapping[str, bool]
    """Whether higher is better; for all columns, or for each."""

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """What it gives; only an answer tells, so it is asked about a second of noise."""
        noise = torch.randn(1, 1, _PROBE_RATE_HZ, generator=torch.Generator().manual_seed(0))
        found = self.function(noise, noise, sample_rate=_PROBE_RATE_HZ)
        return tuple(Column(name, values.ndim == 2, self._is_higher_better(name)) for name, values in found.items())

    def _is_higher_better(self, column: str) -> bool:
        if isinstance(self.direction, bool):
            return self.direction
        if column not in self.direction:
            raise ConfigError(f"metrics: {self.name} has to state HIGHER_IS_BETTER of its column '{column}'")
        return self.direction[column]


def load_metric(name: str) -> Metric:
    """A metric by its name, or from a `.py` file.

    Raises:
        UnknownNameError: there is no such metric.
        ConfigError: the file defines none, or does not state `HIGHER_IS_BETTER` and `SOURCE`.

    Example:
        >>> load_metric("sdr").columns
        (Column(name='sdr', is_framewise=False, higher_is_better=True),)
    """
    function = metrics.load(name)
    module: Any = sys.modules[function.__module__]
    for statement in ("HIGHER_IS_BETTER", "SOURCE"):
        if not hasattr(module, statement):
            raise ConfigError(f"metrics: {name} has to state {statement}; see 'Write your own' in the page on metrics")
    return Metric(
        function.__name__,
        function,
        module.SOURCE,
        getattr(module, "WINDOW_S", None),
        getattr(module, "USES_ALL_TARGETS", False),
        getattr(module, "REFUSES_SILENCE", False),
        module.HIGHER_IS_BETTER,
    )
