"""What every loss has, and what those with one value per stem share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from auralflow.errors import ConfigError, ShapeError
from auralflow.estimate import Estimate

Field = TypeVar("Field")


@runtime_checkable
class Loss(Protocol):
    """What the training asks of a loss; any frozen dataclass that has it is one, its fields are its options."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Fields of `Estimate` that must not be None: of `masks`, `transform` and `latent`."""
        ...

    def __call__(self, estimate: Estimate, targets: Float[Tensor, "batch stem channel time"]) -> Float[Tensor, ""]:
        """One number, lower is better: the mean over the items of the batch, so that large batches can be split."""
        ...


class PerStemLoss(ABC):
    """A loss that is the mean of one value per item and stem; `best_perm` can wrap it.

    Subclasses write `per_stem`, which may take for granted that shapes agree and that nothing is in half precision.
    """

    @property
    def needs(self) -> tuple[str, ...]:
        """Fields of `Estimate` that must not be None; here none but the waveforms."""
        return ()

    @property
    def minimum(self) -> float | None:
        """The value of a perfect estimate; None where that depends on the signals."""
        return 0.0

    @abstractmethod
    def per_stem(
        self, estimate: Estimate, targets: Float[Tensor, "batch stem channel time"]
    ) -> Float[Tensor, "batch stem"]:
        """The value of each stem of each item."""

    def __call__(self, estimate: Estimate, targets: Float[Tensor, "batch stem channel time"]) -> Float[Tensor, ""]:
        """The mean of `per_stem`.

        Raises:
            ShapeError: estimate and targets have different shapes.
            ConfigError: the estimate lacks a field that the loss needs.
        """
        if estimate.shape != tuple(targets.shape):
            raise ShapeError(f"expected targets of the estimate's shape {estimate.shape}, got {tuple(targets.shape)}")
        return self.per_stem(_widen_fields(estimate), widen(targets)).mean()


def require(field: Field | None, name: str) -> Field:
    """An optional field of an estimate, or an error that says that the model does not give it."""
    if field is None:
        raise ConfigError(f"loss: expected a model that gives '{name}', got none; choose another loss or another model")
    return field


def widen(signal: Tensor) -> Tensor:
    """Half precision becomes single: the squares and logarithms of losses need its range."""
    return signal.float() if signal.dtype in (torch.float16, torch.bfloat16) else signal


def _widen_fields(estimate: Estimate) -> Estimate:
    masks = None if estimate.masks is None else widen(estimate.masks)
    return Estimate(lambda: widen(estimate.stems), widen(estimate.mixture), masks, estimate.transform, estimate.latent)
