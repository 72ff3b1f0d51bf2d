"""Softmax attention, as torch has it, and faster where torch's is slow."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from auralflow.speed.inference import is_inference_on_cpu

_N_AT_ONCE = 2**20
"""Weights that are computed before they are used: 2 MiB, about what a cache holds."""

_SHORT = 512
"""Places of a sequence, up to which the small products of torch's kernel take longer to begin than to compute."""


def attend(
    query: Float[Tensor, "batch head place inner"],
    key: Float[Tensor, "batch head other inner"],
    value: Float[Tensor, "batch head other inner"],
    dropout: float = 0.0,
) -> Float[Tensor, "batch head place inner"]:
    """Means of the values, weighted by the softmax of the scaled products of queries and keys.

    Vaswani et al. (2017, "Attention is all you need", arXiv 1706.03762). Torch's kernel multiplies bfloat16 on a CPU as
    slowly as single precision; and where oneDNN multiplies (`tune_process`), it takes long to begin each of its small
    products. There products of whole matrices are used, a piece at a time, which take two thirds of the time, and a
    third to a half.

    Args:
        dropout: share of the weights that are left out, in training.

    Example:
        >>> query, key = torch.zeros(1, 2, 5, 3), torch.randn(1, 2, 7, 3)
        >>> torch.allclose(attend(query, key, key)[:, :, 0], key.mean(2), atol=1e-6)
        True
    """
    is_short = max(query.shape[-2], key.shape[-2]) <= _SHORT
    if (query.dtype == torch.bfloat16 or is_short) and dropout == 0 and is_inference_on_cpu(query):
        return _attend_in_pieces(query, key, value)
    heard: Tensor = F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
    return heard


def _attend_in_pieces(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    n_places, n_others, scale = query.shape[-2], key.shape[-2], query.shape[-1] ** -0.5
    queries, keys, values = (query * scale).flatten(0, 1), key.flatten(0, 1).transpose(1, 2), value.flatten(0, 1)
    heard = torch.empty_like(queries)
    n_rows = max(1, min(n_places, _N_AT_ONCE // max(1, n_others)))
    n_heads = max(1, _N_AT_ONCE // max(1, n_rows * n_others))
    for head in range(0, len(queries), n_heads):
        some = slice(head, head + n_heads)
        for row in range(0, n_places, n_rows):
            weights = torch.bmm(queries[some, row : row + n_rows], keys[some])
            torch.softmax(weights, -1, out=weights)
            heard[some, row : row + n_rows] = torch.bmm(weights, values[some])
    return heard.view(query.shape)
