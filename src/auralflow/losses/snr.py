"""Negative signal-to-noise ratio in decibels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from auralflow.dsp import ratios
from auralflow.estimate import Estimate
from auralflow.losses._base import PerStemLoss
from auralflow.losses._checks import check_range
from auralflow.losses._ratio import floor_energy


@dataclass(frozen=True)
class SNR(PerStemLoss):
    """Negative signal-to-noise ratio in dB, `-10 log10((|s|^2 + f) / (|s - e|^2 + f))`.

    Norms go over channels and time. `f` is the energy of a stem at `floor_db`. It makes every value and gradient
    finite: a perfect estimate scores `-10 log10(|s|^2 / f + 1)`, and where the target is silent `10 log10(|e|^2 / f
    + 1)` is left, which pushes the estimate down to the floor.

    Source: definition; elsewhere called SDR. Wisdom et al. (2021, "What's all the FUSS about free universal sound
    separation data?") treat silent targets alike, with a floor relative to the mixture.

    Raises:
        ConfigError: a floor that is no number.

    Example:
        >>> import torch
        >>> targets = torch.ones(1, 4, 2, 100)
        >>> SNR()(Estimate(0.9 * targets, targets.sum(1)), targets)
        tensor(-19.9996)
    """

    floor_db: float = -60.0
    """Level re full scale below which signal and error count as nothing."""

    def __post_init__(self) -> None:
        check_range("floor_db", self.floor_db, -math.inf, math.inf)

    @property
    def minimum(self) -> float | None:
        """Depends on the level of the target."""
        return None

    def per_stem(
        self, estimate: Estimate, targets: Float[Tensor, "batch stem channel time"]
    ) -> Float[Tensor, "batch stem"]:
        """The negative ratio of each stem."""
        eps = floor_energy(targets, self.floor_db)
        return -ratios.sdr(estimate.stems.flatten(2), targets.flatten(2), eps)
