"""Configs survive YAML and name what they refuse."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pytest

from auralflow.config import from_dict, from_yaml, to_dict, to_yaml
from auralflow.errors import ConfigError


@dataclass(frozen=True)
class Inner:
    size: int = 3
    """Size."""


@dataclass(frozen=True)
class Outer:
    name: str
    rates: tuple[float, ...] = (1.0, 2.0)
    pair: tuple[int, str] = (1, "a")
    mode: Literal["a", "b"] = "a"
    limit: int | None = None
    flag: bool = False
    inner: Inner = field(default_factory=Inner)
    extra: dict[str, int] = field(default_factory=dict)


def test_round_trip() -> None:
    config = Outer("é", (0.5,), (2, "b"), "b", 4, True, Inner(9), {"k": 1})
    assert from_yaml(Outer, to_yaml(config)) == config
    assert from_dict(Outer, to_dict(config)) == config
    assert from_yaml(Outer, "name: x") == Outer("x")


def test_whole_numbers_serve_as_floats() -> None:
    assert from_dict(Outer, {"name": "x", "rates": [1, 2]}).rates == (1.0, 2.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: x\nlimt: 3", "limt: unknown key, did you mean 'limit'"),
        ("name: x\ninner: {sise: 3}", "inner.sise: unknown key, did you mean 'size'"),
        ("limit: 3", "name: missing"),
        ("name: x\npair: [1]", "pair: expected 2 values"),
        ("name: x\nmode: c", "mode: expected one of 'a', 'b', got 'c'"),
        ("name: x\nlimit: many", "limit: expected int, got 'many'"),
        ("name: x\nlimit: true", "limit: expected int, got True"),
        ("name: x\nflag: 1", "flag: expected bool"),
        ("name: x\nrates: [1, x]", "rates.1: expected float"),
        ("name: x\nrates: 3", "rates: expected a list"),
        ("name: x\ninner: 3", "inner: expected a mapping"),
        ("- x", "expected a mapping"),
        ("name: [", "not readable as YAML"),
    ],
)
def test_what_is_wrong_is_named(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_yaml(Outer, text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_yaml_tags_are_not_executed() -> None:
    with pytest.raises(ConfigError, match="YAML"):
        from_yaml(Outer, "name: !!python/object/apply:os.system ['true']")
