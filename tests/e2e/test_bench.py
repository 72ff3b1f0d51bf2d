"""`auralflow bench` on a model that runs in real processes, and `separate --tuned` with what it found."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auralflow.cli import main
from auralflow.speed.settings import SpeedKey, SpeedSettings, TunedSettings, find_tuned, save_tuned


def test_a_model_is_measured_and_its_settings_are_used(
    pass_through_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    soundfile.write("a.wav", np.random.default_rng(0).uniform(-0.5, 0.5, (44100, 2)), 44100)
    words = ["separate", "a.wav", "--model", pass_through_path, "--stems", "vocals", "--tuned"]
    assert main(words) == 2
    assert f"run 'auralflow bench {pass_through_path}' first" in capsys.readouterr().err

    bench = ["bench", pass_through_path, "--seconds", "4", "--repeat", "1", "--settings", "fast", "--device", "cpu"]
    assert main([*bench, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)["result"]
    rows = {row["name"]: row for row in report["rows"]}
    assert [*rows] == ["plain", "default", "fast"]
    assert 0 < rows["plain"]["rtf"] < 1
    assert rows["default"]["deviation"] == {"max_error": 0.0, "sdr_db": None}  # what passes through is not computed
    # Python and torch alone take so much; that of this process, which has the tests too, would not do.
    assert 80 < rows["default"]["peak_bytes"] / 2**20 < 700
    assert report["exact"]["name"] == "default"

    kept = json.loads(Path(report["path"]).read_text())
    key = SpeedKey(**kept["key"])
    assert find_tuned(key) is not None
    assert main([*words, "--quiet"]) == 0
    vocals, _ = soundfile.read("separated/a/vocals.wav", dtype="int16")
    assert np.array_equal(vocals, soundfile.read("a.wav", dtype="int16")[0])

    # Another batch makes no other work of it, and reaches the engine.
    save_tuned(key, TunedSettings(SpeedSettings(batch=2, threads=1), None, "not here"))
    capsys.readouterr()
    assert main(words) == 0
    assert "1 done before" in capsys.readouterr().out
    assert main([*words, "--precision", "fast"]) == 2
    assert "'fast' is not worth it here: not here" in capsys.readouterr().err
