"""A spec that cannot be is refused, by name."""

from __future__ import annotations

import pytest

from auralflow.config import from_yaml, to_yaml
from auralflow.errors import ConfigError, UnknownNameError
from auralflow.spec import ModelSpec

GOOD: dict[str, object] = {"stems": ("vocals", "other"), "sample_rate": 44100, "channels": 2, "segment_samples": 1000}


def test_round_trip_and_immutability() -> None:
    spec = ModelSpec(**GOOD, context_samples=10, normalise="track")  # type: ignore[arg-type]
    for whole in (spec, ModelSpec(**GOOD, latency_samples=5)):  # type: ignore[arg-type]
        assert from_yaml(ModelSpec, to_yaml(whole)) == whole
    with pytest.raises(AttributeError):
        spec.channels = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stems": ()}, "spec.stems"),
        ({"stems": ("a", "a")}, "twice"),
        ({"stems": ("../a",)}, "spec.stems"),
        ({"stems": ("",)}, "spec.stems"),
        ({"sample_rate": 44100.0}, "spec.sample_rate"),
        ({"sample_rate": 7999}, "spec.sample_rate"),
        ({"channels": 0}, "spec.channels"),
        ({"segment_samples": 0}, "spec.segment_samples"),
        ({"context_samples": 500}, "spec.context_samples"),
        ({"normalise": "both"}, "spec.normalise"),
        ({"blend": "square"}, "spec.blend"),
        ({"blend": "triangle", "context_samples": 10}, "spec.blend"),
        ({"tail": "wag"}, "spec.tail"),
        ({"overlap": 1.0}, "spec.overlap"),
        ({"grid_samples": 0}, "spec.grid_samples"),
        ({"latency_samples": -1}, "spec.latency_samples"),
        ({"latency_samples": 5, "normalise": "track"}, "spec.normalise: expected 'none' for a causal"),
        ({"format_version": 2}, "upgrade"),
    ],
)
def test_bad_fields_are_named(change: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        ModelSpec(**(GOOD | change))  # type: ignore[arg-type]


def test_some_stems_of_a_spec() -> None:
    spec = ModelSpec(("a", "b", "c"), 44100, 2, 1000)
    assert spec.places_of(["c", "a"]) == (2, 0)
    assert spec.with_stems(["c", "a"]) == ModelSpec(("c", "a"), 44100, 2, 1000)
    with pytest.raises(UnknownNameError, match="stem 'd'"):
        spec.with_stems(["a", "d"])
