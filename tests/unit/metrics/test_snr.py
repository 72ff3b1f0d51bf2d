"""Signal-to-noise ratio per channel."""

from __future__ import annotations

import math

import torch

from auralflow.metrics.sdr import sdr
from auralflow.metrics.snr import snr


def _noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_channels_count_alike_however_loud() -> None:
    targets = _noise(2, 2, 500) * torch.tensor([[1.0], [0.01]])
    gains = torch.tensor([[0.9], [0.99]], dtype=torch.float64)
    torch.testing.assert_close(snr(gains * targets, targets, sample_rate=8000)["snr"], torch.full((2,), 30.0).double())
    assert (sdr(gains * targets, targets, sample_rate=8000)["sdr"] < 20.1).all()


def test_a_silent_channel_is_left_out() -> None:
    targets = _noise(3, 2, 500)
    targets[0, 1] = 0
    targets[1] = 0
    scores = snr(targets + 0.1 * _noise(3, 2, 500, seed=1), targets, sample_rate=8000)["snr"]
    assert scores.isnan().tolist() == [False, True, False]
    mono = snr((targets + 0.1 * _noise(3, 2, 500, seed=1))[:1, :1], targets[:1, :1], sample_rate=8000)["snr"]
    torch.testing.assert_close(scores[:1], mono)


def test_equal_is_infinite() -> None:
    assert snr(torch.ones(1, 1, 9), torch.ones(1, 1, 9), sample_rate=8000)["snr"].item() == math.inf
