"""What `auralflow download` gives: where a model is now, and what may be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auralflow.fetch.events import FetchEvents
from auralflow.pretrained.card import NOT_STATED, find_card
from auralflow.pretrained.names import sort_name
from auralflow.pretrained.obtain import obtain_bundle


@dataclass(frozen=True)
class Downloaded:
    """A model on this machine."""

    name: str
    folder: Path | None
    """Its bundle; None where it needs no weights."""
    architecture: str
    stems: tuple[str, ...]
    licence: str
    commercial_use: bool
    """Whether the licence permits commercial use."""
    size_bytes: int
    """On the disk, as a bundle."""


def download_model(name: str, *, again: bool = False, events: FetchEvents | None = None) -> Downloaded:
    """Have a model on this machine; raises as `obtain_bundle` does."""
    card = None if sort_name(name) not in ("card", "other") else find_card(name)
    licence, is_free = (card.licence, card.commercial_use) if card else (NOT_STATED, False)
    if card is not None and not card.has_weights:
        return Downloaded(card.name, None, card.architecture, card.stems, licence, is_free, 0)
    folder = obtain_bundle(name, events=events, again=again)
    from auralflow.pretrained.bundle import read_description

    bundle = read_description(folder)
    n_bytes = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    shown = card.name if card else name
    return Downloaded(shown, folder, bundle.architecture, bundle.spec.stems, licence, is_free, n_bytes)
