"""Error in decibels below the mixture, weighted like the ear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from auralflow.dsp.weighting import k_weighted_power
from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.losses._base import PerStemLoss
from auralflow.losses._checks import check_choice, check_range

_SILENT_POWER = 1e-8  # a mixture of -80 dB re full scale counts as silent


@dataclass(frozen=True)
class LogWMSE(PerStemLoss):
    """Log-weighted mean squared error, `10 log10(P(e - s) / P(x) + t)` in dB: the error `e - s` beside the mixture `x`.

    `P` is the mean square over channels and samples after a frequency weighting, and `t` is `floor_db` as a power.
    0 dB is an error as loud as the mixture, `floor_db` a perfect estimate. Since the mixture sets the scale, the
    value does not change when the whole song is made louder, and a silent target is scored like any other. What
    lies under the floor is not chased: an error at the floor costs 3 dB. Mixtures below -80 dB re full scale count
    as if they had that level.

    Source: the idea is logWMSE, Iver Jordal at Nomono (2023), a metric for silent targets. This is a formula of our
    own, not that one: decibels instead of -4 ln, a smooth floor instead of a threshold on samples, K-weighting
    (ITU-R BS.1770) by spectrum instead of its filter. The numbers cannot be compared.

    Raises:
        ConfigError: an option has a value it cannot have.

    Example:
        >>> import torch
        >>> targets = torch.zeros(1, 1, 1, 1000)
        >>> mixture = torch.sin(torch.arange(1000.0)).reshape(1, 1, -1)
        >>> LogWMSE()(Estimate(0.1 * mixture.unsqueeze(1), mixture), targets)
        tensor(-20.0000)
    """

    weighting: Literal["k", "none"] = "k"
    """Frequency weighting: K (head and outer ear, nothing below 40 Hz) or none."""
    sample_rate: int = 44100
    """Samples per second, for the weighting."""
    floor_db: float = -70.0
    """Level of the error, re the mixture, that is good enough."""

    def __post_init__(self) -> None:
        check_choice("weighting", self.weighting, ("k", "none"))
        check_range("floor_db", self.floor_db, -120, 0)
        if self.sample_rate < 1:
            raise ConfigError(f"sample_rate: expected 1 or more, got {self.sample_rate!r}")

    @property
    def minimum(self) -> float | None:
        """The floor."""
        return self.floor_db

    def per_stem(
        self, estimate: Estimate, targets: Float[Tensor, "batch stem channel time"]
    ) -> Float[Tensor, "batch stem"]:
        """The level of each stem's error."""
        error = self._power(estimate.stems - targets).mean(-1)
        scale = self._power(estimate.mixture).mean(-1, keepdim=True).clamp(min=_SILENT_POWER)
        return 10 * (error / scale + 10 ** (self.floor_db / 10)).log10()

    def _power(self, waveform: Float[Tensor, "*axes time"]) -> Float[Tensor, "*axes"]:
        if self.weighting == "k":
            return k_weighted_power(waveform, self.sample_rate)
        return waveform.square().mean(-1)
