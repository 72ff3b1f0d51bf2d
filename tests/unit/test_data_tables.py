"""Tables of data sets fit 80 columns and say what the reports hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from auralflow.cli.data_tables import MAX_OF_A_KIND, show_data_report, show_songs
from auralflow.cli.screen import Screen
from auralflow.data.checks.findings import DataReport, Finding, SplitStats, StemStats
from auralflow.data.synth_dataset import SynthReport, plan_song

LONG_NAME = "train/An Artist With A Very Long Name - A Song With A Name That Is Even Longer Than That"
FINDINGS = (
    Finding(
        "duplicate", "error", LONG_NAME, None, "the same recording as 'test/x' of another split " + "and more " * 20
    ),
    Finding("phase", "error", "train/b", "vocals", "stands in the mixture with its sign turned; invert the stem"),
    Finding("dc_offset", "warning", "train/b", "bass", "mean of 0.0200 of full scale; a high-pass removes it"),
    Finding("sample_rate", "note", None, None, "48000 Hz in a, b, 44100 in most"),
)
REPORT = DataReport(
    splits=(SplitStats("train", 80, 5.25), SplitStats("test", 1, 0.01)),
    stems=(
        StemStats("vocals", 81, 5.26, 0.4123, -0.04, -21.53),
        StemStats("mixture", 81, 5.26, 0.0, None, None),
    ),
    findings=FINDINGS,
    seconds=61.0,
)


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def show(report: DataReport, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str]:
    show_data_report(report, Screen(words))
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_the_report_fits_and_says_all(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = show(REPORT, capsys)
    assert err == ""
    assert max(map(len, out.splitlines())) <= 80
    for words in (
        ["train", "80", "5:15:00"],
        ["vocals", "81", "5:15:36", "41%", "-0.0 dBFS", "-21.5 dBFS"],
        ["mixture", "silence"],
        ["phase", "train/b: vocals", "stands in the mixture"],
        ["dc_offset", "train/b: bass", "mean of 0.0200"],
        ["sample_rate", "the set", "48000 Hz in a, b"],
        ["81 tracks checked in 1:01: 2 errors, 1 warning, 1 note"],
    ):
        assert any(all(word in line for word in words) for line in out.splitlines()), words


def test_a_sound_set_is_called_so(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = show(replace(REPORT, findings=()), capsys)
    assert out.endswith("81 tracks checked in 1:01: nothing wrong\n")
    assert "what was found" not in out


def test_an_empty_report_has_no_empty_tables(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = show(DataReport((), (), (), 0.0), capsys)
    assert out == "0 tracks checked in 0.0 s: nothing wrong\n"


def test_quiet_shows_the_errors_only(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = show(REPORT, capsys, "--quiet")
    assert out == ""
    assert [line.split(": ")[1] for line in err.splitlines()] == ["error", "error"]
    assert "train/b: vocals: phase: stands" in err


def test_json_shows_nothing_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(REPORT, capsys, "--json") == ("", "")


def test_many_warnings_of_a_kind_are_counted_and_errors_are_all_listed(capsys: pytest.CaptureFixture[str]) -> None:
    n_more = 5
    findings = tuple(
        Finding("mono" if severity == "note" else "damaged", severity, f"track {i:02}", "bass", "detail")  # type: ignore[arg-type]
        for severity in ("error", "note")
        for i in range(MAX_OF_A_KIND + n_more)
    )
    out, _ = show(replace(REPORT, findings=findings), capsys)
    assert sum(line.startswith("damaged") for line in out.splitlines()) == MAX_OF_A_KIND + n_more
    assert sum(line.startswith("mono") for line in out.splitlines()) == MAX_OF_A_KIND + 1
    assert f"and {n_more} more of them" in out


def test_a_name_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    finding = Finding("silent", "warning", "a\x1b[31m[bold]b", "c\nd", "x\ry")
    out, _ = show(replace(REPORT, findings=(finding,)), capsys)
    assert "\x1b" not in out
    assert "[bold]b" in out


def test_songs_are_counted_by_split(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    songs = tuple(plan_song(number) for number in range(1, 21))
    show_songs(SynthReport(tmp_path, songs, 15, 12.0), Screen(()))
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert any(line.split()[:3] == ["train", "14", "7.0"] for line in lines)
    assert any(line.split()[:3] == ["test", "3", "1.5"] for line in lines)
    assert "15 songs written, 5 there before, in 12.0 s" in out
    assert max(map(len, lines[:-1])) <= 80
    show_songs(SynthReport(tmp_path, songs, 15, 12.0), Screen(("--quiet",)))
    assert capsys.readouterr().out == ""
