"""What the tests of several models ask in the same way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn


@pytest.fixture
def two_tones() -> Callable[[int, int], Tensor]:
    """Targets that any model should learn at once: 300 and 2500 Hz at 8000 Hz, `[item, stem, channel, time]`."""

    def make(n_samples: int, n_items: int) -> Tensor:
        time = torch.arange(n_samples) / 8000
        tones = torch.stack([torch.sin(6.28 * 300 * time), torch.sin(6.28 * 2500 * time)])
        return tones.reshape(1, 2, 1, -1).expand(n_items, 2, 2, -1)

    return make


@pytest.fixture
def overfit() -> Callable[[nn.Module, Tensor, int, float], float]:
    """Train on one batch; the last loss as a part of the first."""

    def train(model: nn.Module, targets: Tensor, n_steps: int, learning_rate: float) -> float:
        optimiser = torch.optim.Adam(model.parameters(), learning_rate)
        losses = []
        for _ in range(n_steps):
            optimiser.zero_grad()
            loss = (model(targets.sum(1)) - targets).square().mean()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        return losses[-1] / losses[0]

    return train


@pytest.fixture
def half_precision_error() -> Callable[[nn.Module, Tensor], float]:
    """Power of what autocast changes, as a part of the power of the exact stems; they must stay in 32 bits."""

    def measure(model: nn.Module, mixture: Tensor) -> float:
        with torch.autocast("cpu", torch.bfloat16):
            stems = model(mixture)
        exact = model(mixture)
        assert stems.dtype == torch.float32
        return ((stems - exact).square().mean() / exact.square().mean()).item()

    return measure
