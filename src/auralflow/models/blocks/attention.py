"""A transformer that knows distances only: gated self-attention with rotary embedding, then a feed-forward layer.

Both parts normalise what they take by its root mean square and add what they find (Lu et al. 2023, "Music source
separation with band-split RoPE transformer", arXiv 2309.02612). Each head has a gate, 0 to 1 and from the features
themselves, with which a place can keep the head from saying anything there.

Attributes have the names of public state dicts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from jaxtyping import Float
from torch import Tensor, nn

from auralflow.models.blocks.attend import attend
from auralflow.models.blocks.rms_norm import RMSNorm
from auralflow.models.blocks.rotary import RotaryEmbedding, rotate

_EXPANSION = 4


@dataclass(frozen=True)
class TransformerSizes:
    """What transformers of one model have in common."""

    width: int
    """Features of a place."""
    n_heads: int
    head_width: int
    """Features of a head, even."""
    attention_dropout: float = 0.0
    """Part of the attention weights, and of what attention finds, that is left out in training."""
    dropout: float = 0.0
    """The same of the features of the feed-forward layer."""
    is_normalised: bool = False
    """Normalise what leaves a transformer."""


class Transformer(nn.Module):
    """`depth` times attention and a feed-forward layer.

    Shape:
        `[batch, frame, feature]` to the same, where frames are whatever stands in a row (bands too).
    """

    def __init__(self, sizes: TransformerSizes, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.ModuleList([Attention(sizes), FeedForward(sizes.width, sizes.dropout)]) for _ in range(depth)
        )
        self.norm = RMSNorm(sizes.width) if sizes.is_normalised else nn.Identity()

    def forward(self, features: Float[Tensor, "batch frame feature"]) -> Float[Tensor, "batch frame feature"]:
        for attention, feed_forward in cast(Iterable[tuple[nn.Module, nn.Module]], self.layers):
            features = features + attention(features)
            features = features + feed_forward(features)
        normalised: Tensor = self.norm(features)
        return normalised


class Attention(nn.Module):
    """Gated multi-head self-attention; see the head of this file.

    Shape:
        `[batch, frame, feature]` to the same.
    """

    def __init__(self, sizes: TransformerSizes) -> None:
        super().__init__()
        self.n_heads, self.dropout = sizes.n_heads, sizes.attention_dropout
        n_inner = sizes.n_heads * sizes.head_width
        self.rotary_embed = RotaryEmbedding(sizes.head_width)
        self.norm = RMSNorm(sizes.width)
        self.to_qkv = nn.Linear(sizes.width, 3 * n_inner, bias=False)
        self.to_gates = nn.Linear(sizes.width, sizes.n_heads)
        self.to_out = nn.Sequential(nn.Linear(n_inner, sizes.width, bias=False), nn.Dropout(self.dropout))

    def forward(self, features: Float[Tensor, "batch frame feature"]) -> Float[Tensor, "batch frame feature"]:
        normalised = self.norm(features)
        heads: Tensor = self.to_qkv(normalised)
        heads = heads.reshape(*heads.shape[:2], 3, self.n_heads, -1)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        turns = self.rotary_embed(features.shape[1])
        dropout = self.dropout if self.training else 0.0
        heard = attend(rotate(query, turns), rotate(key, turns), value, dropout)
        gates = self.to_gates(normalised).sigmoid().transpose(1, 2).unsqueeze(-1)
        change: Tensor = self.to_out((heard * gates).transpose(1, 2).flatten(2))
        return change


class FeedForward(nn.Module):
    """Two linear layers with a GELU between them, four times as wide inside.

    Shape:
        `[*axes, feature]` to the same.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.net = nn.Sequential(
            RMSNorm(width),
            nn.Linear(width, _EXPANSION * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(_EXPANSION * width, width),
            nn.Dropout(dropout),
        )

    def forward(self, features: Float[Tensor, "*axes feature"]) -> Float[Tensor, "*axes feature"]:
        change: Tensor = self.net(features)
        return change
