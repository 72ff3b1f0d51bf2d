"""What is wrong with a request is found before anything is scored, and so is what has been scored before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auralflow.errors import ConfigError, UnknownNameError
from auralflow.evaluation.config import EvaluationConfig
from auralflow.evaluation.plan import default_out, make_plan
from auralflow.metrics import load_metric

WriteSong = Callable[..., dict[str, np.ndarray]]

METRIC = """
import torch

HIGHER_IS_BETTER = True
SOURCE = "here"


def {name}(estimates, targets, *, sample_rate):
    return {{"{column}": torch.zeros({shape})}}
"""


@pytest.fixture
def config(tmp_path: Path, write_song: WriteSong) -> EvaluationConfig:
    """Of a song of four stems, in the test split."""
    write_song(tmp_path / "data/test/song", seconds=0.1)
    return EvaluationConfig("mixture", str(tmp_path / "data"), layout="musdb_hq", metrics=("sdr",))


def _write_metric(path: Path, column: str, *more: str, shape: str = "len(targets)") -> str:
    path.write_text(METRIC.format(name=path.stem, column=column, shape=shape) + "\n".join(more) + "\n")
    return str(path)


def test_a_plan_holds_all_that_was_asked_for(config: EvaluationConfig) -> None:
    plan = make_plan(replace(config, metrics=("sdr", "windowed_sdr"), stems=("vocals", "bass")))
    assert [column.name for column in plan.columns] == ["sdr", "windowed_sdr"]
    assert [list(reference.parts) for reference in plan.references] == [["vocals", "bass"]]
    assert (plan.protocol.split, plan.protocol.stems, plan.n_left_out) == ("test", ("vocals", "bass"), 0)


def test_songs_without_any_of_the_stems_are_counted(config: EvaluationConfig, write_song: WriteSong) -> None:
    write_song(Path(config.data) / "test/another", stems=("vocals", "piano"), seconds=0.1)
    assert make_plan(replace(config, stems=("bass", "drums"))).n_left_out == 1


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ("mixture", "mixture"),
        ("models/my_model/", "my_model"),
        ("tests/models/slow.py", "slow"),
        ("/somewhere/else", "else"),
        ("estimates/..", None),
    ],
)
def test_results_go_to_a_folder_called_like_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, expected: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    found = default_out(EvaluationConfig(system, "songs"))
    assert found == Path("evaluation", expected or tmp_path.name)


@pytest.mark.parametrize(
    "change",
    [
        {"metrics": ("sdr", "snr")},
        {"metrics": ("snr",)},
        {"stems": ("vocals",)},
        {"system": "oracle_irm"},
        {"mixture": "sum"},
        {"channels": "mono"},
        {"segment_s": 2.0},
        {"overlap": 0.5},
        {"precision": "fast"},
    ],
)
def test_what_shapes_a_score_makes_it_another(config: EvaluationConfig, change: dict[str, Any]) -> None:
    assert make_plan(replace(config, **change)).settings != make_plan(config).settings


def test_what_shapes_none_does_not(config: EvaluationConfig) -> None:
    """Of other songs, or on another device, or with stems in another order, it is the same score."""
    every_stem = ("vocals", "other", "bass", "drums")
    other = replace(config, device="cpu", batch=3, max_songs=1, split="all", layout="auto", stems=every_stem)
    assert make_plan(other).settings == make_plan(config).settings


def test_a_metric_of_ones_own_that_changes_makes_other_scores(config: EvaluationConfig, tmp_path: Path) -> None:
    name = _write_metric(tmp_path / "mine.py", "mine")
    before = make_plan(replace(config, metrics=(name,)))
    assert [column.name for column in before.columns] == ["mine"]
    settings = before.settings
    _write_metric(tmp_path / "mine.py", "mine", "# and more")
    assert make_plan(replace(config, metrics=(name,))).settings != settings


def test_a_metric_that_is_not_there_is_named(config: EvaluationConfig) -> None:
    with pytest.raises(UnknownNameError, match="unknown metric 'si_snr': did you mean"):
        make_plan(replace(config, metrics=("si_snr",)))


def test_two_metrics_must_not_write_one_column(config: EvaluationConfig, tmp_path: Path) -> None:
    name = _write_metric(tmp_path / "twin.py", "snr")
    with pytest.raises(ConfigError, match="snr and twin both give a column 'snr'"):
        make_plan(replace(config, metrics=("snr", name)))


def test_frames_have_one_length(config: EvaluationConfig, tmp_path: Path) -> None:
    name = _write_metric(tmp_path / "halves.py", "halves", "WINDOW_S = 0.5", shape="len(targets), 2")
    with pytest.raises(ConfigError, match=r"frames of one length, got windowed_sdr 1 s, halves 0\.5 s"):
        make_plan(replace(config, metrics=("windowed_sdr", name)))
    plan = make_plan(replace(config, metrics=("sdr", name)))
    assert plan.protocol.window_s == 0.5
    assert [column.is_framewise for column in plan.columns] == [False, True]


@pytest.mark.parametrize("lacking", ["HIGHER_IS_BETTER", "SOURCE"])
def test_a_metric_states_what_it_is(tmp_path: Path, lacking: str) -> None:
    name = _write_metric(tmp_path / "silent.py", "silent", f"del {lacking}")
    with pytest.raises(ConfigError, match=f"has to state {lacking}"):
        load_metric(name)


def test_a_direction_of_every_column_is_wanted(tmp_path: Path) -> None:
    name = _write_metric(tmp_path / "aimless.py", "aimless", "HIGHER_IS_BETTER = {'aim': True}")
    with pytest.raises(ConfigError, match="aimless has to state HIGHER_IS_BETTER of its column 'aimless'"):
        _ = load_metric(name).columns
    (column,) = load_metric(_write_metric(tmp_path / "low.py", "low", "HIGHER_IS_BETTER = {'low': False}")).columns
    assert not column.higher_is_better
