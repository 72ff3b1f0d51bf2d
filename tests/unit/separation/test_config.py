"""Times are read as people write them; the fingerprint changes with the samples and only then."""

from __future__ import annotations

import dataclasses

import pytest

from auralflow.config import from_dict, to_dict
from auralflow.errors import AuralflowError, ConfigError
from auralflow.separation.config import SeparationConfig, parse_time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("30s", 30),
        ("1:30", 90),
        ("1:02:03.5", 3723.5),
        (12.5, 12.5),
        ("0", 0),
        (" 1:00 ", 60),
        ("0:00.25", 0.25),
    ],
)
def test_times(text: str | float, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["", "x", "1:2:3:4", "-5", "1m", "1:xx", "nan"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="expected a time"):
        parse_time(text)


def test_fingerprint_follows_what_shapes_the_samples() -> None:
    config = SeparationConfig()
    base = config.fingerprint("model-1")
    assert config.fingerprint("model-2") != base
    changed = {
        "stems": ("vocals",),
        "format": "flac",
        "from_s": 1.0,
        "precision": "fast",
        "overlap": 0.5,
        "dither": "tpdf",
    }
    for key, value in changed.items():
        assert dataclasses.replace(config, **{key: value}).fingerprint("model-1") != base, key  # type: ignore[arg-type]
    for key, value in {"batch": 8, "device": "cpu"}.items():
        assert dataclasses.replace(config, **{key: value}).fingerprint("model-1") == base, key  # type: ignore[arg-type]


def test_round_trip() -> None:
    config = SeparationConfig(stems=("vocals",), mix=("a=-vocals",), for_s=3.0)
    assert from_dict(SeparationConfig, to_dict(config)) == config


@pytest.mark.parametrize("bad", [{"format": "wave"}, {"dither": "noise"}, {"from_s": -1.0}, {"for_s": 0.0}])
def test_bad_values_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(AuralflowError):
        SeparationConfig(**bad)  # type: ignore[arg-type]
