"""A plan counts, samples and predicts what a job would meet."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from auralflow.cli import main
from auralflow.errors import AudioError, ConfigError
from auralflow.planning import run as plan_module
from auralflow.planning.run import PlanSettings, predict
from auralflow.planning.sample import Probed, Sample, draw_sample
from auralflow.planning.simulate import Pace, World

WriteWav = Callable[..., Path]


def _sample(n_files: int, *durations_s: float, n_unusable: int = 0) -> Sample:
    return Sample(n_files, tuple(Probed(Path("a.wav"), d, 1000, 4000) for d in durations_s), n_unusable)


def test_every_file_has_the_same_chance() -> None:
    places = [Path(str(number)) for number in range(40)]
    counts = dict.fromkeys(places, 0)
    for seed in range(2000):
        for place in draw_sample(places, 10, seed)[1]:
            counts[place] += 1
    assert all(400 < count < 600 for count in counts.values())  # 500, five deviations of 19


def test_two_workers_need_half_the_time_and_cost_the_same() -> None:
    rows = predict(_sample(1000, 100.0, 200.0), Pace(0.0, 0.0, 0.1), PlanSettings(3, 0.5, World(spread=0.0)))
    assert [row.n_workers for row in rows] == [1, 2, 3, 4, 8, 16, 32, 64]
    one, two = rows[:2]
    assert one.seconds == pytest.approx(1000 * 15, rel=0.05)
    assert two.seconds == pytest.approx(one.seconds / 2, rel=0.01)
    assert one.cost == pytest.approx(0.5 * one.seconds / 3600)
    assert two.cost == pytest.approx(one.cost, rel=0.01)


def test_unusable_files_are_not_separated() -> None:
    settings = PlanSettings(world=World(spread=0.0))
    rows = predict(_sample(400, *[100.0] * 3, n_unusable=1), Pace(0.0, 0.0, 0.1), settings)
    assert rows[0].seconds == pytest.approx(300 * 10)


def test_a_folder_is_planned_and_nothing_written(
    tmp_path: Path,
    write_wav: WriteWav,
    pass_through_path: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(4):
        write_wav(tmp_path / f"album/{number}.wav", seconds=1.0 + number, seed=number)
    (tmp_path / "album/broken.flac").write_bytes(b"fLaC and then nothing of use")
    monkeypatch.setattr("auralflow.planning.pace._LENGTHS_S", (0.5, 3.0))
    assert main(["plan", "album", "--model", pass_through_path, "--stems", "vocals", "--price", "0.4", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)["result"]
    assert (report["n_files"], report["n_unusable"]) == (5, 1)
    assert report["duration_s"] == pytest.approx(10.0)
    assert report["output_bytes"] == pytest.approx(10.0 * 44100 * 2 * 2, rel=0.01)
    assert report["pace"]["start_s"] > 0.2  # a process and torch
    assert [row["n_workers"] for row in report["rows"]] == [1, 2, 4, 8, 16, 32, 64]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["album"]


def test_what_cannot_be_planned_is_one_line(tmp_path: Path, write_wav: WriteWav, pass_through_path: str) -> None:
    (tmp_path / "broken.flac").write_bytes(b"fLaC and then nothing of use")
    with pytest.raises(AudioError, match="none of 1 files that were opened is usable"):
        _plan(tmp_path, pass_through_path)
    with pytest.raises(ConfigError, match="workers: expected 1 or more, got 0"):
        PlanSettings(0)
    with pytest.raises(ConfigError, match="price: expected 0 or more, got -1"):
        PlanSettings(price=-1)


def _plan(folder: Path, model: str) -> None:
    from auralflow.separation.config import SeparationConfig

    plan_module.make_plan([folder], SeparationConfig(model=model), folder / "out", PlanSettings())
