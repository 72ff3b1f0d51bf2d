"""L1, L2 and RMSE: against torch's own, per stem, in both domains."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from auralflow.dsp.stft import STFTConfig, stft
from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.losses import PerStemLoss
from auralflow.losses.l1 import L1
from auralflow.losses.l2 import L2
from auralflow.losses.rmse import RMSE

CONFIG = STFTConfig(64, 16)
LOSSES = [L1, L2, RMSE]


def _transform(waveform: torch.Tensor) -> torch.Tensor:
    return stft(waveform, CONFIG)


def _pair(n_samples: int = 300) -> tuple[Estimate, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    stems, targets = torch.randn(2, 2, 3, 2, n_samples, generator=generator, dtype=torch.float64)
    return Estimate(stems, targets.sum(1), transform=_transform), targets


@pytest.mark.parametrize(("loss", "reference"), [(L1, F.l1_loss), (L2, F.mse_loss)])
def test_agrees_with_torch(loss: type[PerStemLoss], reference) -> None:
    estimate, targets = _pair()
    torch.testing.assert_close(loss()(estimate, targets), reference(estimate.stems, targets))
    magnitudes = _transform(estimate.stems).abs(), _transform(targets).abs()
    torch.testing.assert_close(loss(domain="spectrogram")(estimate, targets), reference(*magnitudes))


@pytest.mark.parametrize("domain", ["waveform", "spectrogram"])
def test_rmse_is_the_mean_of_the_roots_of_the_stems(domain) -> None:
    estimate, targets = _pair()
    squares = L2(domain).per_stem(estimate, targets)
    torch.testing.assert_close(RMSE(domain)(estimate, targets), squares.sqrt().mean())


def test_magnitudes_are_deaf_to_polarity_and_samples_are_not() -> None:
    estimate, targets = _pair()
    flipped = Estimate(-targets, estimate.mixture, transform=_transform)
    for loss in LOSSES:
        assert loss(domain="spectrogram")(flipped, targets) == 0
        assert loss()(flipped, targets) > 0.5


@pytest.mark.parametrize("loss", LOSSES)
def test_needs_the_transform_for_magnitudes_only(loss: type[PerStemLoss]) -> None:
    assert loss().needs == ()
    assert loss(domain="spectrogram").needs == ("transform",)


@pytest.mark.parametrize("loss", LOSSES)
def test_refuses_another_domain(loss: type[PerStemLoss], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users run without its type checks
    with pytest.raises(ConfigError, match="domain: expected one of 'waveform', 'spectrogram', got 'mel'"):
        loss(domain="mel")


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("domain", ["waveform", "spectrogram"])
def test_gradient(loss: type[PerStemLoss], domain: str) -> None:
    estimate, targets = _pair(70)

    def measure(stems: torch.Tensor) -> torch.Tensor:
        return loss(domain=domain)(Estimate(stems, estimate.mixture[:1], transform=_transform), targets[:1])

    assert torch.autograd.gradcheck(measure, estimate.stems[:1].clone().requires_grad_())


def test_slope_of_the_rmse_does_not_depend_on_the_error() -> None:
    estimate, targets = _pair()
    sizes = []
    for error in (1e-6, 1e-1):
        stems = (targets + error * estimate.stems).requires_grad_()
        RMSE()(Estimate(stems, estimate.mixture), targets).backward()
        assert stems.grad is not None
        sizes.append(stems.grad.norm().item())
    assert sizes[0] == pytest.approx(sizes[1], rel=1e-6)
