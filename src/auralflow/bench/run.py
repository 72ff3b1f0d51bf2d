"""Measure a model on this machine in every setting, compare, recommend and remember."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
import torch

from auralflow.bench.apart import measure_apart
from auralflow.bench.deviation import Deviation, compare_outputs
from auralflow.bench.measure import Measurement, Order
from auralflow.bench.recommend import Memory, recommend_exact, recommend_fast
from auralflow.bench.report import BenchReport, BenchRow
from auralflow.bench.settings import DEFAULT, PLAIN, Setting, choose_settings, explain_skip
from auralflow.errors import AuralflowError, ConfigError
from auralflow.pretrained.load import describe_model
from auralflow.separation.config import SeparationConfig
from auralflow.separation.device import choose_device
from auralflow.separation.plan.config import is_plan
from auralflow.separation.segments import Segmentation
from auralflow.spec import ModelSpec
from auralflow.speed.settings import SpeedKey, SpeedSettings, TunedSettings, name_hardware, save_tuned

MIN_SEGMENTS = 3
"""Of the model, in the sound: fewer would say more of the ends than of the middle."""


@dataclass(frozen=True)
class BenchEvent:
    """A process begins."""

    name: str
    """Of the setting."""
    number: int
    """Of the process, from 1."""
    n_total: int
    """Processes in all; fewer when a setting is given up."""


def run_bench(
    model: str,
    *,
    seconds: float = 30.0,
    n_repeats: int = 3,
    device: str = "auto",
    names: Sequence[str] | None = None,
    limit_s: float = 300.0,
    report: Callable[[BenchEvent], None] | None = None,
) -> BenchReport:
    """Measure, see `auralflow.api.bench`."""
    for key, value in {"seconds": seconds, "repeat": n_repeats, "limit": limit_s}.items():
        if not value > 0:
            raise ConfigError(f"{key}: expected more than 0, got {value}")
    if is_plan(model):
        raise ConfigError(f"model: expected one model, got the plan {model}; measure its models one by one")
    place, described = choose_device(device), describe_model(model)
    settings = choose_settings(names, place)
    with tempfile.TemporaryDirectory(prefix="auralflow-bench-") as folder:
        series = _Series(model, described.spec, place, seconds, limit_s, Path(folder))
        series.run(settings, n_repeats, report or (lambda event: None))
    rows, memory = series.list_rows(settings), _measure_memory(place)
    exact, fast = recommend_exact(rows, memory), recommend_fast(rows, memory)
    assert exact.settings is not None
    tuned = TunedSettings(exact.settings, fast.settings, "" if fast.settings else fast.reason)
    path = save_tuned(SpeedKey.of(place, described.identity), tuned)
    return BenchReport(model, name_hardware(place), series.audio_s, n_repeats, rows, exact, fast, path)


class _Series:
    """Measurements of one model on one device."""

    def __init__(
        self, model: str, spec: ModelSpec, device: torch.device, seconds: float, limit_s: float, folder: Path
    ) -> None:
        self._model, self._spec, self._device, self._seconds = model, spec, device, seconds
        self._limit_s, self._folder = limit_s, folder
        self._measured: dict[str, list[Measurement]] = {}
        self._deviations: dict[str, Deviation] = {}
        self._notes: dict[str, str] = {}

    def run(self, settings: Sequence[Setting], n_repeats: int, report: Callable[[BenchEvent], None]) -> None:
        """Each setting once, then each once more, so that a machine that gets slower does so for all.

        Raises:
            AuralflowError: `plain` or `default` cannot be measured.
        """
        self._notes = {s.name: explain_skip(s, self._device) for s in settings}
        todo = [setting for setting in settings if not self._notes[setting.name]]
        self._size(todo)
        number, n_total = 0, n_repeats * len(todo)
        for n_left in reversed(range(n_repeats)):
            for setting in tuple(todo):
                if self._is_default(setting):
                    todo.remove(setting)
                    n_total -= n_left + 1
                    continue
                number += 1
                report(BenchEvent(setting.name, number, n_total))
                if not self._try(setting):
                    todo.remove(setting)
                    n_total -= n_left

    def _is_default(self, setting: Setting) -> bool:
        """Whether a setting is what the engine had chosen by itself, which only its measurement tells."""
        if setting.name in (PLAIN, DEFAULT) or setting.precision != "exact":
            return False
        batch = self._measured[DEFAULT][0].batch
        if setting.speed != SpeedSettings(batch=batch):
            return False
        self._notes[setting.name] = f"is the default here, {batch} at once"
        return True

    def _size(self, settings: Sequence[Setting]) -> None:
        """A whole number of segments, enough for the largest batch."""
        cut = Segmentation.of(self._spec)
        asked = self._seconds * self._spec.sample_rate
        n_segments = 1 + math.ceil(max(0.0, asked - cut.segment_samples) / cut.hop_samples)
        n_segments = max(n_segments, MIN_SEGMENTS, *(setting.speed.batch or 1 for setting in settings))
        self._n_samples = cut.segment_samples + (n_segments - 1) * cut.hop_samples
        self.audio_s = self._n_samples / self._spec.sample_rate

    def _try(self, setting: Setting) -> bool:
        """Whether a setting was measured."""
        output = None if setting.name in self._measured else self._folder / setting.name
        try:
            measured = measure_apart(self._order(setting, output), self._limit_s if setting.has_limit else None)
            if output is not None and not setting.is_plain:
                self._deviations[setting.name] = compare_outputs(output, self._folder / PLAIN)
                output.unlink()
        except AuralflowError as error:
            if setting.name in (PLAIN, DEFAULT):
                raise AuralflowError(f"'{setting.name}' cannot be measured: {error}") from None
            self._notes[setting.name] = str(error)
            self._measured.pop(setting.name, None)
            return False
        self._measured.setdefault(setting.name, []).append(measured)
        self._notes[setting.name] = "; ".join(measured.notes)
        return True

    def _order(self, setting: Setting, output: Path | None) -> Order:
        speed = setting.speed
        config = SeparationConfig(
            model=self._model,
            device=str(self._device),
            batch=speed.batch,
            precision=setting.precision,
            engine=speed.engine,
            compile=speed.compile,
        )
        return Order(
            config,
            setting.is_plain,
            speed.threads or torch.get_num_threads(),
            self._n_samples,
            None if output is None else str(output),
        )

    def list_rows(self, settings: Sequence[Setting]) -> tuple[BenchRow, ...]:
        """The medians, each beside those of the default."""
        default = self._rtf(DEFAULT)
        return tuple(self._row(setting, default) for setting in settings)

    def _row(self, setting: Setting, default_rtf: float) -> BenchRow:
        name = setting.name
        if name not in self._measured:
            return BenchRow(name, setting.speed, setting.precision, note=self._notes[name])
        measured, rtf = self._measured[name], self._rtf(name)
        on_device = [m.device_peak_bytes for m in measured if m.device_peak_bytes is not None]
        return BenchRow(
            name,
            setting.speed,
            setting.precision,
            rtf,
            default_rtf / rtf,
            round(median(m.peak_bytes for m in measured)),
            round(median(on_device)) if on_device else None,
            self._deviations.get(name),
            self._notes[name],
        )

    def _rtf(self, name: str) -> float:
        return median(m.seconds for m in self._measured[name]) / self.audio_s


def _measure_memory(device: torch.device) -> Memory:
    on_device = torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else None
    return Memory(psutil.virtual_memory().total, on_device)
