"""Where a score is defined."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def blank_undefined(
    scores: Float[Tensor, " stem"],
    estimates: Float[Tensor, "stem channel time"],
    targets: Float[Tensor, "stem channel time"],
) -> Float[Tensor, " stem"]:
    """The scores, NaN where the target is silent or where a sample of estimate or target is no finite number.

    Distances and gates have a value there, or drop the bad sample without a word; neither may slip into a mean.
    """
    # A sum is finite when all its terms are, and needs no copy of the song.
    is_finite = (estimates.sum((1, 2)) + targets.sum((1, 2))).isfinite()
    return torch.where(is_finite & (targets != 0).flatten(1).any(1), scores, torch.nan)
