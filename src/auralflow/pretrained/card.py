"""Cards: what is known of each ready-to-use model, one TOML file each."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from auralflow.config import from_dict
from auralflow.errors import UnknownNameError


@dataclass(frozen=True)
class Card:
    """A ready-to-use model."""

    architecture: str
    """Name of the code, a file of `auralflow.models`."""
    tag: str
    """Which weights, or which version of a separator that has none."""
    summary: str
    """One line for the table of models."""
    licence: str
    """Licence of the weights (of the code where there are none)."""
    commercial_use: bool
    """Whether the licence permits commercial use."""
    training_data: str
    """What it was trained on, and under which licences."""
    weaknesses: str
    """What it does badly."""
    aliases: tuple[str, ...] = ()
    """Other names; the architecture alone is one for its default tag."""

    @property
    def name(self) -> str:
        return f"{self.architecture}.{self.tag}"


@cache
def list_cards() -> tuple[Card, ...]:
    """All cards of the package, by name."""
    folder = files("auralflow.pretrained") / "cards"
    texts = {
        entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")
    }
    return tuple(from_dict(Card, tomllib.loads(texts[name]), name) for name in sorted(texts))


def find_card(name: str) -> Card:
    """The card called `name`, by its full name or an alias.

    Raises:
        UnknownNameError: there is none; the message offers the nearest name.

    Example:
        >>> find_card("default").architecture
        'classic'
    """
    names = {alias: card for card in list_cards() for alias in (card.name, *card.aliases)}
    try:
        return names[name]
    except KeyError:
        raise UnknownNameError("model", name, names) from None
