r"""A transformer for two sequences that hear themselves and each other in turn: spectrogram and waveform.

Rouard, Massa and Défossez (2023, "Hybrid transformers for music source separation", ICASSP, arXiv 2211.08553), section
2. Places are told by sines and cosines (Vaswani et al. 2017): of the waveform by the time, of the spectrogram by the
frame in one half of the features and by the frequency in the other. Attributes have the names of public state dicts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from auralflow.models.blocks.attend import attend
from auralflow.models.blocks.demucs_residual import LayerScale

_START_GAIN = 1e-4


@dataclass(frozen=True)
class CrossTransformerSizes:
    """Sizes of a `CrossTransformer`."""

    width: int
    """Features of a place, a multiple of 4 and of the heads."""
    n_layers: int
    """In each sequence; every other one hears the other sequence."""
    n_heads: int
    n_hidden: int
    """Features inside the feed-forward layers."""
    dropout: float = 0.0
    """Part of the features, and of attention, that is left out in training."""
    is_cross_first: bool = False
    """The first layer hears the other sequence; else its own."""
    longest_period: float = 10000.0
    """Of the sines that tell places."""
    place_weight: float = 1.0
    """Factor on them."""


class CrossTransformer(nn.Module):
    """Layers of both sequences; see the head of this file.

    Shape:
        `[batch, frame, freq, feature]` and `[batch, time, feature]` to the same.
    """

    def __init__(self, sizes: CrossTransformerSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.norm_in, self.norm_in_t = nn.LayerNorm(sizes.width), nn.LayerNorm(sizes.width)
        self.layers, self.layers_t = nn.ModuleList(), nn.ModuleList()
        for index in range(sizes.n_layers):
            kind = CrossLayer if index % 2 != sizes.is_cross_first else SelfLayer
            self.layers.append(kind(sizes))
            self.layers_t.append(kind(sizes))

    def forward(
        self, spectral: Float[Tensor, "batch frame freq feature"], temporal: Float[Tensor, "batch time feature"]
    ) -> tuple[Float[Tensor, "batch frame freq feature"], Float[Tensor, "batch time feature"]]:
        sizes, (n_frames, n_freqs) = self.sizes, spectral.shape[1:3]
        places = tell_frames_and_freqs(n_frames, n_freqs, sizes.width, sizes.longest_period).to(spectral)
        moments = tell_times(temporal.shape[1], sizes.width, sizes.longest_period).to(temporal)
        spectral = (self.norm_in(spectral) + sizes.place_weight * places).flatten(1, 2)
        temporal = self.norm_in_t(temporal) + sizes.place_weight * moments
        for layer, layer_t in zip(self.layers, self.layers_t, strict=True):
            spectral, temporal = layer(spectral, temporal), layer_t(temporal, spectral)
        return spectral.unflatten(1, (n_frames, n_freqs)), temporal


class SelfLayer(nn.Module):
    """Attention within a sequence and a feed-forward layer, normalised before each and after both.

    Shape:
        `[batch, place, feature]` to the same; the other sequence is not heard.
    """

    def __init__(self, sizes: CrossTransformerSizes) -> None:
        super().__init__()
        self.self_attn = Attention(sizes.width, sizes.n_heads, sizes.dropout)
        self.linear1 = nn.Linear(sizes.width, sizes.n_hidden)
        self.linear2 = nn.Linear(sizes.n_hidden, sizes.width)
        self.norm1, self.norm2 = nn.LayerNorm(sizes.width), nn.LayerNorm(sizes.width)
        self.norm_out = WholeNorm(sizes.width)
        self.gamma_1, self.gamma_2 = (LayerScale(sizes.width, _START_GAIN, is_last=True) for _ in range(2))
        self.dropout = nn.Dropout(sizes.dropout)

    def forward(
        self, features: Float[Tensor, "batch place feature"], other: Float[Tensor, "batch other feature"]
    ) -> Float[Tensor, "batch place feature"]:
        normalised = self.norm1(features)
        features = features + self.gamma_1(self.dropout(self.self_attn(normalised, normalised)))
        inner = self.dropout(F.gelu(self.linear1(self.norm2(features))))
        features = features + self.gamma_2(self.dropout(self.linear2(inner)))
        normalised_out: Tensor = self.norm_out(features)
        return normalised_out


class CrossLayer(nn.Module):
    """The same with attention to the other sequence.

    Shape:
        `[batch, place, feature]` and `[batch, other, feature]` to the former.
    """

    def __init__(self, sizes: CrossTransformerSizes) -> None:
        super().__init__()
        self.cross_attn = Attention(sizes.width, sizes.n_heads, sizes.dropout)
        self.linear1 = nn.Linear(sizes.width, sizes.n_hidden)
        self.linear2 = nn.Linear(sizes.n_hidden, sizes.width)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(sizes.width) for _ in range(3))
        self.norm_out = WholeNorm(sizes.width)
        self.gamma_1, self.gamma_2 = (LayerScale(sizes.width, _START_GAIN, is_last=True) for _ in range(2))
        self.dropout = nn.Dropout(sizes.dropout)

    def forward(
        self, features: Float[Tensor, "batch place feature"], other: Float[Tensor, "batch other feature"]
    ) -> Float[Tensor, "batch place feature"]:
        heard = self.cross_attn(self.norm1(features), self.norm2(other))
        features = features + self.gamma_1(self.dropout(heard))
        inner = self.dropout(F.gelu(self.linear1(self.norm3(features))))
        features = features + self.gamma_2(self.dropout(self.linear2(inner)))
        normalised_out: Tensor = self.norm_out(features)
        return normalised_out


class Attention(nn.Module):
    """Multi-head attention of one sequence to another, or to itself where both are one.

    Shape:
        `[batch, place, feature]` and `[batch, other, feature]` to the former.
    """

    def __init__(self, width: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.n_heads, self.dropout = n_heads, dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(
        self, features: Float[Tensor, "batch place feature"], other: Float[Tensor, "batch other feature"]
    ) -> Float[Tensor, "batch place feature"]:
        query, key, value = self._project(features, other)
        dropout = self.dropout if self.training else 0.0
        heard = attend(query, key, value, dropout)
        change: Tensor = self.out_proj(heard.transpose(1, 2).flatten(2))
        return change

    def _project(self, features: Tensor, other: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values: [batch, head, place, inner]."""
        weight, bias, width = self.in_proj_weight, self.in_proj_bias, features.shape[-1]
        if features is other:
            parts = F.linear(features, weight, bias).chunk(3, dim=-1)
        else:
            query = F.linear(features, weight[:width], bias[:width])
            parts = (query, *F.linear(other, weight[width:], bias[width:]).chunk(2, dim=-1))
        # Side by side in memory, the places of a head are multiplied a tenth faster.
        query, key, value = (part.unflatten(-1, (self.n_heads, -1)).transpose(1, 2).contiguous() for part in parts)
        return query, key, value


