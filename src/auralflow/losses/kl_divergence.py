"""Divergence of a variational model's latent from a unit Gaussian, beside a reconstruction loss."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from jaxtyping import Float
from torch import Tensor

from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.losses._base import Loss, require, widen
from auralflow.losses._build import build_loss
from auralflow.losses._checks import check_range


@dataclass(frozen=True)
class KLDivergence:
    """Loss of a variational autoencoder, `reconstruction + weight * mean((m^2 + exp(v) - v - 1) / 2)`.

    `m` and `v` are mean and log-variance of the latent, and the mean goes over all of its numbers. The second part
    is the Kullback-Leibler divergence of `N(m, exp(v))` from `N(0, 1)` per latent number, in nats; it is zero for
    `m = v = 0`.

    The bound on the likelihood sums both parts, where we take means: its `weight` is the number of latent numbers
    divided by the number of samples of all stems, about 0.002 for the default `spectrogram_net_vae`.

    Source: Kingma and Welling (2014, "Auto-encoding variational Bayes"), appendix B; with a weight: Higgins et al.
    (2017, "beta-VAE").

    Raises:
        ConfigError: a negative weight, or a reconstruction loss that does not exist or refuses its options.
    """

    weight: float = 0.002
    """Weight of the divergence; the reconstruction has 1."""
    reconstruction: str = "l1"
    """Name of the loss that compares the stems, or path of a `.py` file that defines one."""
    reconstruction_options: dict[str, Any] = field(default_factory=dict)
    """Options of that loss."""

    def __post_init__(self) -> None:
        check_range("weight", self.weight, 0, math.inf)
        if self.reconstruction == "kl_divergence":
            raise ConfigError("reconstruction: expected a loss that compares the stems, got 'kl_divergence'")
        _ = self.reconstruction_loss  # built now, so that its options are checked now

    @cached_property
    def reconstruction_loss(self) -> Loss:
        """The loss that compares the stems."""
        return build_loss(
            self.reconstruction,
            self.reconstruction_options,
            name_key="reconstruction",
            options_key="reconstruction_options",
        )

    @property
    def needs(self) -> tuple[str, ...]:
        """The latent, and what the reconstruction loss needs."""
        return ("latent", *self.reconstruction_loss.needs)

    @property
    def minimum(self) -> float | None:
        """That of the reconstruction loss."""
        return getattr(self.reconstruction_loss, "minimum", None)

    def __call__(self, estimate: Estimate, targets: Float[Tensor, "batch stem channel time"]) -> Float[Tensor, ""]:
        """Reconstruction loss plus weighted divergence."""
        mean, log_variance = map(widen, require(estimate.latent, "latent"))
        divergence = (mean.square() + log_variance.exp() - log_variance - 1).mean() / 2
        return self.reconstruction_loss(estimate, targets) + self.weight * divergence
