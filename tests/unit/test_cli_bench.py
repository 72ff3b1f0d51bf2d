"""The table of `auralflow bench`, and what it says beside it."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auralflow import api
from auralflow.bench.deviation import Deviation
from auralflow.bench.report import BenchReport, BenchRow, Recommendation
from auralflow.bench.run import BenchEvent
from auralflow.cli import main
from auralflow.cli.commands import COMMANDS
from auralflow.cli.outcome import Outcome
from auralflow.speed.settings import SpeedSettings

MIB = 2**20
PLAIN = BenchRow("plain", SpeedSettings(), "exact", 0.75, 0.667, 500 * MIB)
DEFAULT = BenchRow(
    "default", SpeedSettings(), "exact", 0.5, 1.0, 600 * MIB, deviation=Deviation(2.5e-7, 131.2), note="a note"
)
EQUAL = BenchRow("batch-2", SpeedSettings(batch=2), "exact", 0.4, 1.25, 700 * MIB, deviation=Deviation(0.0, None))
SKIPPED = BenchRow("fast", SpeedSettings(), "fast", note="this cpu has [no] 16-bit arithmetic")
REPORT = BenchReport(
    "my_model",
    "A processor, 2 threads",
    30.0,
    3,
    (PLAIN, DEFAULT, EQUAL, SKIPPED),
    Recommendation("exact", "batch-2", SpeedSettings(batch=2), "1.25 times as fast as the default"),
    Recommendation("fast", None, None, "this cpu has [no] 16-bit arithmetic"),
    Path("cache/speed/a.json"),
)


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    def run(report: BenchReport, *words: str) -> tuple[str, str]:
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setitem(COMMANDS, "bench", replace(COMMANDS["bench"], run=lambda *_: Outcome(report)))
        assert main(["bench", "my_model", *words]) == 0
        captured = capsys.readouterr()
        return captured.out, captured.err

    return run


def test_a_row_has_its_numbers_and_a_skipped_one_its_reason(show) -> None:  # type: ignore[no-untyped-def]
    out, err = show(REPORT)
    lines = {line.split()[0]: line.split() for line in out.splitlines() if line.strip()}
    assert lines["plain"] == ["plain", "0.75", "1.33", "0.67", "500"]
    assert lines["default"] == ["default", "0.5", "2", "1.00", "600", "2.5e-07", "131.2", "dB", "a", "note"]
    assert lines["batch-2"] == ["batch-2", "0.4", "2.5", "1.25", "700", "0"]
    assert not any("device" in line for line in out.splitlines()[1:4])
    note = out[out.index("\nfast") : out.index("recommended")].split()
    assert note == ["fast", *SKIPPED.note.split()]
    assert "recommended for --precision exact: batch-2 (1.25 times as fast as the default)" in out
    assert "recommended for --precision fast: nothing (this cpu has [no] 16-bit arithmetic)" in out
    assert "auralflow separate SONG --model my_model --tuned" in err


def test_an_accelerator_has_a_column_of_its_own(show) -> None:  # type: ignore[no-untyped-def]
    rows = (replace(PLAIN, device_peak_bytes=2048 * MIB), SKIPPED)
    out, _ = show(replace(REPORT, rows=rows))
    assert any("device" in line for line in out.splitlines()[1:4])
    assert "2048" in out


def test_json_has_everything_and_quiet_the_recommendations(show) -> None:  # type: ignore[no-untyped-def]
    out, err = show(REPORT, "--json")
    result = json.loads(out)["result"]
    assert err == ""
    assert result["rows"][2]["times_real_time"] == 2.5
    assert result["rows"][2]["deviation"] == {"max_error": 0.0, "sdr_db": None}
    assert result["exact"]["settings"]["batch"] == 2
    assert result["path"] == str(Path("cache/speed/a.json"))
    out, err = show(REPORT, "--quiet")
    assert (out.count("\n"), err) == (2, "")


def test_every_flag_reaches_the_function(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    given: dict[str, Any] = {}

    def bench(**arguments: Any) -> BenchReport:
        for number in (1, 2):
            arguments["report"](BenchEvent("default", number, 2))
        given.update(arguments)
        return REPORT

    monkeypatch.setattr(api, "bench", bench)
    words = "bench m --seconds 5 --repeat 2 --device cpu --settings batch-2,fast --limit 9.5 --offline"
    assert main(shlex.split(words)) == 0
    assert "measuring, in 2 processes one after the other" in capsys.readouterr().err
    assert {name: given[name] for name in ("model", "seconds", "repeat", "device", "settings", "limit", "offline")} == {
        "model": "m",
        "seconds": 5.0,
        "repeat": 2,
        "device": "cpu",
        "settings": "batch-2,fast",
        "limit": 9.5,
        "offline": True,
    }


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("bench {model} --seconds 0", "seconds: expected more than 0"),
        ("bench {model} --settings turbo", "unknown setting 'turbo'"),
        ("bench both.yaml", "got the plan both.yaml"),
        ("bench nothing_like_it", "unknown model"),
        ("bench {model} --device cuda:99", "--device cuda:99"),
    ],
)
def test_a_mistake_is_one_line(
    words: str, text: str, pass_through_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.format(model=pass_through_path).split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("auralflow: error: ")
    assert text in err
    assert err.count("\n") == 1
