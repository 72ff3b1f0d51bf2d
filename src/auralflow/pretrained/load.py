"""From what a user types to a model: a name, a bundle folder, or a `.py` file."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from auralflow.errors import CheckpointError, ConfigError
from auralflow.models import models
from auralflow.pretrained.bundle import check_trained, load_bundle, read_description
from auralflow.pretrained.card import find_card, list_cards
from auralflow.registry import config_class
from auralflow.spec import ModelSpec


@dataclass(frozen=True)
class ModelDescription:
    """What can be said of a model before it is loaded."""

    name: str
    spec: ModelSpec
    identity: str
    """Changes whenever the model's output may: name and version, or a hash of weights or code."""


def load_model(name: str = "default") -> nn.Module:
    """A model ready to separate, on the CPU, in evaluation mode, with its `spec` as an attribute.

    Args:
        name: a name from `auralflow models`, the folder of a bundle, or a `.py` file that defines a model.

    Raises:
        UnknownNameError: there is no such model; the message offers the nearest name.
        CheckpointError: it is an architecture without weights, or a damaged bundle.

    Example:
        >>> load_model("classic").spec.stems
        ('vocals', 'drums', 'bass', 'other')
    """
    if name.endswith(".py"):
        return _build(name)
    if Path(name).is_dir():
        return load_bundle(Path(name))
    return _build(_card_architecture(name))


def describe_model(name: str = "default") -> ModelDescription:
    """What can be said of a model without loading its weights; raises as `load_model` does."""
    if name.endswith(".py"):
        spec, code = _default_spec(name), Path(name).read_bytes()
        return ModelDescription(Path(name).stem, spec, hashlib.sha256(code).hexdigest())
    if Path(name).is_dir():
        bundle = read_description(Path(name))
        check_trained(Path(name), bundle)
        return ModelDescription(Path(name).resolve().name, bundle.spec, bundle.weights_sha256 + bundle.code_sha256)
    architecture = _card_architecture(name)
    card = find_card(name)
    return ModelDescription(card.name, _default_spec(architecture), card.name)


def _card_architecture(name: str) -> str:
    known = {alias for card in list_cards() for alias in (card.name, *card.aliases)}
    if name not in known and name in models.names():
        raise CheckpointError(
            f"'{name}' is an architecture, and there are no weights for it here; name a model or a bundle"
        )
    return find_card(name).architecture


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
