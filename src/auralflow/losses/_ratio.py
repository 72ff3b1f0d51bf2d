"""What the losses in decibels share: the floor that keeps silence finite."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def floor_energy(targets: Float[Tensor, "batch stem channel time"], floor_db: float) -> float:
    """Energy over all channels and samples of a stem whose level is `floor_db` re full scale (a mean square of 1)."""
    return float(10 ** (floor_db / 10) * targets.shape[-2] * targets.shape[-1])
