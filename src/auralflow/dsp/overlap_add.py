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

Networks that were trained and published with other weights (Demucs) get theirs: a triangle as long as the piece.
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


def triangle(n_samples: int) -> Float[Tensor, "time"]:
    """Window of a piece that weighs most in its middle: up from near zero to one, and down again; never zero.

    Example:
        >>> triangle(5)
        tensor([0.3333, 0.6667, 1.0000, 0.6667, 0.3333])
    """
    half = (n_samples + 1) // 2
    up = torch.arange(1, half + 1, dtype=torch.float64) / half
    return torch.cat([up[: n_samples // 2], up.flip(0)]).float()


class OverlapAdd:
    """Add weighted pieces as they come; give out what no later piece will touch.

    What is held is the weighted mean of the pieces so far and the sum of their weights, so that only the samples where
    two pieces meet are computed; all others are those of their piece. Memory is that of one piece, however long the
    whole is.

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
        self._mean = torch.zeros(0)
        self._weight = torch.zeros(0)
        self._origin = 0

    def add(self, piece: Float[Tensor, "*axes time"], window: Float[Tensor, " time"], start: int) -> None:
        """Add a piece whose first sample is number `start` of the whole, neither before what was taken nor after a gap.

        The piece is the adder's from now on, which writes into it.
        """
        begin = start - self._origin
        n_shared = min(self._weight.shape[-1] - begin, piece.shape[-1])
        if n_shared > 0:
            held = self._mean[..., begin : begin + n_shared]
            weight = self._weight[begin : begin + n_shared] + window[:n_shared]
            # mean + (piece - mean) w / sum(w), in the place of the piece
            shared = piece[..., :n_shared]
            shared.sub_(held).mul_(window[:n_shared] / weight.clamp(min=_NO_WEIGHT)).add_(held)
            window = torch.cat([weight, window[n_shared:]])
        end = begin + piece.shape[-1]
        self._mean = _join(self._mean, begin, piece, end)
        self._weight = _join(self._weight, begin, window, end)

    def take(self, until: int) -> Float[Tensor, "*axes time"]:
        """Everything before sample `until` that was not taken yet; no later piece may reach there."""
        n_ready = until - self._origin
        ready = self._mean[..., :n_ready]
        self._mean, self._weight = self._mean[..., n_ready:], self._weight[n_ready:]
        self._origin = until
        return ready


# Where no piece has a say yet, the mean stays that of the first; the next piece has the whole say.
_NO_WEIGHT = 1e-12


def _join(held: Tensor, begin: int, new: Tensor, end: int) -> Tensor:
    """`held` with `new` from `begin` to `end`, without a copy where nothing is left of `held`."""
    parts = [part for part in (held[..., :begin], new, held[..., end:]) if part.shape[-1]]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
