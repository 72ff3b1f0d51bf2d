"""The models a visitor may choose from: by name only, for a path from outside would be code from outside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auralflow.errors import ConfigError, UnknownNameError
from auralflow.pretrained.catalogue import list_entries
from auralflow.separation.names import model_name


@dataclass(frozen=True)
class Offer:
    """A model, as the page lists it."""

    name: str
    source: str
    """What `auralflow separate --model` would be given."""
    aliases: tuple[str, ...]
    summary: str
    stems: tuple[str, ...]
    licence: str
    commercial_use: bool
    is_here: bool

    @property
    def is_default(self) -> bool:
        return "default" in self.aliases


class OfferedModels:
    """Models of this package, and those that the server was started with.

    Args:
        sources: further models: folders, `.py` files, plans.

    Raises:
        AuralflowError: one of them is none.
    """

    def __init__(self, sources: tuple[str, ...] = ()) -> None:
        self._further = tuple(_describe(source) for source in sources)
        names = [offer.name for offer in self._further]
        if len(set(names)) != len(names):
            raise ConfigError(f"model: two models have one name: {', '.join(names)}; rename one")

    def list(self) -> list[Offer]:
        """All of them, those first that can be used now."""
        offers = [*self._further, *_list_cards()]
        return sorted(offers, key=lambda offer: (not offer.is_here, not offer.is_default))

    def find(self, name: str) -> Offer:
        """The model with a name.

        Raises:
            UnknownNameError: there is no such model.
            ConfigError: it would have to be downloaded first.
        """
        offers = self.list()
        found = next((offer for offer in offers if name in (offer.name, *offer.aliases)), None)
        if found is None:
            raise UnknownNameError("model", name[:80], [offer.name for offer in offers if offer.is_here])
        if not found.is_here:
            raise ConfigError(
                f"model: '{found.name}' is not on the server's machine; run there: auralflow download {found.name}"
            )
        return found


def _list_cards() -> list[Offer]:
    return [
        Offer(
            entry.name,
            entry.name,
            entry.aliases,
            entry.summary,
            entry.stems,
            entry.licence,
            entry.commercial_use,
            entry.is_here,
        )
        for entry in list_entries()
    ]


def _describe(source: str) -> Offer:
    # These load torch, which the server does without otherwise.
    from auralflow.separation.build import describe_separator
    from auralflow.separation.config import SeparationConfig

    path = str(Path(source).absolute()) if Path(source).exists() else source
    stems = describe_separator(SeparationConfig(model=path)).spec.stems
    summary = "A model of whoever runs this server"
    return Offer(model_name(path), path, (), summary, stems, "not stated", False, True)
