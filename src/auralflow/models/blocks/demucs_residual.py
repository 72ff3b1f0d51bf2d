"""What a level of Hybrid Demucs adds to its features: dilated convolutions, and deep down an LSTM and attention.

Défossez (2021, "Hybrid spectrogram and waveform source separation", arXiv 2111.03600), section 4. A layer squeezes the
features, looks along frames, and gives back as many as came in, times a gain that begins near zero (LayerScale, Touvron
et al. 2021, "Going deeper with image transformers", arXiv 2103.17239). Frequencies do not see each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from auralflow.models.blocks.demucs_inference import add_gated, squeeze_frames
from auralflow.models.blocks.demucs_memory import LocalAttention, SpanLSTM
from auralflow.speed.inference import is_inference_on_cpu, without_half

_KERNEL = 3


class LayerScale(nn.Module):
    """A learned gain for each feature; `features` stand on the second axis, or on the last with `is_last`."""

    def __init__(self, n_features: int, start: float, *, is_last: bool = False) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((n_features,), float(start)))
        self.is_last = is_last

    def forward(self, features: Float[Tensor, "batch first second"]) -> Float[Tensor, "batch first second"]:
        return features * (self.scale if self.is_last else self.scale[:, None])


class ResidualBranch(nn.Module):
    """`depth` layers, each added to what it was given.

    Args:
        width: features that come in and go out.
        n_inner: features inside.
        depth: layers; the dilation doubles from one to the next.
        start: gain at first.
        has_lstm: an LSTM after the convolution.
        has_attention: attention after that.

    Shape:
        `[batch, feature, frame]` or `[batch, feature, freq, frame]` to the same.
    """

    def __init__(
        self, width: int, n_inner: int, depth: int, start: float, *, has_lstm: bool = False, has_attention: bool = False
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for index in range(depth):
            dilation = 2**index
            memory: list[nn.Module] = [SpanLSTM(n_inner)] if has_lstm else []
            memory += [LocalAttention(n_inner)] if has_attention else []
            layer = nn.Sequential(
                nn.Conv1d(width, n_inner, _KERNEL, dilation=dilation, padding=dilation * (_KERNEL // 2)),
                nn.GroupNorm(1, n_inner),
                nn.GELU(),
                *memory,
                nn.Conv1d(n_inner, 2 * width, 1),
                nn.GroupNorm(1, 2 * width),
                nn.GLU(dim=1),
                LayerScale(width, start),
            )
            self.layers.append(layer)

    def forward(
        self, features: Float[Tensor, "batch feature *freq frame"]
    ) -> Float[Tensor, "batch feature *freq frame"]:
        if features.ndim == 3:
            changed_along_time: Tensor = without_half(self._add_along_time, features)
            return changed_along_time
        if is_inference_on_cpu(features):
            return self._add_fused(features)
        by_freq = features.transpose(1, 2)
        changed: Tensor = self._add_layers(by_freq.flatten(0, 1)).unflatten(0, by_freq.shape[:2])
        return changed.transpose(1, 2)

    def _add_along_time(self, features: Float[Tensor, "batch feature frame"]) -> Float[Tensor, "batch feature frame"]:
        if is_inference_on_cpu(features):
            return self._add_fused(features.unsqueeze(2)).squeeze(2)
        return self._add_layers(features)

    def _add_layers(self, features: Float[Tensor, "batch feature frame"]) -> Float[Tensor, "batch feature frame"]:
        for layer in self.layers:
            features = features + layer(features)
        return features

    def _add_fused(self, features: Float[Tensor, "batch feature freq frame"]) -> Tensor:
        """The same; frequencies become rows of a batch only where features are few."""
        for layer in cast(Iterable[nn.Sequential], self.layers):
            convolve, *remember, expand, norm, _, gain = cast(Iterable[Any], layer)
            inner: Tensor = squeeze_frames(features, convolve).transpose(1, 2).flatten(0, 1)
            for step in remember:
                inner = step(inner)
            features = add_gated(features, inner, expand, norm, gain.scale)
        return features
