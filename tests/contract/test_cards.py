"""Every card is whole, true to the code as far as that can be known, and careful about licences."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from auralflow.models import models
from auralflow.pretrained.card import Card, find_card, list_cards
from auralflow.pretrained.load import describe_model, load_model
from auralflow.spec import ModelSpec

PERMITTING = {"MIT", "Apache-2.0", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0", "GPL-3.0", "LGPL-3.0", "MPL-2.0"}
"""Licences that permit commercial use, under their conditions."""

CARDS = pytest.mark.parametrize("card", list_cards(), ids=lambda card: card.name)


def find_faults(card: Card) -> list[str]:
    """What is wrong with a card, besides what it refuses itself."""
    faults = []
    words = (card.summary, card.licence, card.training_data, card.weaknesses, card.code_licence, card.source)
    if not all(text.strip() and "TODO" not in text for text in (*words, card.licence_source)):
        faults.append("an empty text")
    if card.architecture not in models.names():
        faults.append("no such architecture")
    if not re.fullmatch(r"[a-z0-9_]+", card.tag):
        faults.append("a tag that is no plain word")
    if card.commercial_use and card.licence not in PERMITTING:
        faults.append("commercial use that the licence does not permit")
    if any(not urlsplit(file.url).hostname or not urlsplit(file.url).path.strip("/") for file in card.files):
        faults.append("an address of no file")
    if any(set(scores.values) - set(card.stems) for scores in card.published_scores):
        faults.append("scores of other stems")
    if any(not scores.values or not scores.protocol.strip() for scores in card.published_scores):
        faults.append("scores without values or protocol")
    return faults


@CARDS
def test_cards_are_whole(card: Card) -> None:
    assert find_faults(card) == []
    ModelSpec(card.stems, card.sample_rate, card.channels, segment_samples=1)  # names and numbers that can be


@CARDS
def test_cards_describe_without_a_download(card: Card) -> None:
    spec = describe_model(card.name).spec
    assert (spec.stems, spec.sample_rate, spec.channels) == (card.stems, card.sample_rate, card.channels)
    assert describe_model(card.name).identity.startswith(card.name)


@pytest.mark.parametrize("card", [card for card in list_cards() if not card.files], ids=lambda card: card.name)
def test_models_in_the_box_are_as_their_cards_say(card: Card) -> None:
    model = load_model(card.name)
    assert isinstance(model.spec, ModelSpec)
    assert model.spec.stems == card.stems
    assert sum(parameter.numel() for parameter in model.parameters()) == card.parameters


def test_names_name_one_card_each() -> None:
    names = [alias for card in list_cards() for alias in (card.name, *card.aliases)]
    assert len(names) == len(set(names))
    assert all(find_card(card.architecture).architecture == card.architecture for card in list_cards())


def test_no_two_cards_are_the_same_weights() -> None:
    identities = [[file.url for file in card.files] for card in list_cards() if card.files]
    assert all(identities.count(urls) == 1 for urls in identities)


def test_a_bad_card_would_be_found() -> None:
    card = next(card for card in list_cards() if card.published_scores)
    bad = [
        replace(card, licence="not stated", commercial_use=True),
        replace(card, licence_source=" "),
        replace(card, architecture="no_such_net"),
        replace(card, stems=("kazoo",)),
        replace(card, tag="a b"),
        replace(card, files=(replace(card.files[0], url="https://example.org/"),)),
    ]
    assert all(len(find_faults(wrong)) == 1 for wrong in bad)
