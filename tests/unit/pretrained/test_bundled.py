"""Weights that come with the package: found without a network or a cache, whole, small."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from auralflow.config import from_dict
from auralflow.errors import ConfigError
from auralflow.pretrained.bundle import WEIGHTS, read_description
from auralflow.pretrained.card import Card, find_card, list_cards
from auralflow.pretrained.catalogue import list_entries
from auralflow.pretrained.downloaded import download_model
from auralflow.pretrained.load import describe_model, load_model
from auralflow.pretrained.obtain import find_bundled, obtain_bundle, prepare_model

BUNDLED = [card for card in list_cards() if card.bundled]


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AURALFLOW_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("card", BUNDLED, ids=lambda card: card.name)
def test_they_load_offline_and_touch_no_cache(card: Card, empty_cache: Path) -> None:
    prepare_model(card.name, offline=True)
    model = load_model(card.name, offline=True)
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    folder = obtain_bundle(card.aliases[0], offline=True)
    assert folder == find_bundled(card) == download_model(card.name).folder
    assert not empty_cache.exists()
    description = read_description(folder)
    assert description.architecture == card.architecture
    assert description.weights_sha256 in describe_model(card.name).identity
    assert describe_model(card.name).spec == model.spec
    assert {path.name for path in folder.iterdir()} == {"model.yaml", WEIGHTS}


def test_none_is_larger_than_12_mib() -> None:
    sizes = {
        card.name: sum(path.stat().st_size for path in (find_bundled(card) or Path()).iterdir()) for card in BUNDLED
    }
    assert len(sizes) > 1
    assert max(sizes.values()) <= 12 * 2**20, sizes


def test_live_is_one_of_them() -> None:
    card = find_card("live")
    assert card in BUNDLED
    assert next(entry for entry in list_entries() if entry.name == card.name).is_here


def test_a_card_cannot_have_them_and_downloads() -> None:
    values = {"architecture": "a", "tag": "v1", "summary": "s", "licence": "MIT", "commercial_use": True}
    values |= {"training_data": "t", "weaknesses": "w", "stems": ["a"], "sample_rate": 44100, "channels": 2}
    values |= {"bundled": True, "format": "bundle", "files": [{"url": "https://a.b/c.ckpt", "name": "c.ckpt"}]}
    with pytest.raises(ConfigError, match="expected none for weights that come with the package"):
        from_dict(Card, values, "card")
