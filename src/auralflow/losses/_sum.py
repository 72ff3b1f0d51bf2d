"""Weighted sums of losses, as a configuration names them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.losses._base import Loss
from auralflow.losses._build import build_loss
from auralflow.losses._checks import check_range


@dataclass(frozen=True)
class LossTerm:
    """One loss of a sum; its values are checked by `build_losses`, which knows where it stands."""

    name: str
    """Name of the loss, or path of a `.py` file that defines one."""
    weight: float = 1.0
    """What its value is multiplied by."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of the loss."""


class SumOfLosses:
    """Losses with weights; called, it gives the weighted sum and each loss's own value.

    Names are those of the losses; one that stands more than once is counted: `l1`, `l1_2`.
    """

    def __init__(self, losses: Sequence[tuple[str, float, Loss]]) -> None:
        self._losses: dict[str, tuple[float, Loss]] = {}
        for name, weight, loss in losses:
            self._losses[_make_unique(name, self._losses)] = (weight, loss)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the values, in the order of the terms."""
        return tuple(self._losses)

    @property
    def needs(self) -> tuple[str, ...]:
        """Fields of `Estimate` that one of the losses needs, each once."""
        return tuple(dict.fromkeys(need for _, loss in self._losses.values() for need in loss.needs))

    def __call__(
        self, estimate: Estimate, targets: Float[Tensor, "batch stem channel time"]
    ) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
        """The weighted sum, and the value of each loss before its weight, without gradient."""
        values = {name: loss(estimate, targets) for name, (_, loss) in self._losses.items()}
        first, *others = (weight * values[name] for name, (weight, _) in self._losses.items())
        return sum(others, start=first), {name: value.detach() for name, value in values.items()}


def build_losses(terms: Sequence[LossTerm], key: str = "loss", sample_rate: int | None = None) -> SumOfLosses:
    """The sum that `terms` describe.

    Args:
        key: where the terms stand in the config, for messages.
        sample_rate: of the model, for losses that ask for it and are not told.

    Raises:
        ConfigError: no terms, a name or an option that is unknown (the nearest is offered), a value that a loss
            refuses, a negative weight. The message starts with the dotted name, as `loss.0.options.alpha`.

    Example:
        >>> import torch
        >>> loss = build_losses([LossTerm("l1"), LossTerm("l2", weight=10.0)])
        >>> total, values = loss(Estimate(torch.zeros(1, 2, 1, 9), torch.zeros(1, 1, 9)), torch.ones(1, 2, 1, 9))
        >>> total.item(), list(values)
        (11.0, ['l1', 'l2'])
    """
    if not terms:
        raise ConfigError(f"{key}: expected at least one loss, got none")
    known = {} if sample_rate is None else {"sample_rate": sample_rate}
    return SumOfLosses([_build_term(term, f"{key}.{index}", known) for index, term in enumerate(terms)])


def _build_term(term: LossTerm, key: str, known: dict[str, Any]) -> tuple[str, float, Loss]:
    check_range(f"{key}.weight", term.weight, 0, math.inf)
    loss = build_loss(term.name, term.options, name_key=f"{key}.name", options_key=f"{key}.options", known=known)
    return Path(term.name).stem if term.name.endswith(".py") else term.name, term.weight, loss


def _make_unique(name: str, taken: dict[str, Any]) -> str:
    candidates = (name, *(f"{name}_{count}" for count in range(2, len(taken) + 2)))
    return next(candidate for candidate in candidates if candidate not in taken)
