"""Losses: one file each, a frozen dataclass whose fields are its options, called with (estimate, targets)."""

from auralflow.losses._base import Loss, PerStemLoss
from auralflow.losses._registry import losses
from auralflow.losses._sum import LossTerm, SumOfLosses, build_losses

__all__ = ["Loss", "LossTerm", "PerStemLoss", "SumOfLosses", "build_losses", "losses"]
