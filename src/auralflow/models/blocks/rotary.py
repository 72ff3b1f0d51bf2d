"""Rotary position embedding: the product of a query and a key then knows how far apart they stand, and nothing else.

Su et al. (2021, "RoFormer: enhanced transformer with rotary position embedding", arXiv 2104.09864). Features 2i and
2i + 1 of the vector at place n are a point of the plane, and are turned by the angle `n * freqs[i]`.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from auralflow.dsp.stft import in_single
from auralflow.speed.inference import is_inference_on_cpu

Turns = tuple[Float[Tensor, "frame pair"], Float[Tensor, "frame pair"]]
"""Cosine and sine of the angle of every place and every pair of features."""


class RotaryEmbedding(nn.Module):
    """The angles by which places turn.

    They are computed anew for each call, since they follow from a tensor of the state and cost a thousandth of the
    attention that they serve.

    Args:
        width: features of a vector, even.
        base: pair i turns by `base ** (-2 i / width)` radians from place to place.

    Example:
        >>> cosine, sine = RotaryEmbedding(4)(3)
        >>> cosine[:, 0]  # cosines of 0, 1 and 2 radians
        tensor([ 1.0000,  0.5403, -0.4161])
    """

    freqs: Tensor

    def __init__(self, width: int, base: float = 10000.0) -> None:
        super().__init__()
        self.register_buffer("freqs", 1 / base ** (torch.arange(0, width, 2) / width))

    def forward(self, n_places: int) -> Turns:
        places = torch.arange(n_places, device=self.freqs.device, dtype=self.freqs.dtype)
        angles = places.unsqueeze(1) * self.freqs
        return angles.cos(), angles.sin()


def rotate(features: Float[Tensor, "*axes frame feature"], turns: Turns) -> Float[Tensor, "*axes frame feature"]:
    """Turn each pair of neighbouring features by the angle of its place.

    Example:
        >>> quarter = (torch.zeros(1, 1), torch.ones(1, 1))
        >>> rotate(torch.tensor([[3.0, 4.0]]), quarter)
        tensor([[-4.,  3.]])
    """
    cosine, sine = turns
    if is_inference_on_cpu(features):  # as complex numbers, in one pass
        points = torch.view_as_complex(in_single(features).unflatten(-1, (-1, 2)))
        return torch.view_as_real(points * torch.complex(cosine, sine)).flatten(-2).to(features.dtype)
    pairs = features.reshape(*features.shape[:-1], features.shape[-1] // 2, 2)
    even, odd = pairs.unbind(-1)
    turned = torch.stack((even * cosine - odd * sine, odd * cosine + even * sine), dim=-1)
    return turned.flatten(-2).to(features.dtype)
