"""From what a user types to a model: a name, a bundle, weights of another package, an address, or a `.py` file."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from auralflow.errors import CheckpointError, ConfigError
from auralflow.fetch.events import FetchEvents
from auralflow.models import models
from auralflow.pretrained.bundle import check_trained, load_bundle, read_description
from auralflow.pretrained.card import Card, find_card
from auralflow.pretrained.names import sort_name
from auralflow.pretrained.obtain import find_bundled, obtain_bundle, publish_card
from auralflow.registry import config_class
from auralflow.spec import ModelSpec


@dataclass(frozen=True)
class ModelDescription:
    """What can be said of a model before it is loaded."""

    name: str
    spec: ModelSpec
    identity: str
    """Changes whenever the model's output may: name and version, or hashes of weights or code."""


def load_model(name: str = "default", *, events: FetchEvents | None = None, offline: bool = False) -> nn.Module:
    """A model ready to separate, on the CPU, in evaluation mode, with its `spec` as an attribute.

    What is not on this machine is downloaded, and what another package wrote is converted, once each.

    Args:
        name: a name from `auralflow models`; the folder of a bundle; a file or folder of weights of another package;
            the `https://` address of such a file; `hf:owner/name`; or a `.py` file that defines a model.
        events: who hears of downloads.
        offline: download nothing.

    Raises:
        UnknownNameError: there is no such model; the message offers the nearest name.
        CheckpointError: it is an architecture without weights, or its weights are damaged or unknown.
        DownloadError: it cannot be downloaded, or must not be.

    Example:
        >>> load_model("classic").spec.stems
        ('vocals', 'drums', 'bass', 'other')
    """
    kind = sort_name(name)
    if kind == "code":
        return _build(name)
    if kind in ("card", "other") and not (card := _find(name)).has_weights:
        return _build(card.architecture)
    return load_bundle(obtain_bundle(name, events=events, offline=offline))


def describe_model(name: str = "default") -> ModelDescription:
    """What can be said of a model without loading it; raises as `load_model` does.

    A model in the list is described by its card until it is here: its segments are then those of the architecture.
    What only its weights can tell of is fetched and converted first.
    """
    kind = sort_name(name)
    if kind == "code":
        spec, code = _default_spec(name), Path(name).read_bytes()
        return ModelDescription(Path(name).stem, spec, hashlib.sha256(code).hexdigest())
    if kind in ("card", "other"):
        return _describe_card(_find(name))
    bundle = read_description(folder := obtain_bundle(name))
    check_trained(folder, bundle)
    shown = Path(name).resolve().name if kind in ("bundle", "foreign") else name
    return ModelDescription(shown, bundle.spec, bundle.weights_sha256 + bundle.code_sha256)


def _describe_card(card: Card) -> ModelDescription:
    if (folder := find_bundled(card)) is not None:
        bundle = read_description(folder)
        return ModelDescription(card.name, bundle.spec, f"{card.name} {bundle.weights_sha256}")
    published = publish_card(card)
    if published is None:
        return ModelDescription(card.name, _default_spec(card.architecture), card.identity)
    if published.is_here:
        return ModelDescription(card.name, read_description(published.bundle).spec, card.identity)
    spec = replace(
        _default_spec(card.architecture), stems=card.stems, sample_rate=card.sample_rate, channels=card.channels
    )
    return ModelDescription(card.name, spec, card.identity)


def _find(name: str) -> Card:
    """The card of a name."""
    if name.endswith((".yaml", ".yml")):
        raise CheckpointError(f"{name}: is no model; plans are for 'auralflow separate --model' and 'auralflow test'")
    if sort_name(name) == "other" and name in models.names():
        raise CheckpointError(
            f"'{name}' is an architecture, and there are no weights for it here; name a model or a bundle"
        )
    return find_card(name)


def _build(architecture: str) -> nn.Module:
    model_class = models.load(architecture)
    model: nn.Module = model_class(_default_spec(architecture), config_class(model_class)())
    return model.eval()


def _default_spec(architecture: str) -> ModelSpec:
    module: Any = sys.modules[models.load(architecture).__module__]
    spec = getattr(module, "SPEC", None)
    if not isinstance(spec, ModelSpec):
        raise ConfigError(f"{architecture}: expected a constant SPEC, a ModelSpec, in the model's file; found none")
    return spec
