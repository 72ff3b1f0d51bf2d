"""Root mean square normalisation: the length of a vector of features goes, its direction stays.

Zhang and Sennrich (2019, "Root mean square layer normalization", arXiv 1910.07467).
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class RMSNorm(nn.Module):
    """`gamma * x / rms(x)` over the last axis; zeros stay zeros.

    What is shorter than 1e-12 is not made longer without bound; there is no other constant, so that even quiet music
    comes out at level one.

    Shape:
        `[*axes, feature]` to the same.

    Example:
        >>> RMSNorm(2)(torch.tensor([3.0, 4.0])).square().mean().item()
        1.0
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))  # the name of public checkpoints

    def forward(self, features: Float[Tensor, "*axes feature"]) -> Float[Tensor, "*axes feature"]:
        unit: Tensor = F.normalize(features, dim=-1)
        return unit * (self.gamma * math.sqrt(self.gamma.shape[0]))
