"""Signal-to-noise ratio of each channel, averaged over the channels of a stem."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from auralflow.dsp import ratios
from auralflow.metrics._defined import blank_undefined

HIGHER_IS_BETTER = True
SOURCE = "definition; per channel as in torchmetrics' signal_noise_ratio"


def snr(
    estimates: Float[Tensor, "stem channel time"], targets: Float[Tensor, "stem channel time"], *, sample_rate: int
) -> dict[str, Tensor]:
    """`mean over channels of 10 log10(sum s^2 / sum (s - e)^2)` in dB, the sums over time.

    Unlike `sdr`, which puts channels together before it divides, a quiet channel counts like a loud one. Channels whose
    target is silent have no ratio and are left out; NaN where all are silent or a
    sample is no finite number.

    Shape:
        `[stem, channel, time]` twice to `{"snr": [stem]}`. The sample rate plays no part.

    Example:
        >>> import torch
        >>> targets = torch.ones(1, 2, 100)
        >>> gains = torch.tensor([[0.9], [0.99]])
        >>> round(snr(gains * targets, targets, sample_rate=44100)["snr"].item(), 2)
        30.0
    """
    return {"snr": blank_undefined(ratios.sdr(estimates, targets).nanmean(-1), estimates, targets)}
