"""Plan a job: list, probe, measure, simulate."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from auralflow.errors import ConfigError
from auralflow.planning.pace import measure_pace
from auralflow.planning.report import PlanReport, PlanRow
from auralflow.planning.sample import Sample, draw_sample, probe_sample
from auralflow.planning.simulate import Pace, World, simulate
from auralflow.separation.config import SeparationConfig
from auralflow.separation.progress import CancelToken
from auralflow.separation.stored import StoredJob
from auralflow.storage.address import Address, Place

_WORKERS = (1, 2, 4, 8, 16, 32, 64)
_MAX_PROBED = {"here": 500, "elsewhere": 20}
"""Files that are opened; one elsewhere has to be fetched for it."""


@dataclass(frozen=True)
class PlanSettings:
    """What a plan supposes.

    Raises:
        ConfigError: fewer than one worker, or a negative price.
    """

    n_workers: int = 1
    price: float | None = None
    """Of a worker for an hour, in any currency."""
    world: World = field(default_factory=World)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n_workers < 1:
            raise ConfigError(f"workers: expected 1 or more, got {self.n_workers}")
        if self.price is not None and self.price < 0:
            raise ConfigError(f"price: expected 0 or more, got {self.price:g}")


def make_plan(
    inputs: Sequence[Place],
    config: SeparationConfig,
    out: Place,
    settings: PlanSettings,
    report: Callable[[str], None] | None = None,
    cancel: CancelToken | None = None,
) -> PlanReport:
    """List the files, open some, separate excerpts of a few here, and simulate the job with 1 to 64 workers.

    Raises:
        AudioError: there are no files, or none of those that were opened is usable.
        ConfigError: settings that cannot be.
    """
    job = StoredJob(inputs, config, out)
    n_most = _MAX_PROBED["elsewhere" if any(isinstance(place, Address) for place in inputs) else "here"]
    n_files, drawn = draw_sample((found.place for found in job.list_inputs()), n_most, settings.seed)
    sample = probe_sample(n_files, drawn, job.config, job.plan)
    n_measured = min(settings.n_workers, os.cpu_count() or 1)
    pace = measure_pace(sample.usable, job.config, n_measured, cancel, report)
    rows = predict(sample, pace, settings)
    share = n_files / len(drawn)
    return PlanReport(
        job.config.model,
        n_files,
        len(drawn),
        sample.n_unusable,
        share * sum(file.duration_s for file in sample.usable),
        round(share * sum(file.output_bytes for file in sample.usable)),
        pace,
        n_measured,
        rows,
    )


def predict(sample: Sample, pace: Pace, settings: PlanSettings) -> tuple[PlanRow, ...]:
    """The job with 1, 2, 4, ... 64 workers, and with as many as are asked for."""
    n_usable = max(1, round(sample.n_files * len(sample.usable) / (len(sample.usable) + sample.n_unusable)))
    random = np.random.default_rng(settings.seed)
    # All of them where all were opened, else as many of the same kind.
    drawn = (
        np.arange(n_usable) if n_usable == len(sample.usable) else random.integers(len(sample.usable), size=n_usable)
    )
    durations = np.array([file.duration_s for file in sample.usable])[drawn]
    sizes = np.array([float(file.input_bytes + file.output_bytes) for file in sample.usable])[drawn]
    return tuple(
        _predict(durations, sizes, n_workers, pace, settings) for n_workers in sorted({*_WORKERS, settings.n_workers})
    )


def _predict(durations: np.ndarray, sizes: np.ndarray, n_workers: int, pace: Pace, settings: PlanSettings) -> PlanRow:
    found = simulate(durations, sizes, n_workers, pace, settings.world, settings.seed)
    worker_s = n_workers * found.seconds
    cost = None if settings.price is None else settings.price * worker_s / 3600 * 1000 / len(durations)
    return PlanRow(n_workers, found.seconds, found.busy_s / worker_s, found.waited_s / worker_s, cost)
