"""The table of models: what cards and specs say, and the filters."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from auralflow.errors import UnknownNameError
from auralflow.pretrained import catalogue
from auralflow.pretrained.card import Card
from auralflow.spec import ModelSpec

STEMS = {"four": ("vocals", "drums", "bass", "other"), "two": ("vocals", "other"), "kit": ("kick", "snare")}
CARDS = tuple(
    Card(name, "v1", f"{name} stems", "MIT" if free else "CC BY-NC 4.0", free, "none", "weak", (name,))
    for name, free in (("four", True), ("two", False), ("kit", True))
)


@pytest.fixture(autouse=True)
def _three_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    def describe(name: str) -> SimpleNamespace:
        return SimpleNamespace(spec=ModelSpec(STEMS[name.partition(".")[0]], 44100, 2, segment_samples=44100))

    monkeypatch.setattr(catalogue, "list_cards", lambda: CARDS)
    monkeypatch.setattr(catalogue, "describe_model", describe)


@pytest.mark.parametrize(
    ("stems", "commercial", "names"),
    [
        ([], False, ["four.v1", "two.v1", "kit.v1"]),
        (["vocals"], False, ["four.v1", "two.v1"]),
        (["vocals", "drums"], False, ["four.v1"]),
        (["kick", "vocals"], False, []),
        ([], True, ["four.v1", "kit.v1"]),
        (["vocals", "other"], True, ["four.v1"]),
    ],
)
def test_filters(stems: list[str], commercial: bool, names: list[str]) -> None:
    assert [entry.name for entry in catalogue.list_entries(stems, commercial)] == names


def test_an_entry_joins_card_and_spec() -> None:
    entry = catalogue.list_entries(["kick"])[0]
    assert (entry.stems, entry.sample_rate, entry.channels) == (("kick", "snare"), 44100, 2)
    assert (entry.licence, entry.commercial_use, entry.aliases) == ("MIT", True, ("kit",))


def test_a_stem_that_no_model_gives_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'drums'"):
        catalogue.list_entries(["drum"])
