"""What a plan may say, and how mistakes in it are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from auralflow.config import from_yaml, to_yaml
from auralflow.errors import ConfigError
from auralflow.separation.plan.config import PlanConfig, PlanStep, is_plan, read_plan, read_terms

FULL = """
format_version: 1
average: magnitude
stems: [vocals, drums]
steps:
  - name: voice
    model: classic
    stems: [vocals]
    shifts: 2
    augment: [swap_channels, invert]
    weights: {vocals: 2}
  - model: other.py
    input: mixture - vocals
    stems: {drums: percussive}
    weight: 3
    segment_s: 4
    overlap: 0.5
"""

MISTAKES = [
    ("steps: []", "steps: expected at least one"),
    ("format_version: 2\nsteps: [{model: a}]", "format_version: "),
    ("steps: [{model: a}]\naverge: waveform", "averge: unknown key, did you mean 'average'"),
    ("steps: [{model: a}]\naverage: mean", "average: expected one of"),
    ("steps: [{input: mixture}]", "steps.0.model: missing"),
    ("steps: [{model: ''}]", "steps.0.model: expected a model"),
    ("steps: [{model: b.yaml}]", "steps.0.model: 'b.yaml' is a plan"),
    ("steps: [{model: a}, {model: a, shift: 2}]", "steps.1.shift: unknown key, did you mean 'shifts'"),
    ("steps: [{model: a, shifts: 0}]", "steps.0.shifts: expected 1 to 100, got 0"),
    ("steps: [{model: a, augment: [reverse]}]", "steps.0.augment.0: expected one of"),
    ("steps: [{model: a, augment: [invert, invert]}]", "steps.0.augment: a name stands twice"),
    ("steps: [{model: a, weight: 0}]", "steps.0.weight: expected a number above 0, got 0"),
    ("steps: [{model: a, weight: .inf}]", "steps.0.weight: expected a number above 0"),
    ("steps: [{model: a, weights: {vocals: -1}}]", "steps.0.weights.vocals: expected a number above 0, got -1"),
    ("steps: [{model: a, weights: {vocals: loud}}]", "steps.0.weights.vocals: expected a number above 0"),
    ("steps: [{model: a, weights: [1]}]", "steps.0.weights: expected a mapping"),
    ("average: min_magnitude\nsteps: [{model: a, weight: 2}]", "steps.0.weight: 'min_magnitude' takes one"),
    ("steps: [{model: a, stems: vocals}]", "steps.0.stems: expected a list"),
    ("steps: [{model: a, stems: []}]", "steps.0.stems: expected at least one"),
    ("steps: [{model: a, stems: [[b]]}]", "steps.0.stems: expected a list"),
    ("steps: [{model: a, stems: [b, b]}]", "steps.0.stems: expected a list of stems, each once"),
    ("steps: [{model: a, stems: {b: c, d: c}}]", "steps.0.stems: a name stands twice"),
    ("steps: [{model: a, stems: {../b: c}}]", "steps.0.stems: expected a name of"),
    ("steps: [{model: a, stems: {b: 1}}]", "steps.0.stems.b: expected a name of"),
    ("steps: [{model: a, stems: {mixture: c}}]", "steps.0.stems: a stem cannot be called 'mixture'"),
    ("steps: [{model: a, input: ''}]", "steps.0.input: expected a name"),
    ("steps: [{model: a, input: mixture - mixture}]", "steps.0.input: nothing is left"),
]


def test_a_plan_is_read_as_written(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(FULL)
    (tmp_path / "other.py").write_text("")
    plan = read_plan(tmp_path / "plan.yaml")
    assert plan.steps[0] == PlanStep(
        "classic",
        "voice",
        stems={"vocals": "vocals"},
        shifts=2,
        augment=("swap_channels", "invert"),
        weights={"vocals": 2},
    )
    assert plan.steps[1].stems == {"drums": "percussive"}
    assert plan.steps[1].terms == {"mixture": 1.0, "vocals": -1.0}
    assert plan.steps[1].model == str(tmp_path / "other.py")
    assert [step.weight_of("vocals") for step in plan.steps] == [2, 3]


def test_what_is_printed_is_read_again() -> None:
    plan = from_yaml(PlanConfig, FULL)
    assert from_yaml(PlanConfig, to_yaml(plan)) == plan


@pytest.mark.parametrize(("text", "message"), MISTAKES, ids=[message for _, message in MISTAKES])
def test_a_mistake_is_named_with_its_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_plan(path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read as a plan: No such file"):
        read_plan(tmp_path / "plan.yaml")
    (tmp_path / "plan.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read as a plan"):
        read_plan(tmp_path / "plan.yaml")


@pytest.mark.parametrize(
    ("model", "is_inside"),
    [
        ("net.py", True),
        ("nets/net.py", True),
        ("run", True),
        ("weights.ckpt", True),
        ("nowhere", False),
        ("classic", False),  # a folder of stems is called so
        ("hf:somebody/voices", False),
        ("https://example.org/a.ckpt", False),
    ],
)
def test_paths_are_those_of_the_plan(tmp_path: Path, model: str, is_inside: bool) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "classic").mkdir()
    (tmp_path / "plan.yml").write_text(f"steps: [{{model: '{model}'}}]")
    assert read_plan(tmp_path / "plan.yml").steps[0].model == (str(tmp_path / model) if is_inside else model)


def test_an_absolute_path_stays(tmp_path: Path) -> None:
    path = tmp_path / "plan.yml"
    path.write_text(f"steps: [{{model: '{tmp_path / 'net.py'}'}}]")
    assert read_plan(path).steps[0].model == str(tmp_path / "net.py")


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("mixture", {"mixture": 1}),
        (" mixture  -  vocals ", {"mixture": 1, "vocals": -1}),
        ("kick + snare + kick", {"kick": 2, "snare": 1}),
        ("mixture - lead-vocals - lead-vocals + lead-vocals", {"mixture": 1, "lead-vocals": -1}),
    ],
)
def test_what_a_step_hears(text: str, terms: dict[str, float]) -> None:
    assert read_terms(text, "input") == terms


def test_only_files_are_plans(tmp_path: Path) -> None:
    (tmp_path / "stems.yaml").mkdir()
    assert is_plan("a.yaml")
    assert is_plan("deep/A.YML")
    assert not is_plan(str(tmp_path / "stems.yaml"))
    assert not is_plan("mel_band_roformer.kim")
