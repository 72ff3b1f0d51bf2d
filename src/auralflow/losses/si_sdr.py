"""Negative scale-invariant signal-to-distortion ratio in decibels."""

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
class SISDR(PerStemLoss):
    """Negative SI-SDR in dB, `-10 log10((|a s|^2 + f) / (|a s - e|^2 + f))` with `a = <e, s> / (|s|^2 + f)`.

    Products and norms go over channels and time. `f` is the energy of a stem at `floor_db`; far above it the value
    does not change when the estimate is scaled, so that a model may return any gain. Where the target is silent,
    `10 log10(|e|^2 / f + 1)` is left, which pushes the estimate down. A silent estimate has value and gradient
    zero: no direction is better than another there.

    Source: Le Roux et al. (2019, "SDR: half-baked or well done?").

    Raises:
        ConfigError: a floor that is no number.

    Example:
        >>> import torch
        >>> targets = torch.sin(torch.arange(1000) / 10).expand(1, 4, 2, -1)
        >>> loss = SISDR()
        >>> bool(loss(Estimate(0.5 * targets, targets.sum(1)), targets) < -50)
        True
    """

    floor_db: float = -60.0
    """Level re full scale below which signal and distortion count as nothing."""
    is_zero_mean: bool = False
    """Take the mean over time and channels from both first, so that an offset is no distortion."""

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
        return -ratios.si_sdr(estimate.stems.flatten(2), targets.flatten(2), eps, is_zero_mean=self.is_zero_mean)
