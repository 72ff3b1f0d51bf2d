"""Transformers along time and along frequency, in turn, so that cost grows with each axis and not with their product.

Lu et al. (2023, "Music source separation with band-split RoPE transformer", arXiv 2309.02612).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from auralflow.models.blocks.attention import Transformer, TransformerSizes
from auralflow.speed.inference import is_inference_on_cpu

_PIECE = 2**19
"""Numbers that pass a transformer together."""


class AxialTransformer(nn.ModuleList):
    """`depth` pairs of a transformer over the frames of each band and one over the bands of each frame.

    Args:
        time_depth: layers of each transformer over frames; `freq_depth` of each over bands.
        has_skips: a pair hears also the sum of what all pairs before it have given.

    Shape:
        `[batch, frame, band, feature]` to the same.
    """

    def __init__(
        self, sizes: TransformerSizes, depth: int, time_depth: int, freq_depth: int, has_skips: bool = False
    ) -> None:
        super().__init__(
            nn.ModuleList([Transformer(sizes, time_depth), Transformer(sizes, freq_depth)]) for _ in range(depth)
        )
        self.has_skips = has_skips

    def forward(self, features: Float[Tensor, "batch frame band feature"]) -> Float[Tensor, "batch frame band feature"]:
        total: Tensor | None = None
        for along_time, along_freq in cast(Iterable[tuple[nn.Module, nn.Module]], self):
            if total is not None:
                features = features + total
            features = _apply(along_time, features.transpose(1, 2)).transpose(1, 2)
            features = _apply(along_freq, features)
            if self.has_skips:
                total = features if total is None else total + features
        return features


def _apply(transformer: nn.Module, rows: Float[Tensor, "batch row frame feature"]) -> Tensor:
    """Each row by itself. Where nothing is learnt a CPU takes some at a time, whose features stay in its cache."""
    batch = rows.flatten(0, 1)
    if not is_inference_on_cpu(batch):
        changed: Tensor = transformer(batch)
        return changed.reshape(rows.shape)
    n_rows = max(1, _PIECE // max(1, batch[0].numel())) if len(batch) else 1
    # Of rows that are not side by side a product in half precision would copy its weights for each.
    pieces = [transformer(piece.contiguous()) for piece in batch.split(n_rows)]
    return torch.cat(pieces).reshape(rows.shape)
