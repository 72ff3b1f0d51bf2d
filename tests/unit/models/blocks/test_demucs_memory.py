"""What deep levels of Hybrid Demucs hear of other frames: by definition, and no further than spans reach."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from auralflow.models.blocks.demucs_memory import LocalAttention, SpanLSTM


def _noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_attention_is_that_of_the_formula() -> None:
    torch.manual_seed(0)
    attention = LocalAttention(8).double()
    torch.nn.init.normal_(attention.query_decay.weight)
    features = _noise(1, 8, 6)
    query, key, content, decay = (
        layer(features)[0] for layer in (attention.query, attention.key, attention.content, attention.query_decay)
    )
    heard = torch.zeros(8, 6, dtype=torch.float64)
    for head in range(4):
        of_head = slice(2 * head, 2 * head + 2)
        for s in range(6):
            scores = torch.zeros(6, dtype=torch.float64)
            for t in range(6):
                forgetting = sum(i * decay[4 * head + i - 1, s].sigmoid() for i in range(1, 5)) / (2 * math.sqrt(4))
                scores[t] = key[of_head, t] @ query[of_head, s] / math.sqrt(2) - abs(s - t) * forgetting
            scores[s] = -100
            heard[of_head, s] = content[of_head] @ scores.softmax(0)
    expected = features + attention.proj(heard[None])
    torch.testing.assert_close(attention(features), expected, rtol=1e-10, atol=1e-12)


def test_no_frame_hears_itself() -> None:
    """But a single one, which has nothing else."""
    attention = LocalAttention(4).double()
    features = _noise(1, 4, 9).requires_grad_()
    (gradient,) = torch.autograd.grad((attention(features) - features)[0, 0, 3], features)
    changed = features.detach().clone()
    assert gradient[..., :3].abs().min() > 0
    for layer in (attention.query, attention.query_decay):  # what frame 3 says of others
        torch.nn.init.zeros_(layer.weight)
    changed[..., 3] += 1
    heard, of_changed = (attention(x) - x for x in (features, changed))
    torch.testing.assert_close(heard[..., 3], of_changed[..., 3], rtol=0, atol=1e-12)
    assert (heard - of_changed)[..., 4].abs().max() > 1e-6
    assert attention(_noise(1, 4, 1)).isfinite().all()


@pytest.mark.parametrize("n_frames", [1, 199, 200])
def test_short_features_go_through_the_lstm_at_once(n_frames: int) -> None:
    layer, features = SpanLSTM(3).double(), _noise(2, 3, n_frames)
    expected = features + layer.linear(layer.lstm(features.permute(2, 0, 1))[0]).permute(1, 2, 0)
    torch.testing.assert_close(layer(features), expected)


@pytest.mark.parametrize("n_frames", [201, 300, 333])
def test_long_features_are_cut_into_spans(n_frames: int) -> None:
    """Frame t comes from the span whose middle half it is in."""
    layer, features = SpanLSTM(3).double(), _noise(1, 3, n_frames)
    padded = torch.nn.functional.pad(features, (0, 200))
    found = layer(features)
    assert found.shape == features.shape
    for frame in (0, 49, 149, 150, 200, n_frames - 1):
        start = max(0, (frame - 50) // 100 * 100)
        span = padded[..., start : start + 200]
        expected = features[..., frame] + layer.linear(layer.lstm(span.permute(2, 0, 1))[0])[frame - start]
        torch.testing.assert_close(found[..., frame], expected)
