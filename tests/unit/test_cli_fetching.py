"""What `download`, `push` and `models` say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auralflow import api
from auralflow.cli import main
from auralflow.cli.bars import JobBars
from auralflow.cli.commands import COMMANDS
from auralflow.cli.fetching import watch_transfers
from auralflow.cli.screen import Screen
from auralflow.errors import Cancelled, DownloadError
from auralflow.fetch.events import FetchEvents, Transfer
from auralflow.pretrained.card import Measured, PublishedScores
from auralflow.pretrained.catalogue import ModelEntry
from auralflow.pretrained.downloaded import Downloaded

FOUND = Downloaded("net.big", Path("cache/net"), "net", ("vocals", "other"), "CC BY-NC 4.0", False, 12_300_000)
ENTRY = ModelEntry(
    "net.big", (), ("vocals",), 44100, 2, "MIT", True, "100 songs", "A net", "weak",
    parameters=72_200_000, is_here=False, size_bytes=639_331_213,
    published_scores=(PublishedScores("SDR in dB", "50 songs, median", "a page", {"vocals": 10.866}),),
    measured=Measured("2 x real time on a CPU", "not measured"),
)  # fmt: skip


def use(monkeypatch: pytest.MonkeyPatch, name: str, result: Any) -> None:
    """Let a function of the API give this, or raise it."""

    def function(*_: Any, report: FetchEvents | None = None, **__: Any) -> Any:
        if report is not None:
            report.line("downloading net.big, 12.3 MB from example.org")
            report.transfer(Transfer("net.ckpt", 1, 2))
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(api, name, function)


def test_a_download_says_where_and_what_may_be_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, "download", FOUND)
    assert main(["download", "net"]) == 0
    out, err = capsys.readouterr()
    assert "from example.org" in err
    assert f"net.big: vocals, other; 12.3 MB in {Path('cache/net')}" in out
    assert "licence of the weights: CC BY-NC 4.0; commercial use: no" in out
    assert main(["download", "net", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["result"]["size_bytes"] == 12_300_000
    assert main(["download", "net", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_what_needs_no_download_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["download", "classic"]) == 0
    assert "classic.v1: is part of auralflow" in capsys.readouterr().out


def test_a_failed_download_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    use(monkeypatch, "download", DownloadError("net.ckpt from https://a.b/net.ckpt: the server cannot be reached"))
    assert main(["download", "net"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "auralflow: error: net.ckpt from https://a.b" in err


def test_a_stopped_separation_stops_its_download(capsys: pytest.CaptureFixture[str]) -> None:
    def stop() -> None:
        raise Cancelled("stopped")

    screen = Screen([])
    with JobBars(screen, "files") as bars:
        watch_transfers(bars, screen).transfer(Transfer("a", 2, 2))
        with pytest.raises(Cancelled):
            watch_transfers(bars, screen, stop).transfer(Transfer("a", 1, None))


def test_the_table_has_what_the_card_says(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setitem(COMMANDS, "models", replace(COMMANDS["models"], run=lambda *_: _outcome((ENTRY,))))
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    for words in (
        "72.2 M parameters",
        "to download: 639.3 MB",
        "Published SDR in dB: vocals 10.87 (50 songs, median)",
        "Speed here: 2 x real time on a CPU. Memory: not measured",
        "Training data: 100 songs",
    ):
        assert words in out


def _outcome(result: Any) -> Any:
    from auralflow.cli.outcome import Outcome

    return Outcome(result)


def test_push_prints_the_address(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(COMMANDS, "push", replace(COMMANDS["push"], run=lambda *_: _outcome("https://hub/me/x")))
    assert main(["push", "folder", "me/x"]) == 0
    assert capsys.readouterr().out == "https://hub/me/x\n"
