"""The ready-to-use models as one table: what their cards say, and what is on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from auralflow.errors import AuralflowError, UnknownNameError
from auralflow.pretrained.card import NOT_STATED, Card, Measured, PublishedScores, list_cards
from auralflow.pretrained.names import DESCRIPTION
from auralflow.pretrained.obtain import publish_card

if TYPE_CHECKING:  # loads torch
    from auralflow.pretrained.bundle import BundleDescription


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
    parameters: int | None = None
    """Number of trained values, where it is known."""
    is_here: bool = True
    """Whether it can be used without a download."""
    size_bytes: int | None = None
    """What a download takes, where it is published."""
    published_scores: tuple[PublishedScores, ...] = ()
    measured: Measured = field(default_factory=Measured)
    code_licence: str = NOT_STATED
    licence_source: str = NOT_STATED
    """Where the licence of the weights is stated."""
    source: str = NOT_STATED
    """Page or paper of the authors."""


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
    entries = (*map(_read_card, list_cards()), *(_find_bundles(folder) if folder else ()))
    known = {stem for entry in entries for stem in entry.stems}
    for stem in stems:
        if stem not in known:
            raise UnknownNameError("stem", stem, known)
    return tuple(
        entry for entry in entries if set(stems) <= set(entry.stems) and (entry.commercial_use or not commercial)
    )


def _read_card(card: Card) -> ModelEntry:
    published = publish_card(card)
    return ModelEntry(
        name=card.name,
        aliases=card.aliases,
        stems=card.stems,
        sample_rate=card.sample_rate,
        channels=card.channels,
        licence=card.licence,
        commercial_use=card.commercial_use,
        training_data=card.training_data,
        summary=card.summary,
        weaknesses=card.weaknesses,
        parameters=card.parameters,
        is_here=published is None or published.is_here,
        size_bytes=card.size,
        published_scores=card.published_scores,
        measured=card.measured,
        code_licence=card.code_licence,
        licence_source=card.licence_source,
        source=card.source,
    )


def _find_bundles(folder: Path) -> Iterator[ModelEntry]:
    """Models that were trained here; what is no complete bundle is none of them."""
    for path in sorted(folder.glob(f"*/{DESCRIPTION}")):
        from auralflow.pretrained.bundle import read_description

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
        licence=NOT_STATED,
        commercial_use=False,
        training_data="see train.yaml" if (folder / "train.yaml").exists() else NOT_STATED,
        summary=f"Trained model in this folder, architecture {bundle.architecture}",
        weaknesses=NOT_STATED,
    )
