"""The rules by which a setting is recommended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auralflow.bench.report import BenchRow, Recommendation
from auralflow.bench.settings import DEFAULT, PLAIN
from auralflow.speed.precision import LEAST_SDR_DB
from auralflow.speed.settings import SpeedSettings

MAX_ERROR = 1e-5
"""What `exact` may be off the plain model, in parts of its largest sample."""
MIN_RATIO = 1.05
"""What another setting has to gain: less is within what machines vary."""
MAX_MEMORY_PART = 0.5
"""How much of a machine's memory a setting may take."""


@dataclass(frozen=True)
class Memory:
    """What there is, in bytes."""

    machine: int
    """Of the machine."""
    device: int | None = None
    """Of the accelerator; None on a CPU, or where it does not say."""

    def holds(self, row: BenchRow) -> bool:
        """Whether a setting takes less than its part of both."""
        on_device = self.device is None or (row.device_peak_bytes or 0) < MAX_MEMORY_PART * self.device
        return (row.peak_bytes or 0) < MAX_MEMORY_PART * self.machine and on_device


def recommend_exact(rows: Sequence[BenchRow], memory: Memory) -> Recommendation:
    """The fastest setting that is exact, fits, and is worth it; otherwise the default."""
    allowed = [row for row in rows if row.precision == "exact" and row.name not in (PLAIN, DEFAULT)]
    allowed = [row for row in allowed if _error(row) < MAX_ERROR and memory.holds(row)]
    best = max(allowed, key=_ratio, default=None)
    if best is None or _ratio(best) < MIN_RATIO:
        gain = f"{100 * (MIN_RATIO - 1):.0f} %"
        return Recommendation("exact", DEFAULT, SpeedSettings(), f"no other exact setting gains {gain} or more")
    return Recommendation("exact", best.name, best.settings, f"{_ratio(best):.2f} times as fast as the default")


def recommend_fast(rows: Sequence[BenchRow], memory: Memory) -> Recommendation:
    """The fastest setting of half precision that is near enough, fits, and is worth it; or why there is none."""
    halves = [row for row in rows if row.precision == "fast"]
    reason = next((row.note for row in halves if row.rtf is None), "it was not measured")
    for row in sorted((row for row in halves if row.rtf is not None), key=_ratio):
        reason = _refuse_fast(row, memory)
    fit = [row for row in halves if row.rtf is not None and not _refuse_fast(row, memory)]
    if not fit:
        return Recommendation("fast", None, None, reason)
    best = max(fit, key=_ratio)
    text = f"{_ratio(best):.2f} times as fast as the default, {_describe_sdr(best)} against 32 bits"
    return Recommendation("fast", best.name, best.settings, text)


def _refuse_fast(row: BenchRow, memory: Memory) -> str:
    if _sdr_db(row) < LEAST_SDR_DB:
        return f"its output has {_describe_sdr(row)} against 32 bits, and {LEAST_SDR_DB:g} dB are wanted"
    if not memory.holds(row):
        return f"it takes more than {100 * MAX_MEMORY_PART:.0f} % of the memory"
    if _ratio(row) < MIN_RATIO:
        return f"it is {_ratio(row):.2f} times as fast as 32 bits"
    return ""


def _ratio(row: BenchRow) -> float:
    return row.ratio or 0.0


def _error(row: BenchRow) -> float:
    return float("inf") if row.deviation is None else row.deviation.max_error


def _sdr_db(row: BenchRow) -> float:
    if row.deviation is None:
        return -float("inf")
    return float("inf") if row.deviation.sdr_db is None else row.deviation.sdr_db


def _describe_sdr(row: BenchRow) -> str:
    return "no difference" if row.deviation is None or row.deviation.sdr_db is None else f"{_sdr_db(row):.1f} dB"
