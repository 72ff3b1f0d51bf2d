"""A card that says something impossible is no card."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from auralflow.config import from_dict
from auralflow.errors import ConfigError
from auralflow.pretrained import card as module
from auralflow.pretrained.card import Card

WHOLE = "\n".join(line[4:] for line in (module.__doc__ or "").splitlines() if line.startswith("    ") or not line)


def read(**changes: Any) -> Card:
    return from_dict(Card, tomllib.loads(WHOLE) | changes, "card")


def test_the_card_in_the_docstring_is_one() -> None:
    card = read()
    assert card.name == "bs_roformer.someone"
    assert card.size == card.files[0].size == 639_000_000
    assert card.published_scores[0].values == {"vocals": 10.87}
    assert card.identity == "bs_roformer.someone https://example.org/model.ckpt"


FILE = {"url": "https://example.org/model.ckpt", "name": "model.ckpt"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"files": [FILE | {"url": "http://example.org/model.ckpt"}]}, r"files\.url: .*https://"),
        ({"files": [FILE | {"name": "../model.ckpt"}]}, r"files\.name: expected a plain file name"),
        ({"files": [FILE | {"name": ".model.ckpt"}]}, r"files\.name"),
        ({"files": [FILE | {"sha256": "ABC"}]}, r"files\.sha256: expected 64"),
        ({"files": [FILE | {"size": 0}]}, r"files\.size"),
        ({"files": [FILE, FILE]}, r"files\.name: a name stands twice"),
        ({"files": []}, "files: expected some"),
        ({"format": "none"}, "files: expected some"),
        ({"format": "zip"}, "format: expected one of"),
        ({"licence_source": 1}, "licence_source: expected str"),
        ({"license": "MIT"}, "did you mean 'licence'"),
        ({"published_scores": [{"metric": "SDR"}]}, "protocol: missing"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read(**changes)


def test_a_size_is_what_is_known_of_it() -> None:
    assert read(files=[FILE, FILE | {"name": "b", "size": 5}]).size == 5
    assert read(files=[FILE]).size is None
    assert read(files=[], format="none").size == 0
