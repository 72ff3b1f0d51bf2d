"""Signal-to-distortion ratio of the whole track: all channels and all samples of a stem give one number."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from auralflow.dsp import ratios

HIGHER_IS_BETTER = True
SOURCE = "Mitsufuji et al. (2022), 'Music Demixing Challenge 2021', equation 1 (also called uSDR)"


def sdr(
    estimates: Float[Tensor, "stem channel time"], targets: Float[Tensor, "stem channel time"], *, sample_rate: int
) -> dict[str, Tensor]:
    """`10 log10(sum s^2 / sum (s - e)^2)` in dB, both sums over channels and time; NaN where the target is silent.

    Shape:
        `[stem, channel, time]` twice to `{"sdr": [stem]}`. The sample rate plays no part.

    Example:
        >>> import torch
        >>> targets = torch.ones(1, 2, 100)
        >>> round(sdr(0.9 * targets, targets, sample_rate=44100)["sdr"].item(), 3)
        20.0
    """
    return {"sdr": ratios.sdr(estimates.flatten(-2), targets.flatten(-2))}
