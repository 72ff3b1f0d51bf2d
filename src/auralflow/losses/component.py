"""What the masks do to the target and to the rest of the mixture, weighed against each other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.losses._base import PerStemLoss, require
from auralflow.losses._checks import check_range

_SILENT_POWER = 1e-6  # of unscaled bins; about -90 dB re full scale for frames of 4096 samples
_SILENT_SHARE = 1e-6  # of the mixture's power: a filtered rest below it has no shape


@dataclass(frozen=True)
class Component(PerStemLoss):
    """Components loss: how much of the target a mask takes away, and how much of the rest it lets through.

    For one stem, with `M` its mask, `S` the spectrogram of its target and `N = X - S` that of the rest of the mixture,

        (1 - alpha - beta) mean((M |S| - |S|)^2) / p             the target is kept
        + alpha            mean((M |N|)^2) / p                   the rest is suppressed
        + beta             mean((M |N| / r(M |N|) - |N| / r(|N|))^2)   what is left of it keeps its natural shape

    where means go over channels and bins, `p = mean |X|^2` and `r` is the root mean square. With `beta` zero this is
    the loss of two terms, else that of three. The first is zero only where a mask can part target and rest perfectly.
    The second is least for a rest that is attenuated evenly: one that is taken away altogether has no natural shape
    and pays all of `beta`. Complex masks count by magnitude.

    Differences from the paper: the first two terms are divided by the power of the mixture, and the third is
    normalised to unit mean power, both per item rather than per frame, so that the weights mean the same at every
    level and frame length; `r` has a floor 60 dB below the mixture.

    Source: Xu, Elshamy, Zhao and Fingscheidt (2021, "Components loss for neural networks in mask-based speech
    enhancement").

    Raises:
        ConfigError: a weight outside 0 to 1, or both together above 1.
    """

    alpha: float = 0.5
    """Weight of suppressing the rest of the mixture."""
    beta: float = 0.0
    """Weight of the natural sound of what is left of the rest; 0 gives the loss of two terms."""

    def __post_init__(self) -> None:
        check_range("alpha", self.alpha, 0, 1)
        check_range("beta", self.beta, 0, 1)
        if self.alpha + self.beta > 1:
            raise ConfigError(f"beta: expected alpha + beta of 1 or less, got {self.alpha} + {self.beta}")

    @property
    def needs(self) -> tuple[str, ...]:
        """The masks, and the transform for target and rest."""
        return ("masks", "transform")

    @property
    def minimum(self) -> float | None:
        """Depends on how much target and rest overlap."""
        return None

    def per_stem(
        self, estimate: Estimate, targets: Float[Tensor, "batch stem channel time"]
    ) -> Float[Tensor, "batch stem"]:
        """The weighted sum of each stem."""
        masks, transform = require(estimate.masks, "masks"), require(estimate.transform, "transform")
        masks = masks.abs() if masks.is_complex() else masks
        with torch.no_grad():
            spectrograms, mixture = transform(targets), transform(estimate.mixture).unsqueeze(1)
            target, rest = spectrograms.abs(), (mixture - spectrograms).abs()
            power = _power(mixture.abs()).clamp(min=_SILENT_POWER)
        lost, left = (masks - 1) * target, masks * rest
        value = (1 - self.alpha - self.beta) * _power(lost) / power + self.alpha * _power(left) / power
        if self.beta:
            floor = _SILENT_SHARE * power
            value = value + self.beta * _power(_normalise(left, floor) - _normalise(rest, floor))
        return value


def _power(magnitudes: Float[Tensor, "batch stem channel freq frame"]) -> Float[Tensor, "batch stem"]:
    return magnitudes.square().flatten(2).mean(-1)


def _normalise(
    magnitudes: Float[Tensor, "batch stem channel freq frame"], floor: Float[Tensor, "batch #stem"]
) -> Float[Tensor, "batch stem channel freq frame"]:
    return magnitudes * (_power(magnitudes) + floor).rsqrt()[..., None, None, None]
