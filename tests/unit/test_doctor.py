"""The doctor: healthy where all works, and each fault is found by its name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from auralflow import doctor
from auralflow.audio.types import Audio
from auralflow.errors import OutputError


@pytest.fixture(autouse=True)
def _quick_model(pass_through: Callable[..., nn.Module], monkeypatch: pytest.MonkeyPatch) -> None:
    """The examination itself is tested here, not the default model."""
    monkeypatch.setattr(doctor, "load_model", lambda name: pass_through())
    monkeypatch.setattr(doctor, "describe_model", lambda name: SimpleNamespace(name="pass_through.v1"))


def problems(health: doctor.Health) -> dict[str, str]:
    return {check.name: check.detail for check in health.problems}


def test_a_healthy_installation_has_no_problems() -> None:
    health = doctor.examine()
    assert problems(health) == {}
    assert health.exit_code == 0
    assert {check.name for check in health.writes} == set(doctor.WRITTEN_FORMATS)
    assert {"wav", "flac", "mp3", "m4a (alac)", "webm"} <= {check.name for check in health.reads}
    assert {"auralflow", "python", "torch", "av", "soundfile", "soxr"} <= set(health.versions)
    assert "FFmpeg" in health.versions["av"]
    assert "libsndfile" in health.versions["soundfile"]
    assert health.separation.detail.startswith("pass_through.v1 gave 4 stems")


def test_the_device_is_named_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "choose_device", lambda name: torch.device("cpu"))
    assert "because torch finds no CUDA" in doctor.examine().device


def test_a_missing_device_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    health = doctor.examine()
    found = {check.name: check.ok for check in health.devices}
    assert found["cpu"]
    assert not found["cuda"]
    assert "cuda" not in problems(health)


def test_a_driver_without_a_cuda_build_of_torch_is_pointed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    cuda = next(check for check in doctor.examine().devices if check.name == "cuda")
    assert "install a CUDA build of torch" in cuda.detail


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda sound: Audio(sound.samples * np.float32(0.99), sound.sample_rate), "the same samples back"),
        (lambda sound: Audio(sound.samples[:, 10:], sound.sample_rate), "back, got (2, 23990)"),
        (lambda sound: Audio(sound.samples[:1], sound.sample_rate), "back, got (1, 24000)"),
    ],
)
def test_a_format_that_changes_the_sound_is_a_problem(
    damage: Callable[[Audio], Audio], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = doctor.write_audio
    monkeypatch.setattr(doctor, "write_audio", lambda path, audio, **rest: write(path, damage(audio), **rest))
    found = problems(doctor.examine())
    assert text in found["wav16"]
    assert text in found["flac24"]


def test_a_lossy_format_that_loses_the_sound_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    write = doctor.write_audio

    def invert(path: Any, audio: Audio, **rest: Any) -> Any:
        return write(path, Audio(-audio.samples, audio.sample_rate), **rest)

    monkeypatch.setattr(doctor, "write_audio", invert)
    assert "expected the tone back with 20 dB" in problems(doctor.examine())["mp3"]


def test_an_encoder_that_fails_in_any_way_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no such symbol")

    monkeypatch.setattr(doctor, "write_audio", fail)
    health = doctor.examine()
    assert problems(health)["opus"] == "RuntimeError: no such symbol"
    assert health.exit_code == 1


def test_a_missing_decoder_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor._READS, "mp3", ("mp3", "no_such_decoder"))
    assert "no decoder 'no_such_decoder'" in problems(doctor.examine())["mp3"]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (lambda stems: stems * torch.nan, "finite samples"),
        (lambda stems: stems[..., :-1], "expected the model to give"),
    ],
)
def test_a_model_that_misbehaves_is_a_problem(
    answer: Callable[[torch.Tensor], torch.Tensor],
    text: str,
    pass_through: Callable[..., nn.Module],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = pass_through()
    forward = model.forward
    monkeypatch.setattr(model, "forward", lambda mixture: answer(forward(mixture)))
    monkeypatch.setattr(doctor, "load_model", lambda name: model)
    assert text in problems(doctor.examine())["separation"]


def test_a_full_disk_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1_000_000))
    assert "0.0 GB free" in problems(doctor.examine())["outputs"]


def test_a_disk_error_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: object) -> None:
        raise OutputError("gone")

    monkeypatch.setattr(shutil, "disk_usage", refuse)
    assert problems(doctor.examine())["temporary files"] == "gone"


def test_a_missing_extra_names_the_command_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(package: str) -> str:
        if package == "matplotlib":
            raise PackageNotFoundError
        return "1.0"

    monkeypatch.setattr(doctor, "version", find)
    health = doctor.examine()
    extras = {check.name: check for check in health.extras}
    assert not extras["plots"].ok
    assert "pip install 'auralflow[plots]'" in extras["plots"].detail
    assert "dev" not in extras
    assert "plots" not in problems(health)
