"""Every setting of a device is measured, or there is a reason why not."""

from __future__ import annotations

import importlib.util
import os

import pytest
import torch

from auralflow.bench import settings
from auralflow.bench.settings import choose_settings, count_cores, explain_skip, list_settings
from auralflow.errors import UnknownNameError
from auralflow.speed.settings import SpeedSettings

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def skips(device: torch.device) -> dict[str, str]:
    found = {s.name: explain_skip(s, device) for s in list_settings(device)}
    return {name: reason for name, reason in found.items() if reason}


@pytest.fixture
def well_equipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of four cores with every extra, a compiler and half precision."""
    monkeypatch.setattr(settings, "count_cores", lambda: 4)
    monkeypatch.setattr(settings, "has_half_precision", lambda device: True)
    monkeypatch.setattr(settings, "has_compiler", lambda: True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)


@pytest.mark.usefixtures("well_equipped")
def test_a_cpu_has_them_all() -> None:
    assert skips(CPU) == {}
    by_name = {setting.name: setting for setting in list_settings(CPU)}
    assert by_name["plain"].speed == SpeedSettings(batch=1)
    assert by_name["default"].speed == SpeedSettings()
    assert by_name["threads-all"].speed == SpeedSettings(threads=4)
    assert by_name["fast"].precision == "fast"
    assert [name for name, setting in by_name.items() if setting.has_limit] == ["compile", "onnx"]
    assert [name for name, setting in by_name.items() if setting.is_plain] == ["plain"]


@pytest.mark.usefixtures("well_equipped")
def test_an_accelerator_has_other_batches_and_no_threads() -> None:
    assert set(skips(CUDA)) == {"threads-1", "threads-all", "onnx"}
    assert "batch-8" in {setting.name for setting in list_settings(CUDA)}


@pytest.mark.usefixtures("well_equipped")
def test_what_is_the_default_is_not_measured_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    assert skips(CPU) == {"threads-all": "is the default here, 4 threads"}


@pytest.mark.usefixtures("well_equipped")
def test_what_a_machine_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "has_half_precision", lambda device: False)
    monkeypatch.setattr(settings, "has_compiler", lambda: False)
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in ("onnxscript", "triton") else object()
    )
    assert skips(CPU) == {
        "compile": "there is no C++ compiler",
        "fast": "this cpu has no 16-bit arithmetic",
        "onnx": "onnxscript missing: run  pip install 'auralflow[onnx]'",
    }
    assert skips(CUDA)["compile"] == "triton is not installed"


def test_settings_by_name_keep_what_they_are_compared_with() -> None:
    names = [setting.name for setting in choose_settings(["fast", "batch-2"], CPU)]
    assert names == ["plain", "default", "batch-2", "fast"]
    assert [s.name for s in choose_settings((), CPU)] == ["plain", "default"]
    assert choose_settings(None, CPU) == list_settings(CPU)
    with pytest.raises(UnknownNameError, match="unknown setting 'batch2': did you mean 'batch-2'"):
        choose_settings(["batch2"], CPU)


def test_cores_are_those_that_may_be_used() -> None:
    assert 1 <= count_cores() <= (os.cpu_count() or 1)
