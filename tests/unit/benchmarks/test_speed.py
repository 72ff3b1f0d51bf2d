"""The speed benchmark: what it compares, in which order, and that it runs."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("speed_tables")


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("speed_runs")


def test_stems_are_compared_by_name(tables: ModuleType, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    truth = random.uniform(-0.5, 0.5, (2, 2, 1000)).astype(np.float32)
    truth[0, 0, 0] = 2.0  # the greatest sample
    found = truth[::-1].copy()
    found[0] *= 1.01  # the second stem, 40 dB below
    np.save(tables.name_output(tmp_path, "ours"), found)
    np.save(tables.name_output(tmp_path, "theirs"), truth)
    numbers = {"ours": [{"stems": ["b", "a"]}], "theirs": [{"stems": ["a", "b"]}]}
    largest, ratio = tables.find_difference(tmp_path, "case", "ours", "theirs", numbers).split(" | ")
    assert float(largest) == pytest.approx(0.01 * np.abs(truth[1]).max() / 2, rel=0.05)
    assert ratio == "40"


def test_ratio_is_of_medians(tables: ModuleType) -> None:
    theirs: list[dict[str, Any]] = [{"seconds": s, "peak": 3 * 2**20, "base": 2**20} for s in (6.0, 90.0, 5.0)]
    ours: list[dict[str, Any]] = [{"seconds": s, "peak": 2 * 2**20, "base": 2**20} for s in (2.0, 3.0, 40.0)]
    row = tables.comparison_row("ours", ours, theirs, 12.0, "1e-7 | 120")
    assert row == "| ours | 3.00 (2.00 to 40.00) | 4.00 | **2.00** | 2 (1) | 1e-7 | 120 |"


def test_ways_take_turns(runs: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []

    def run(command: list[str]) -> dict[str, Any]:
        called.append(command[0])
        return {"seconds": 1.0}

    monkeypatch.setattr(runs, "run", run)
    found = runs.Runs(tmp_path, 3).alternate({"theirs": ["t"], "ours": ["o"]}, "case")
    assert "".join(called) == "tootto"
    assert [len(measured) for measured in found.values()] == [3, 3]


def test_no_run_inherits_what_tunes_it(runs: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LD_PRELOAD", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    environment = runs.list_environment()
    assert environment["OMP_NUM_THREADS"] == "2"
    assert not {"LD_PRELOAD", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES", "MKL_NUM_THREADS"} & set(environment)


def test_a_run_that_fails_ends_all(runs: ModuleType) -> None:
    with pytest.raises(SystemExit, match="no such thing"):
        runs.run([sys.executable, "-c", "raise ValueError('no such thing')"])


def test_help_says_what_each_case_is(
    runs: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    speed = importlib.import_module("speed")
    monkeypatch.setattr(sys, "argv", ["speed.py", "--help"])
    with pytest.raises(SystemExit):
        speed.main()
    told = capsys.readouterr().out
    assert all(f"\n    {case} " in told for case in speed.CASES)


@pytest.mark.slow
def test_one_case_runs() -> None:
    command = [sys.executable, str(BENCHMARKS / "speed.py"), "--case", "spectrogram_net_simple"]
    done = subprocess.run([*command, "--seconds", "2", "--repeat", "1"], capture_output=True, text=True, check=True)
    rows = {row.split(" | ")[0].removeprefix("| "): row.split(" | ") for row in done.stdout.splitlines()}
    assert {"plain module", "ours, exact", "ours, fast"} <= set(rows)
    assert float(rows["ours, exact"][5]) < 1e-5
