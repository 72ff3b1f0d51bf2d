"""Layer normalisation of features along time: over all of it, or over what has been heard so far.

Luo and Mesgarani (2019, "Conv-TasNet: surpassing ideal time-frequency magnitude masking for speech separation",
IEEE/ACM TASLP 27(8)) call them gLN and cLN. Both make a network blind to the level of its input, and have a gain and a
shift for each feature.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

Norm = Literal["global", "cumulative"]
"""Frames that the statistics are taken over: `global` all of them (gLN), `cumulative` those up to the present (cLN)."""

# Small beside the power of quiet music, so that its level makes no difference.
EPS = 1e-8


def make_norm(kind: Norm, n_features: int) -> nn.Module:
    """The normalisation called `kind`."""
    return GlobalNorm(n_features) if kind == "global" else CumulativeNorm(n_features)


class GlobalNorm(nn.GroupNorm):
    """gLN: `gain (x - mean) / sqrt(variance + eps) + shift`, mean and variance over all features and frames of an item.

    Shape:
        `[batch, feature, frame]` to the same.

    Example:
        >>> normalised = GlobalNorm(4)(3 + 5 * torch.randn(2, 4, 1000))
        >>> bool(normalised.mean().abs() < 1e-5), round(normalised.square().mean().item(), 3)
        (True, 1.0)
    """

    def __init__(self, n_features: int) -> None:
        super().__init__(1, n_features, eps=EPS)


class CumulativeNorm(nn.Module):
    """cLN: as gLN, but frame k is normalised by mean and variance over all features of the frames 0 to k.

    Statistics are taken in float32 at least: the variance is a difference of two sums, of which half precision leaves
    little.

    Shape:
        `[batch, feature, frame]` to the same.

    Example:
        >>> CumulativeNorm(2)(torch.tensor([[[1.0, 5.0], [3.0, 7.0]]])).squeeze(0)
        tensor([[-1.0000,  0.4472],
                [ 1.0000,  1.3416]], grad_fn=<SqueezeBackward1>)
    """

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_features, 1))
        self.bias = nn.Parameter(torch.zeros(n_features, 1))

    def forward(self, features: Float[Tensor, "batch feature frame"]) -> Float[Tensor, "batch feature frame"]:
        wide = features.to(torch.promote_types(features.dtype, torch.float32))
        n_heard = features.shape[1] * torch.arange(1, features.shape[2] + 1, dtype=wide.dtype, device=wide.device)
        mean = wide.sum(1, keepdim=True).cumsum(-1) / n_heard
        power = wide.square().sum(1, keepdim=True).cumsum(-1) / n_heard
        # Rounding may leave the variance of a constant just below zero.
        deviation = ((power - mean.square()).clamp_min(0) + EPS).sqrt()
        return ((wide - mean) / deviation * self.weight + self.bias).to(features.dtype)
