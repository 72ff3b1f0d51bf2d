"""What every converter gives: a description and plain tensors, from which a bundle is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from auralflow.spec import ModelSpec


@dataclass(frozen=True, eq=False)
class Member:
    """One network of a model; most models are one."""

    config: Any
    """The frozen dataclass it is built with."""
    state: dict[str, Tensor]
    """Its parameters and buffers, by our names."""


@dataclass(frozen=True, eq=False)
class Converted:
    """A foreign checkpoint in our terms."""

    architecture: str
    """Name of the code, a file of `auralflow.models`."""
    spec: ModelSpec
    members: tuple[Member, ...]
    """Several for a bag, whose outputs are averaged."""
    weights: tuple[tuple[float, ...], ...] | None = None
    """Of each member for each stem, of a bag; None for equal ones."""
