"""The rules: exact, fitting, and at least 5 % faster than the default; or else the default."""

from __future__ import annotations

import pytest

from auralflow.bench.deviation import Deviation
from auralflow.bench.recommend import Memory, recommend_exact, recommend_fast
from auralflow.bench.report import BenchRow
from auralflow.speed.precision import Precision
from auralflow.speed.settings import SpeedSettings

GIB = 2**30
MEMORY = Memory(8 * GIB)


def row(
    name: str,
    ratio: float | None,
    error: float = 1e-7,
    gib: float = 1.0,
    precision: Precision = "exact",
    sdr_db: float | None = 130.0,
    **more: object,
) -> BenchRow:
    speed = SpeedSettings(batch=2)
    if ratio is None:
        return BenchRow(name, speed, precision, note="cannot be had")
    return BenchRow(
        name,
        speed,
        precision,
        0.5 / ratio,
        ratio,
        round(gib * GIB),
        deviation=Deviation(error, sdr_db),
        **more,  # type: ignore[arg-type]
    )


BASE = (BenchRow("plain", SpeedSettings(), "exact", 0.75, 0.67, GIB), row("default", 1.0))


@pytest.mark.parametrize(
    ("others", "name"),
    [
        ((), "default"),
        ((row("batch-2", 1.2), row("batch-4", 1.5)), "batch-4"),
        ((row("batch-2", 1.2), row("batch-4", 1.5, error=1e-5)), "batch-2"),
        ((row("batch-2", 1.2), row("batch-4", 1.5, gib=4.0)), "batch-2"),
        ((row("batch-2", 1.04),), "default"),
        ((row("batch-2", 1.05),), "batch-2"),
        ((row("batch-2", None),), "default"),
        ((row("fast", 2.0, precision="fast"),), "default"),
        ((row("compile", 1.3, error=0.0, sdr_db=None),), "compile"),
    ],
)
def test_the_exact_setting(others: tuple[BenchRow, ...], name: str) -> None:
    found = recommend_exact((*BASE, *others), MEMORY)
    assert found.name == name
    assert found.settings == (SpeedSettings() if name == "default" else SpeedSettings(batch=2))


def test_a_plain_model_is_nothing_to_recommend() -> None:
    """It is there to compare with: nobody can ask for it."""
    plain = BenchRow("plain", SpeedSettings(), "exact", 0.2, 2.5, GIB, deviation=Deviation(0.0, None))
    assert recommend_exact((plain, row("default", 1.0)), MEMORY).name == "default"


@pytest.mark.parametrize(
    ("others", "name", "reason"),
    [
        ((row("fast", 2.0, precision="fast", sdr_db=48.7),), "fast", "2.00 times as fast"),
        ((row("fast", 2.0, precision="fast", sdr_db=44.9),), None, "44.9 dB"),
        ((row("fast", 2.0, precision="fast", sdr_db=None),), "fast", "no difference"),
        ((row("fast", 1.0, precision="fast", sdr_db=60.0),), None, "1.00 times as fast as 32 bits"),
        ((row("fast", 2.0, precision="fast", sdr_db=60.0, gib=5.0),), None, "50 % of the memory"),
        ((row("fast", None, precision="fast"),), None, "cannot be had"),
        ((), None, "not measured"),
    ],
)
def test_the_fast_setting(others: tuple[BenchRow, ...], name: str | None, reason: str) -> None:
    found = recommend_fast((*BASE, *others), MEMORY)
    assert found.name == name
    assert reason in found.reason
    assert (found.settings is None) == (name is None)


def test_the_memory_of_the_device_counts_too() -> None:
    memory = Memory(8 * GIB, 2 * GIB)
    rows = (*BASE, row("batch-2", 1.2, device_peak_bytes=GIB // 2), row("batch-4", 1.5, device_peak_bytes=GIB))
    assert recommend_exact(rows, memory).name == "batch-2"
