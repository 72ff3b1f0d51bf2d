"""BSS Eval version 4: SDR, ISR, SIR and SAR in windows of a second, with filters fitted to the whole signals."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from auralflow.dsp.bss_eval import bss_eval

HIGHER_IS_BETTER = True
SOURCE = "Stöter, Liutkus & Ito (2018), 'The 2018 signal separation evaluation campaign'; museval 0.4.1"
WINDOW_S = 1.0
USES_ALL_TARGETS = True
REFUSES_SILENCE = True


def bss_eval_v4(
    estimates: Float[Tensor, "stem channel time"], targets: Float[Tensor, "stem channel time"], *, sample_rate: int
) -> dict[str, Tensor]:
    """The four ratios of `auralflow.dsp.bss_eval` in dB, float64; windows and hops of one second, filters of 512 taps.

    A window in which any target or estimate is silent is NaN for all stems, as in museval.

    Shape:
        `[stem, channel, time]` twice to `{"v4_sdr": [stem, frame], "v4_isr": ..., "v4_sir": ..., "v4_sar": ...}`.

    Raises:
        AudioError: a whole target or estimate is silent.

    Example:
        >>> import torch
        >>> targets = torch.randn(2, 1, 2000, generator=torch.Generator().manual_seed(0))
        >>> scores = bss_eval_v4(0.9 * targets, targets, sample_rate=1000)
        >>> scores["v4_sdr"].shape, round(scores["v4_sdr"][0, 0].item(), 2)
        (torch.Size([2, 2]), 20.0)
    """
    window = round(WINDOW_S * sample_rate)
    scores = bss_eval(estimates, targets, window_samples=window, hop_samples=window)
    return {f"v4_{name}": values for name, values in scores.items()}
