"""Scale-invariant signal-to-distortion ratio of the whole track, with one scale for all channels of a stem."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from auralflow.dsp import ratios

HIGHER_IS_BETTER = True
SOURCE = "Le Roux et al. (2019), 'SDR: half-baked or well done?'"


def si_sdr(
    estimates: Float[Tensor, "stem channel time"], targets: Float[Tensor, "stem channel time"], *, sample_rate: int
) -> dict[str, Tensor]:
    """The ratio of `auralflow.dsp.ratios.si_sdr` in dB, channels laid end to end; NaN where the target is silent.

    Means are not removed, so that an offset counts as distortion.

    Shape:
        `[stem, channel, time]` twice to `{"si_sdr": [stem]}`. The sample rate plays no part.

    Example:
        >>> import torch
        >>> targets = torch.sin(torch.arange(1000) / 10).expand(1, 2, -1)
        >>> si_sdr(0.5 * targets, targets, sample_rate=44100)["si_sdr"].item()
        inf
    """
    return {"si_sdr": ratios.si_sdr(estimates.flatten(-2), targets.flatten(-2))}
