"""What Hybrid Demucs hears of other frames in its deepest levels: an LSTM over spans, attention that prefers the near.

Défossez (2021, "Hybrid spectrogram and waveform source separation", arXiv 2111.03600), section 4.3.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

_SPAN, _STEP = 200, 100
_N_HEADS, _N_DECAYS = 4, 4
_START_DECAY = -2.0  # before a sigmoid: far frames are heard well at first
_NOTHING = -100.0  # before a softmax


class SpanLSTM(nn.Module):
    """Bidirectional LSTM of two layers and a linear layer back to as many features, added to its input.

    What is longer than 200 frames is cut into spans of 200 that share half with each neighbour, and of each span the
    middle half is taken (of the first, its beginning too): so a network that was trained on short pieces never runs
    over longer ones.

    Shape:
        `[batch, feature, frame]` to the same.
    """

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(n_features, n_features, num_layers=2, bidirectional=True)
        self.linear = nn.Linear(2 * n_features, n_features)

    def forward(self, features: Float[Tensor, "batch feature frame"]) -> Float[Tensor, "batch feature frame"]:
        n_frames = features.shape[-1]
        if n_frames <= _SPAN:
            return features + self._recall(features)
        n_spans = -(-n_frames // _STEP)
        padded = F.pad(features, (0, (n_spans - 1) * _STEP + _SPAN - n_frames))
        spans = padded.unfold(-1, _SPAN, _STEP).transpose(1, 2)
        recalled = self._recall(spans.flatten(0, 1)).unflatten(0, spans.shape[:2])
        edge = (_SPAN - _STEP) // 2
        middles = recalled[..., edge : edge + _STEP].transpose(1, 2).flatten(2)
        joined = torch.cat([recalled[:, 0, :, :edge], middles], dim=-1)
        return features + joined[..., :n_frames]

    def _recall(self, features: Float[Tensor, "batch feature frame"]) -> Float[Tensor, "batch feature frame"]:
        seen, _ = self.lstm(features.permute(2, 0, 1))
        recalled: Tensor = self.linear(seen)
        return recalled.permute(1, 2, 0)


class LocalAttention(nn.Module):
    r"""Attention of four heads that says itself how fast it forgets, added to its input.

    Frame s hears frame t by the softmax over t of

        k_t . q_s / sqrt(d) - |s - t| sum_{i=1..4} i a_is / (2 sqrt(4)),    a_is = sigmoid(decay_is)

    where the decays come from frame s as the query q_s does. No frame hears itself.

    Shape:
        `[batch, feature, frame]` to the same; the number of features is a multiple of four.
    """

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.content = nn.Conv1d(n_features, n_features, 1)
        self.query = nn.Conv1d(n_features, n_features, 1)
        self.key = nn.Conv1d(n_features, n_features, 1)
        self.query_decay = nn.Conv1d(n_features, _N_HEADS * _N_DECAYS, 1)
        self.proj = nn.Conv1d(n_features, n_features, 1)
        with torch.no_grad():
            self.query_decay.weight.mul_(0.01)
            nn.init.constant_(_bias_of(self.query_decay), _START_DECAY)

    def forward(self, features: Float[Tensor, "batch feature frame"]) -> Float[Tensor, "batch feature frame"]:
        query, key, content = (_split(layer(features)) for layer in (self.query, self.key, self.content))
        scores = torch.matmul(query.transpose(2, 3), key / math.sqrt(key.shape[2]))
        scores = scores - self._weigh_distances(features)
        itself = torch.eye(features.shape[-1], dtype=torch.bool, device=features.device)
        weights = scores.masked_fill(itself, _NOTHING).softmax(dim=-1)
        heard = torch.matmul(content, weights.transpose(2, 3)).flatten(1, 2)
        changed: Tensor = features + self.proj(heard)
        return changed

    def _weigh_distances(self, features: Tensor) -> Tensor:
        """What is taken off for distance: [batch, head, query frame, key frame]."""
        decays = _split(self.query_decay(features)).sigmoid()
        place = torch.arange(features.shape[-1], device=features.device, dtype=decays.dtype)
        each = torch.arange(1, _N_DECAYS + 1, device=features.device, dtype=decays.dtype)
        slopes = (decays * each[:, None]).sum(2) / (2 * math.sqrt(_N_DECAYS))
        taken_off: Tensor = slopes.unsqueeze(-1) * (place[:, None] - place).abs()
        return taken_off


def _split(features: Float[Tensor, "batch feature frame"]) -> Float[Tensor, "batch head inner frame"]:
    heads: Tensor = features.unflatten(1, (_N_HEADS, -1))
    return heads


def _bias_of(layer: nn.Conv1d) -> Tensor:
    assert layer.bias is not None
    return layer.bias
