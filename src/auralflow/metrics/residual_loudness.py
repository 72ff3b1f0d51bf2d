"""Loudness of what is wrong: of the residual (estimate less target), in LUFS and relative to the target."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from auralflow.dsp.loudness import integrated_loudness
from auralflow.metrics._defined import blank_undefined

HIGHER_IS_BETTER = False
BEST = float("-inf")
SOURCE = "ITU-R BS.1770-4, integrated loudness"


def residual_loudness(
    estimates: Float[Tensor, "stem channel time"], targets: Float[Tensor, "stem channel time"], *, sample_rate: int
) -> dict[str, Tensor]:
    """Loudness of `e - s` in LUFS, and relative to the loudness of `s` in LU.

    The loudness is `auralflow.dsp.loudness.integrated_loudness`: K-weighted, in blocks of 400 ms, gated at -70 LUFS and
    10 LU below the rest. So it says how loud the error is where it is heard, not its mean over the song; the gates
    of residual and target choose their blocks apart. Minus infinity where no block of the residual reaches -70 LUFS.

    NaN where the target is silent (the second also where no block of it reaches -70 LUFS), where a sample is no
    finite number, and for less than 400 ms.

    Shape:
        `[stem, channel, time]` twice to `{"residual_loudness": [stem], "residual_loudness_relative": [stem]}`.

    Example:
        >>> targets = torch.randn(1, 2, 44100)
        >>> scores = residual_loudness(0.9 * targets, targets, sample_rate=44100)
        >>> round(scores["residual_loudness_relative"].item(), 2)
        -20.0
    """
    # Stem by stem: filtering takes several times the memory of what is filtered.
    pairs = list(zip(estimates, targets, strict=True))
    residual = torch.stack([integrated_loudness(e - s, sample_rate) for e, s in pairs])
    target = torch.stack([integrated_loudness(s, sample_rate) for _, s in pairs])
    relative = (residual - target).masked_fill(target.isinf(), torch.nan)
    return {
        "residual_loudness": blank_undefined(residual, estimates, targets),
        "residual_loudness_relative": blank_undefined(relative, estimates, targets),
    }
