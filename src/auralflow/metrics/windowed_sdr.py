"""The SDR of BSS Eval version 4 alone, in windows of a second: it needs no filters, and so next to no time."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from auralflow.dsp import bss_eval

HIGHER_IS_BETTER = True
SOURCE = "Stöter, Liutkus & Ito (2018), 'The 2018 signal separation evaluation campaign'; museval 0.4.1"
WINDOW_S = 1.0
REFUSES_SILENCE = True


def windowed_sdr(
    estimates: Float[Tensor, "stem channel time"], targets: Float[Tensor, "stem channel time"], *, sample_rate: int
) -> dict[str, Tensor]:
    """`10 log10(sum s^2 / sum (s - e)^2)` in dB over channels and the samples of each second, float64.

    Equal to `v4_sdr` of `bss_eval_v4`, silence rule included, so that its median over frames is what the field calls
    cSDR. A window in which any target or estimate is silent is NaN for all stems.

    Shape:
        `[stem, channel, time]` twice to `{"windowed_sdr": [stem, frame]}`.

    Raises:
        AudioError: a whole target or estimate is silent.

    Example:
        >>> import torch
        >>> targets = torch.ones(1, 2, 2000)
        >>> windowed_sdr(0.9 * targets, targets, sample_rate=1000)["windowed_sdr"].round(decimals=3).tolist()
        [[20.0, 20.0]]
    """
    window = round(WINDOW_S * sample_rate)
    return {"windowed_sdr": bss_eval.windowed_sdr(estimates, targets, window_samples=window, hop_samples=window)}
