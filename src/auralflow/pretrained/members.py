"""Bags: several networks of one architecture, whose outputs are averaged; and how a bundle describes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from auralflow.config import from_dict
from auralflow.errors import ConfigError
from auralflow.registry import config_class
from auralflow.spec import ModelSpec


@dataclass(frozen=True)
class MemberDescription:
    """One network of a bag."""

    config: dict[str, Any]
    """Settings of the architecture."""
    weights: tuple[float, ...]
    """How much the network counts, for each stem of the spec."""


def build_bag(model_class: type[Any], spec: ModelSpec, members: Sequence[MemberDescription]) -> nn.Module:
    """A bag of networks with fresh weights.

    Raises:
        ConfigError: a setting that the architecture does not have, or weights for another number of stems.
    """
    from auralflow.models.blocks.bag import Bag

    of_model = config_class(model_class)
    networks = []
    for number, member in enumerate(members):
        if len(member.weights) != len(spec.stems):
            raise ConfigError(
                f"bag.{number}.weights: expected {len(spec.stems)}, one for each stem, got {member.weights}"
            )
        networks.append(model_class(spec, from_dict(of_model, member.config, f"bag.{number}.config")))
    return Bag(spec, networks, tuple(member.weights for member in members))


def name_state(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The state of a bag, of those of its networks."""
    return {f"models.{number}.{key}": tensor for number, state in enumerate(states) for key, tensor in state.items()}


def check_single(where: Path | str, members: Sequence[MemberDescription]) -> None:
    """Refuse to train a bag.

    Raises:
        ConfigError: there are members.
    """
    if members:
        raise ConfigError(
            f"{where}: is a bag of {len(members)} networks, and training takes one; convert one of its files by itself"
        )
