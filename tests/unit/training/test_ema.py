"""The running mean of the weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from auralflow.training.ema import Ema


def test_mean_follows_its_definition() -> None:
    layer = nn.Linear(2, 1, bias=False)
    mean = Ema(layer, decay=0.9)
    expected = layer.weight.detach().clone()
    for step in range(40):
        with torch.no_grad():
            layer.weight.add_(1.0)
        mean.update()
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * layer.weight.detach()
    torch.testing.assert_close(mean.mean["weight"], expected)


def test_the_module_has_the_mean_inside_the_block_only() -> None:
    layer = nn.Linear(2, 1)
    mean = Ema(layer, decay=0.5)
    own = layer.weight.detach().clone() + 7
    with torch.no_grad():
        layer.weight.copy_(own)
    with mean.applied():
        assert torch.equal(layer.weight, mean.mean["weight"])
    assert torch.equal(layer.weight, own)
    with pytest.raises(RuntimeError), mean.applied():
        layer(torch.zeros(1, 3))  # of the wrong shape
    assert torch.equal(layer.weight, own)


def test_whole_numbers_are_copied_not_averaged() -> None:
    norm = nn.BatchNorm1d(2)
    mean = Ema(norm, decay=0.9)
    norm(torch.randn(4, 2))
    mean.update()
    assert mean.mean["num_batches_tracked"] == 1


def test_state_round_trip() -> None:
    layer = nn.Linear(2, 1)
    one = Ema(layer, decay=0.9)
    with torch.no_grad():
        layer.weight.add_(1)
    one.update()
    other = Ema(nn.Linear(2, 1), decay=0.9)
    other.load_state_dict(one.state_dict())
    assert other.n_updates == 1
    assert torch.equal(other.mean["weight"], one.mean["weight"])
