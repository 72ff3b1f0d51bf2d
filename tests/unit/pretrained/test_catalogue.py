"""The table of models: what cards say, what is here, and the filters."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from auralflow.errors import UnknownNameError
from auralflow.pretrained import catalogue
from auralflow.pretrained.card import Card, CardFile
from auralflow.pretrained.obtain import publish_card

STEMS = {"four": ("vocals", "drums", "bass", "other"), "two": ("vocals", "other"), "kit": ("kick", "snare")}
CARDS = tuple(
    Card(
        name,
        "v1",
        f"{name} stems",
        "MIT" if free else "CC BY-NC 4.0",
        free,
        "none",
        "weak",
        STEMS[name],
        44100,
        2,
        (name,),
    )
    for name, free in (("four", True), ("two", False), ("kit", True))
)
FAR = replace(CARDS[0], format="bundle", files=(CardFile("https://example.org/model.yaml", "model.yaml", size=9),))


@pytest.fixture(autouse=True)
def _three_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "list_cards", lambda: CARDS)


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


def test_an_entry_is_what_the_card_says() -> None:
    entry = catalogue.list_entries(["kick"])[0]
    assert (entry.stems, entry.sample_rate, entry.channels) == (("kick", "snare"), 44100, 2)
    assert (entry.licence, entry.commercial_use, entry.aliases) == ("MIT", True, ("kit",))
    assert (entry.is_here, entry.size_bytes, entry.parameters) == (True, 0, None)


def test_what_is_not_here_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "list_cards", lambda: (FAR,))
    (entry,) = catalogue.list_entries()
    assert (entry.is_here, entry.size_bytes) == (False, 9)
    published = publish_card(FAR)
    assert published is not None
    published.bundle.mkdir(parents=True)
    (published.bundle / "model.yaml").touch()
    (entry,) = catalogue.list_entries()
    assert entry.is_here


def test_models_in_a_folder_are_listed(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parents[2] / "data" / "bundle_v1", tmp_path / "mine")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model.yaml").write_text("nothing")
    found = [entry for entry in catalogue.list_entries(folder=tmp_path) if entry.name == str(tmp_path / "mine")]
    assert len(catalogue.list_entries(folder=tmp_path)) == len(CARDS) + 1
    assert (found[0].licence, found[0].is_here) == ("not stated", True)


def test_a_stem_that_no_model_gives_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'drums'"):
        catalogue.list_entries(["drum"])
