"""The ready-to-use models as one table: their cards, and what their architectures' specs add."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from auralflow.errors import AuralflowError, UnknownNameError
from auralflow.pretrained.bundle import DESCRIPTION, BundleDescription, read_description
from auralflow.pretrained.card import Card, list_cards
from auralflow.pretrained.load import describe_model


@dataclass(frozen=True)
class ModelEntry:
    """A ready-to-use model, as `auralflow models` shows it."""

    name: str
    """Full name, for `load_model` and `--model`."""
    aliases: tuple[str, ...]
    """Other names; `default` is among those of the model in the box."""
    stems: tuple[str, ...]
    sample_rate: int
    channels: int
    licence: str
    commercial_use: bool
    """Whether the licence permits commercial use."""
    training_data: str
    summary: str
    weaknesses: str


def list_entries(
    stems: Sequence[str] = (), commercial: bool = False, folder: Path | None = None
) -> tuple[ModelEntry, ...]:
    """Entries of all models, or of those that match.

    Args:
        stems: only models that give all of these.
        commercial: only models whose licence permits commercial use.
        folder: also list the trained models whose folders lie here.

    Raises:
        UnknownNameError: no model at all gives one of the stems.

    Example:
        >>> all("vocals" in entry.stems for entry in list_entries(["vocals"]))
        True
    """
    entries = (*map(_read_entry, list_cards()), *(_find_bundles(folder) if folder else ()))
    known = {stem for entry in entries for stem in entry.stems}
    for stem in stems:
        if stem not in known:
            raise UnknownNameError("stem", stem, known)
    return tuple(
        entry for entry in entries if set(stems) <= set(entry.stems) and (entry.commercial_use or not commercial)
    )


def _read_entry(card: Card) -> ModelEntry:
    spec = describe_model(card.name).spec
    return ModelEntry(
        name=card.name,
        aliases=card.aliases,
        stems=spec.stems,
        sample_rate=spec.sample_rate,
        channels=spec.channels,
        licence=card.licence,
        commercial_use=card.commercial_use,
        training_data=card.training_data,
        summary=card.summary,
        weaknesses=card.weaknesses,
    )


def _find_bundles(folder: Path) -> Iterator[ModelEntry]:
    """Models that were trained here; what is no complete bundle is none of them."""
    for path in sorted(folder.glob(f"*/{DESCRIPTION}")):
        try:
            bundle = read_description(path.parent)
        except AuralflowError:
            continue
        if bundle.weights_sha256:
            yield _describe_bundle(path.parent, bundle)


def _describe_bundle(folder: Path, bundle: BundleDescription) -> ModelEntry:
    return ModelEntry(
        name=str(folder),
        aliases=(),
        stems=bundle.spec.stems,
        sample_rate=bundle.spec.sample_rate,
        channels=bundle.spec.channels,
        licence="not stated",
        commercial_use=False,
        training_data="see train.yaml" if (folder / "train.yaml").exists() else "not stated",
        summary=f"Trained model in this folder, architecture {bundle.architecture}",
        weaknesses="not stated",
    )
