"""Tuned settings stand in where nothing was given, on the device and for the model that was measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from auralflow.errors import ConfigError
from auralflow.pretrained.load import describe_model
from auralflow.separation import folders
from auralflow.separation.build import build_separator
from auralflow.separation.config import SeparationConfig
from auralflow.separation.engine import Separator
from auralflow.separation.results import FileResult
from auralflow.separation.tuned import apply_tuned
from auralflow.speed.settings import SpeedKey, SpeedSettings, TunedSettings, save_tuned


@pytest.fixture
def config(pass_through_path: str) -> SeparationConfig:
    return SeparationConfig(model=pass_through_path, tuned=True)


def keep(config: SeparationConfig, exact: SpeedSettings, fast: SpeedSettings | None = None, why: str = "") -> None:
    key = SpeedKey.of(torch.device("cpu"), describe_model(config.model).identity)
    save_tuned(key, TunedSettings(exact, fast, why))


def test_without_tuned_nothing_changes(pass_through_path: str) -> None:
    config = SeparationConfig(model=pass_through_path)
    keep(config, SpeedSettings(batch=3))
    assert apply_tuned(config) is config


def test_what_was_measured_stands_in_and_nothing_else(config: SeparationConfig) -> None:
    keep(config, SpeedSettings(batch=3, threads=1, compile=True))
    found = apply_tuned(config)
    assert (found.batch, found.threads, found.compile, found.engine) == (3, 1, True, "torch")
    untouched = dataclasses.replace(found, tuned=True, batch=None, threads=None, compile=False, engine=None)
    assert untouched == config
    assert apply_tuned(found) is found


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"batch": 1}, (1, 2, True, "torch")),
        ({"threads": 5}, (4, 5, True, "torch")),
        ({"engine": "onnx"}, (4, 2, False, "onnx")),
        ({"engine": "torch"}, (4, 2, True, "torch")),
    ],
)
def test_what_was_given_wins(config: SeparationConfig, given: dict[str, object], expected: tuple[object, ...]) -> None:
    keep(config, SpeedSettings(batch=4, threads=2, compile=True))
    found = apply_tuned(dataclasses.replace(config, **given))  # type: ignore[arg-type]
    assert (found.batch, found.threads, found.compile, found.engine) == expected


@pytest.mark.parametrize(
    ("given", "engine"), [({}, "onnx"), ({"engine": "torch"}, "torch"), ({"compile": True}, "torch")]
)
def test_a_tuned_engine_gives_way(config: SeparationConfig, given: dict[str, object], engine: str) -> None:
    keep(config, SpeedSettings(engine="onnx"))
    assert apply_tuned(dataclasses.replace(config, **given)).engine == engine  # type: ignore[arg-type]


def test_each_precision_has_its_own(config: SeparationConfig) -> None:
    fast = dataclasses.replace(config, precision="fast")
    keep(config, SpeedSettings(batch=2), SpeedSettings(batch=8))
    assert (apply_tuned(config).batch, apply_tuned(fast).batch) == (2, 8)
    keep(config, SpeedSettings(batch=2), None, "its output has 30.0 dB")
    with pytest.raises(ConfigError, match=r"'fast' is not worth it here: its output has 30.0 dB; leave"):
        apply_tuned(fast)


def test_what_was_not_measured_is_said(config: SeparationConfig) -> None:
    with pytest.raises(ConfigError, match=r"run 'auralflow bench .*pass_through\.py' first"):
        apply_tuned(config)


@pytest.mark.parametrize(("model", "engine"), [("both.yaml", None), ("net.onnx", "onnx")])
def test_plans_and_exports_are_refused(model: str, engine: str | None) -> None:
    with pytest.raises(ConfigError, match="tuned: expected a model that 'auralflow bench' measures"):
        apply_tuned(SeparationConfig(model=model, engine=engine, tuned=True))  # type: ignore[arg-type]


def test_a_separator_is_built_with_them(config: SeparationConfig) -> None:
    keep(config, SpeedSettings(batch=3))
    separator = build_separator(config)
    assert isinstance(separator, Separator)
    assert separator.batch == 3


def test_a_job_computes_with_them_and_leaves_the_process_as_it_was(
    config: SeparationConfig, tmp_path: Path, write_wav: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(config, SpeedSettings(batch=3, threads=2))
    seen: list[tuple[int, int]] = []
    original, before = folders.separate_file, torch.get_num_threads()

    def separate_file(separator: Separator, *arguments: Any, **options: Any) -> FileResult:
        seen.append((separator.batch, torch.get_num_threads()))
        return original(separator, *arguments, **options)

    monkeypatch.setattr(folders, "separate_file", separate_file)
    folders.Job([write_wav(tmp_path / "a.wav")], config, tmp_path / "out").run()
    assert seen == [(3, 2)]
    assert torch.get_num_threads() == before


def test_a_job_without_a_measurement_writes_nothing(config: SeparationConfig, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="found none; run 'auralflow bench"):
        folders.Job(["a.wav"], config, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_done_work_stays_done_but_for_another_engine(config: SeparationConfig) -> None:
    """Rounding is no reason to separate an album again; another implementation is one."""
    base = SeparationConfig(model=config.model).fingerprint("model")
    keep(config, SpeedSettings(batch=3, threads=1, compile=True))
    assert apply_tuned(config).fingerprint("model") == base
    keep(config, SpeedSettings(engine="onnx"))
    assert apply_tuned(config).fingerprint("model") != base
