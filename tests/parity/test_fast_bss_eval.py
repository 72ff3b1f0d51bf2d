"""Scale-invariant ratios against values that fast_bss_eval 0.1.4 gave for the same signals (torch backend, float64).

To make the file of values anew, call `fast_bss_eval.torch.si_bss_eval_sources(targets, estimates, zero_mean=False,
compute_permutation=False)` on `signals()`. Its SDR of BSS Eval, with filters, is another definition than museval's, and
is compared with nothing here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from auralflow.metrics.si_bss import si_bss
from auralflow.metrics.si_sdr import si_sdr

VALUES = Path(__file__).parents[1] / "data" / "fast_bss_eval_0_1_4.npz"


def signals() -> tuple[Tensor, Tensor]:
    """Targets of several colours, and estimates from nearly clean to mostly of another stem; `[stem, time]`."""
    generator = torch.Generator().manual_seed(20220614)
    levels = torch.tensor([1.0, 0.4, 0.1], dtype=torch.float64)[:, None]
    targets = 0.1 * torch.randn(3, 8000, generator=generator, dtype=torch.float64) * levels
    targets = targets.cumsum(-1) * 0.05 + targets
    leaks = torch.tensor([[0.9, 0.1, 0.05], [0.2, 1.1, 0.3], [0.02, 0.4, 0.5]], dtype=torch.float64)
    return targets, leaks @ targets + 0.02 * torch.randn(3, 8000, generator=generator, dtype=torch.float64)


def test_scale_invariant_ratios_within_a_billionth_of_a_decibel() -> None:
    """Its SAR has the whole projection above, `|t + i|^2`; ours, times `1 + 10^(-SIR / 10)`, is the same."""
    targets, estimates = (part[:, None] for part in signals())
    expected = {name: torch.from_numpy(values) for name, values in np.load(VALUES).items()}
    found = si_bss(estimates, targets, sample_rate=8000)
    sdr = si_sdr(estimates, targets, sample_rate=8000)["si_sdr"]
    sar = found["si_sar"] + 10 * torch.log10(1 + 10 ** (-found["si_sir"] / 10))
    for ours, name in ((sdr, "si_sdr"), (found["si_sir"], "si_sir"), (sar, "si_sar")):
        torch.testing.assert_close(ours, expected[name], atol=1e-9, rtol=0, msg=name)
