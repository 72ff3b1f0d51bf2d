"""Root of the mean squared error of samples or magnitudes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from auralflow.estimate import Estimate
from auralflow.losses._base import PerStemLoss
from auralflow.losses._checks import check_choice
from auralflow.losses._domain import DOMAINS, Domain, difference, needs_of


@dataclass(frozen=True)
class RMSE(PerStemLoss):
    """Root mean squared error, `sqrt(mean (e - s)^2)` of each stem of each item; the loss is the mean of these.

    Unlike under `l2`, a stem that is twice as wrong weighs twice as much, not four times. The gradient keeps its length
    however small the error is; where the error is exactly zero it is zero.

    Source: definition.

    Raises:
        ConfigError: an unknown domain.

    Example:
        >>> RMSE()(Estimate(torch.zeros(1, 4, 2, 100), torch.zeros(1, 2, 100)), torch.full((1, 4, 2, 100), 0.5))
        tensor(0.5000)
    """

    domain: Domain = "waveform"
    """Compare samples (waveform), or magnitudes of the model's own, unscaled spectrogram (spectrogram)."""

    def __post_init__(self) -> None:
        check_choice("domain", self.domain, DOMAINS)

    @property
    def needs(self) -> tuple[str, ...]:
        """`transform` in the spectrogram domain."""
        return needs_of(self.domain)

    def per_stem(
        self, estimate: Estimate, targets: Float[Tensor, "batch stem channel time"]
    ) -> Float[Tensor, "batch stem"]:
        """The root mean squared error of each stem."""
        error = difference(estimate, targets, self.domain)
        # Unlike sqrt(mean(x^2)), the norm has a gradient of zero at zero.
        norm: Tensor = torch.linalg.vector_norm(error, dim=-1)
        return norm / math.sqrt(error.shape[-1])
