r"""Streaming overlap-add with windows that sum to one.

Long audio is cut into pieces that overlap. Each piece k is weighted by a window and the sum is divided by the sum of
the windows,

    y[t] = sum_k w_k[t] x_k[t] / sum_k w_k[t],

so that equal pieces give back their input whatever the windows are. The window is a trapezoid: zero in the context,
which a model cannot answer for, a ramp where two pieces blend, one elsewhere. The first piece has no left neighbour and
the last no right one, so there the window is one up to the edge.

    piece k      ____/‾‾‾‾‾‾‾‾‾‾‾‾\____
    piece k+1                 ____/‾‾‾‾‾‾‾‾‾‾‾‾\____
                              |  |  |  |
                         context ramp context
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def trapezoid(
    n_samples: int, context_samples: int, ramp_samples: int, *, is_first: bool = False, is_last: bool = False
) -> Float[Tensor, "time"]:
    """Window of a piece: zero for the context, a linear ramp, one, and the same mirrored.

    Two windows that overlap by `2 * context_samples + ramp_samples` sum to one without division.

    Example:
        >>> trapezoid(6, 1, 2)
        tensor([0.0000, 0.2500, 0.7500, 0.7500, 0.2500, 0.0000])
    """
    ramp = (torch.arange(ramp_samples, dtype=torch.float64) + 0.5) / max(ramp_samples, 1)
    edge = torch.cat([torch.zeros(context_samples, dtype=torch.float64), ramp])[:n_samples]
    left, right = torch.ones(n_samples, dtype=torch.float64), torch.ones(n_samples, dtype=torch.float64)
    if not is_first:
        left[: len(edge)] = edge
    if not is_last:
        right[n_samples - len(edge) :] = edge.flip(0)
    return torch.minimum(left, right).float()


class OverlapAdd:
    """Add weighted pieces as they come; give out what no later piece will touch.

    Memory is that of one piece, however long the whole is.

    Shape:
        pieces (..., time); output (..., time)

    Example:
        >>> adder = OverlapAdd()
        >>> adder.add(torch.ones(2, 6), trapezoid(6, 0, 2, is_first=True), start=0)
        >>> adder.add(torch.ones(2, 6), trapezoid(6, 0, 2, is_last=True), start=4)
        >>> adder.take(until=10).shape
        torch.Size([2, 10])
    """

    def __init__(self) -> None:
        self._sum = torch.zeros(0)
        self._weight = torch.zeros(0)
        self._origin = 0

    def add(self, piece: Float[Tensor, "*axes time"], window: Float[Tensor, " time"], start: int) -> None:
        """Add a piece whose first sample is number `start` of the whole; `start` must not lie before what was taken."""
        begin = start - self._origin
        end = begin + piece.shape[-1]
        self._grow(piece, end)
        self._sum[..., begin:end] += piece * window
        self._weight[begin:end] += window

    def take(self, until: int) -> Float[Tensor, "*axes time"]:
        """Everything before sample `until` that was not taken yet; no later piece may reach there."""
        n_ready = until - self._origin
        weight = self._weight[:n_ready]
        ready = self._sum[..., :n_ready] / weight if n_ready else self._sum[..., :0]
        self._sum, self._weight = self._sum[..., n_ready:], self._weight[n_ready:]
        self._origin = until
        return ready

    def _grow(self, like: Tensor, length: int) -> None:
        missing = length - self._weight.shape[-1]
        if missing > 0:
            held = self._sum if self._sum.dim() == like.dim() else like.new_zeros(*like.shape[:-1], 0)
            self._sum = torch.cat([held, like.new_zeros(*like.shape[:-1], missing)], dim=-1)
            self._weight = torch.cat([self._weight, torch.zeros(missing)])
