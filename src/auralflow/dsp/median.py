r"""Running median along frames or bins of a spectrogram, by comparisons alone.

A sliding median is usually an unfold and a sort, which copies every value as often as the window is long. Here every
step is a minimum or a maximum of two shifted views, so that it runs at the speed of memory and gives the same bits
everywhere. Two facts make it short:

- The windows of neighbouring places share their parts. Let `S_k(i)` be the k values from place i on, sorted. With
  `S_a` and `S_b` known at all places, Batcher's odd-even merge (1968, "Sorting networks and their applications") of
  `S_a(i)` and `S_b(i + a)` gives `S_(a+b)(i)` at all places at once: sorting costs O(log² k) comparisons of a window's
  k values, though nothing is ever copied out of place.
- Of a sorted left half `a_1 <= ... <= a_h`, the centre c and a sorted right half `b_1 <= ... <= b_h`, the h smallest
  of the halves are `min(a_i, b_(h+1-i))` and the h largest `max(a_i, b_(h+1-i))`. So the median of all 2h + 1 is c,
  limited to the range from the largest of the former to the smallest of the latter.

A window of 17 takes 58 minima and maxima. Work is cut into pieces that stay in a processor's cache.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

_PIECE = 128
"""Places worked on at once, along the axis that the median does not run over."""


def running_median(x: Float[Tensor, "*axes freq frame"], length: int, dim: int) -> Float[Tensor, "*axes freq frame"]:
    """Median of the `length` values around each place along `dim` (-1 frames, -2 bins); edges are repeated outwards.

    Args:
        length: values in a window; an even one counts as the next odd one.

    Example:
        >>> running_median(torch.tensor([[1.0, 9.0, 2.0, 3.0]]), 3, dim=-1)
        tensor([[1., 2., 3., 3.]])
    """
    half = length // 2
    if half == 0 or x.shape[dim] == 0:
        return x
    # Places first, whatever stays beside them last: windows are then shifted views of whole rows.
    rows = (
        (x if dim == -2 else x.transpose(-1, -2)).flatten(0, -3) if x.dim() > 2 else (x if dim == -2 else x.t())[None]
    )
    padded = F.pad(rows.transpose(-1, -2), (half, half), mode="replicate").transpose(-1, -2)
    medians = torch.empty_like(rows)
    for item in range(len(rows)):
        for begin in range(0, rows.shape[-1], _PIECE):
            piece = slice(begin, begin + _PIECE)
            medians[item, :, piece] = _median_of_windows(padded[item, :, piece].contiguous(), half)
    found = medians if dim == -2 else medians.transpose(-1, -2)
    return found.reshape(x.shape)


def _median_of_windows(x: Tensor, half: int) -> Tensor:
    n_places = x.shape[0] - 2 * half
    ordered = _sort_windows(x, half)
    left = [part[:n_places] for part in ordered]
    right = [part[half + 1 : half + 1 + n_places] for part in ordered][::-1]
    low, high = torch.minimum(left[0], right[0]), torch.maximum(left[0], right[0])
    for a, b in zip(left[1:], right[1:], strict=True):
        low = torch.maximum(low, torch.minimum(a, b))
        high = torch.minimum(high, torch.maximum(a, b))
    return torch.minimum(torch.maximum(x[half : half + n_places], low), high)


def _sort_windows(x: Tensor, k: int) -> list[Tensor]:
    """The k values from each place on, sorted: item r holds the one of rank r at all places."""
    if k == 1:
        return [x]
    first = _sort_windows(x, k // 2)
    second = first if k % 2 == 0 else _sort_windows(x, k - k // 2)
    n_places = x.shape[0] - k + 1
    return _merge([s[:n_places] for s in first], [s[k // 2 : k // 2 + n_places] for s in second])


def _merge(a: list[Tensor], b: list[Tensor]) -> list[Tensor]:
    """Batcher's odd-even merge of two sorted lists."""
    if not a or not b:
        return a + b
    if len(a) == len(b) == 1:
        return [torch.minimum(a[0], b[0]), torch.maximum(a[0], b[0])]
    even, odd = _merge(a[0::2], b[0::2]), _merge(a[1::2], b[1::2])
    merged = [even[0]]
    for x, y in zip(even[1:], odd, strict=False):
        merged += [torch.minimum(x, y), torch.maximum(x, y)]
    return merged + even[len(odd) + 1 :] + odd[len(even) - 1 :]
