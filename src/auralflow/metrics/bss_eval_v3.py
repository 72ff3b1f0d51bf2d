"""BSS Eval version 3: SDR, ISR, SIR and SAR in windows of a second, with filters fitted again to every window."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from auralflow.dsp.bss_eval import bss_eval

HIGHER_IS_BETTER = True
SOURCE = (
    "Vincent et al. (2012), 'The signal separation evaluation campaign (2007-2010)'; museval 0.4.1, framewise filters"
)
WINDOW_S = 1.0
USES_ALL_TARGETS = True
REFUSES_SILENCE = True


def bss_eval_v3(
    estimates: Float[Tensor, "stem channel time"], targets: Float[Tensor, "stem channel time"], *, sample_rate: int
) -> dict[str, Tensor]:
    """The four ratios of `auralflow.dsp.bss_eval` in dB, float64; windows and hops of one second, filters of 512 taps.

    A window in which any target or estimate is silent is NaN for all stems, as in museval.

    Shape:
        `[stem, channel, time]` twice to `{"v3_sdr": [stem, frame], "v3_isr": ..., "v3_sir": ..., "v3_sar": ...}`.

    Raises:
        AudioError: a whole target or estimate is silent.

    Example:
        >>> import torch
        >>> targets = torch.randn(2, 1, 2000, generator=torch.Generator().manual_seed(0))
        >>> scores = bss_eval_v3(0.9 * targets, targets, sample_rate=1000)
        >>> scores["v3_sdr"].shape, round(scores["v3_sdr"][0, 0].item(), 2)
        (torch.Size([2, 2]), 20.0)
    """
    window = round(WINDOW_S * sample_rate)
    scores = bss_eval(estimates, targets, window_samples=window, hop_samples=window, is_framewise=True)
    return {f"v3_{name}": values for name, values in scores.items()}
