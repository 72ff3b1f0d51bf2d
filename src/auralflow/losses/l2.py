"""Mean squared error of samples or magnitudes."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from auralflow.estimate import Estimate
from auralflow.losses._base import PerStemLoss
from auralflow.losses._checks import check_choice
from auralflow.losses._domain import DOMAINS, Domain, difference, needs_of


@dataclass(frozen=True)
class L2(PerStemLoss):
    """Mean squared error, `mean (e - s)^2` over the samples of a stem, or over the magnitudes of its spectrogram.

    Source: definition. For magnitudes of stems: Stöter et al. (2019, "Open-Unmix - a reference implementation for music
    source separation").

    Raises:
        ConfigError: an unknown domain.

    Example:
        >>> import torch
        >>> L2()(Estimate(torch.zeros(1, 4, 2, 100), torch.zeros(1, 2, 100)), torch.full((1, 4, 2, 100), 0.5))
        tensor(0.2500)
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
        """The mean squared error of each stem."""
        return difference(estimate, targets, self.domain).square().mean(-1)
