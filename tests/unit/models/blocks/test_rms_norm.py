"""Root mean square normalisation by its definition."""

from __future__ import annotations

import pytest
import torch

from auralflow.models.blocks.rms_norm import RMSNorm


def _noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("level", [1e-9, 1.0, 1e9])
def test_root_mean_square_becomes_gamma(level: float) -> None:
    norm = RMSNorm(5).double()
    torch.nn.init.constant_(norm.gamma, 3.0)
    normalised = norm(level * _noise(2, 4, 5))
    torch.testing.assert_close(normalised.square().mean(-1).sqrt(), torch.full((2, 4), 3.0, dtype=torch.float64))
    torch.testing.assert_close(normalised, norm(_noise(2, 4, 5)), rtol=1e-9, atol=0)


def test_gamma_scales_each_feature() -> None:
    norm = RMSNorm(3).double()
    plain = norm(_noise(4, 3))
    norm.gamma.data = torch.tensor([1.0, 0.0, -2.0], dtype=torch.float64)
    torch.testing.assert_close(norm(_noise(4, 3)), plain * norm.gamma)


def test_silence_stays_silent_and_its_gradient_finite() -> None:
    features = torch.zeros(2, 3, requires_grad=True)
    normalised = RMSNorm(3)(features)
    assert (normalised == 0).all()
    normalised.sum().backward()
    assert features.grad.isfinite().all()
