"""From files to plans: what is loaded, what is fetched, and when a plan counts as another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from auralflow.audio.types import Audio
from auralflow.errors import CheckpointError, ConfigError, DownloadError
from auralflow.pretrained.load import load_model
from auralflow.separation import networks
from auralflow.separation.build import build_separator, describe_separator, models_of
from auralflow.separation.config import SeparationConfig
from auralflow.separation.plan import build
from auralflow.separation.plan.separator import PlanSeparator

GAIN = """
from dataclasses import dataclass
import torch
from torch import nn
from auralflow.spec import ModelSpec

SPEC = ModelSpec(("vocals", "other"), 8000, 2, 8000)

@dataclass(frozen=True)
class GainConfig:
    pass

class Gain(nn.Module):
    def __init__(self, spec, config):
        super().__init__()
        self.spec = spec

    def forward(self, mixture):
        return torch.stack([0.25 * mixture, 0.75 * mixture], 1)
"""

TWICE = """
steps:
  - {model: gain.py, stems: [vocals]}
  - {model: gain.py, input: mixture - vocals, stems: {left: other}, segment_s: 0.5}
  - {model: gain.py, input: vocals, stems: {right: other}}
"""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A plan of a model in the same folder, which runs three times."""
    (tmp_path / "gain.py").write_text(GAIN)
    path = tmp_path / "twice.yaml"
    path.write_text(TWICE)
    return path


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the models that are loaded."""
    names: list[str] = []

    def load(name: str) -> object:
        names.append(name)
        return load_model(name)

    monkeypatch.setattr(networks, "load_model", load)
    return names


def test_a_plan_is_described_without_loading(plan: Path, loaded: list[str]) -> None:
    described = describe_separator(SeparationConfig(model=str(plan)))
    assert (described.name, described.spec.stems) == ("twice", ("vocals", "left", "right"))
    assert (described.spec.sample_rate, described.spec.channels) == (8000, 2)
    assert loaded == []


def test_a_model_of_several_steps_is_loaded_once(
    plan: Path, loaded: list[str], noise: Callable[..., np.ndarray]
) -> None:
    separator = build_separator(SeparationConfig(model=str(plan), device="cpu", overlap=0.3))
    assert isinstance(separator, PlanSeparator)
    mixture = noise(2, 20_000)
    got = separator.separate(Audio(mixture, 8000))
    assert loaded == [str(plan.parent / "gain.py")]
    for stem, factor in {"vocals": 0.25, "left": 0.5625, "right": 0.1875}.items():
        assert np.abs(got[stem].samples - factor * mixture).max() < 1e-6
    steps = [separator._separators[number] for number in range(3)]
    assert steps[0] is steps[2]
    assert [step.segmentation.segment_samples for step in steps] == [8000, 4000, 8000]
    assert steps[1].segmentation.hop_samples == 2800


def test_only_the_models_of_the_wanted_stems_are_loaded(plan: Path, loaded: list[str]) -> None:
    plan.write_text("steps: [{model: gain.py}, {model: centre_channel, input: other, stems: {voice: vocals}}]")
    build_separator(SeparationConfig(model=str(plan), stems=("vocals",), mix=("minus=-other",)))
    assert loaded == [str(plan.parent / "gain.py")]


@pytest.mark.parametrize(
    "change",
    [
        "steps: [{model: gain.py, shifts: 2}]",
        "steps: [{model: gain.py, stems: [vocals]}]",
        "steps: [{model: gain.py, augment: [invert]}]",
        "steps: [{model: gain.py}]\naverage: magnitude",
        "steps: [{model: gain.py}, {model: gain.py}]",
    ],
)
def test_another_plan_is_another_identity(plan: Path, change: str) -> None:
    def identity(text: str) -> str:
        plan.write_text(text)
        return describe_separator(SeparationConfig(model=str(plan))).identity

    first = identity("steps: [{model: gain.py}]")
    assert identity("# the same\nformat_version: 1\nsteps: [{model: gain.py, name: again}]") == first
    assert identity(change) != first


def test_other_weights_are_another_identity(plan: Path) -> None:
    config = SeparationConfig(model=str(plan))
    first = describe_separator(config).identity
    (plan.parent / "gain.py").write_text(GAIN.replace("0.25", "0.5"))
    assert describe_separator(config).identity != first


def test_models_that_have_to_be_here(plan: Path) -> None:
    plan.write_text("steps: [{model: gain.py}, {model: 'hf:a/b'}, {model: classic, input: vocals}, {model: gain.py}]")
    config = SeparationConfig(model=str(plan))
    gain = str(plan.parent / "gain.py")
    assert models_of(config) == (gain, "hf:a/b", "classic")
    plan.write_text("steps: [{model: gain.py}, {model: classic, input: vocals, stems: [drums]}]")
    assert models_of(config, ["other"]) == (gain,)
    assert models_of(config, ["drums"]) == (gain, "classic")
    assert models_of(SeparationConfig(model="classic"), ["drums"]) == ("classic",)
    assert models_of(SeparationConfig(model="net.onnx", engine="onnx")) == ()


def test_a_missing_download_is_named(plan: Path) -> None:
    plan.write_text("steps: [{model: gain.py}, {model: mel_band_roformer.kim, stems: {voice: vocals}}]")
    build_separator(SeparationConfig(model=str(plan), stems=("other",)))
    with pytest.raises(DownloadError, match="kim: is not on this machine"):
        build_separator(SeparationConfig(model=str(plan)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps: [{model: clasic}]", "steps.0.model: unknown model 'clasic': did you mean 'classic'"),
        ("steps: [{model: gain.py, stems: [drums]}]", "steps.0.stems.drums: unknown stem of the model 'drums'"),
        ("steps: [{model: gone.py}]", ".*gone.py: no such file"),
    ],
)
def test_mistakes_name_file_and_key(plan: Path, text: str, message: str) -> None:
    plan.write_text(text)
    with pytest.raises(ConfigError, match=f"twice.yaml: {message}"):
        describe_separator(SeparationConfig(model=str(plan)))


def test_a_plan_is_no_model(plan: Path) -> None:
    with pytest.raises(CheckpointError, match="plans are for 'auralflow separate"):
        load_model(str(plan))


def test_settings_of_a_step_come_first(plan: Path) -> None:
    config = SeparationConfig(model=str(plan), segment_s=2.0, overlap=0.1, precision="fast")
    steps = build.read_plan(plan).steps
    assert [build.settings_of(config, step).segment_s for step in steps] == [2.0, 0.5, 2.0]
    assert {build.settings_of(config, step).precision for step in steps} == {"fast"}