class WholeNorm(nn.Module):
    """Normalise over all places and features of an item at once; a gain and a shift for each feature.

    Shape:
        `[batch, place, feature]` to the same.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, features: Float[Tensor, "batch place feature"]) -> Float[Tensor, "batch place feature"]:
        return torch.addcmul(self.bias, F.layer_norm(features, features.shape[1:]), self.weight)


def tell_times(n_times: int, width: int, longest_period: float) -> Float[Tensor, "time feature"]:
    """Cosines of the time in the first half of the features, sines in the second, from fast to slow.

    Example:
        >>> tell_times(3, 4, 10000.0)[0]
        tensor([1., 1., 0., 0.])
    """
    time = torch.arange(n_times, dtype=torch.float32)[:, None]
    periods = longest_period ** (torch.arange(width // 2, dtype=torch.float32) / max(1, width // 2 - 1))
    phase = time / periods
    return torch.cat([phase.cos(), phase.sin()], dim=-1)


def tell_frames_and_freqs(
    n_frames: int, n_freqs: int, width: int, longest_period: float
) -> Float[Tensor, "frame freq feature"]:
    """Sines and cosines in turn, of the frame in the first half of the features, of the frequency in the second.

    Example:
        >>> tell_frames_and_freqs(3, 2, 8, 10000.0)[0, 0]
        tensor([0., 1., 0., 1., 0., 1., 0., 1.])
    """
    half = width // 2
    speeds = torch.exp(torch.arange(0, half, 2, dtype=torch.float32) * (-math.log(longest_period) / half))
    frame, freq = (_wave(n_places, speeds) for n_places in (n_frames, n_freqs))
    return torch.cat([frame[:, None].expand(-1, n_freqs, -1), freq.expand(n_frames, -1, -1)], dim=-1)


def _wave(n_places: int, speeds: Float[Tensor, "speed"]) -> Float[Tensor, "place feature"]:
    phase = torch.arange(n_places, dtype=torch.float32)[:, None] * speeds
    return torch.stack([phase.sin(), phase.cos()], dim=-1).flatten(1)
