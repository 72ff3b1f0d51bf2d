"""Multi-resolution STFT and L1-frequency: the formulas, what they are deaf to, and configurations they refuse."""

from __future__ import annotations

import pytest
import torch

from auralflow.dsp.stft import STFTConfig, stft
from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.losses import PerStemLoss
from auralflow.losses.l1_freq import L1Freq
from auralflow.losses.multi_stft import MultiSTFT


def _pair(n_stems: int = 3) -> tuple[Estimate, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    stems, targets = torch.randn(2, 2, n_stems, 2, 2000, generator=generator, dtype=torch.float64)
    return Estimate(stems, targets.sum(1)), targets


def test_multi_stft_of_one_stem_is_the_formula_of_the_paper() -> None:
    estimate, targets = _pair(1)
    values = []
    for n_fft, hop_samples in ((256, 64), (512, 100)):
        config = STFTConfig(n_fft, hop_samples)
        for item in range(2):
            wrong, right = stft(estimate.stems[item], config).abs(), stft(targets[item], config).abs()
            convergence = torch.linalg.norm((right - wrong).flatten()) / torch.linalg.norm(right.flatten())
            values.append(convergence + (right.log() - wrong.log()).abs().mean())
    value = MultiSTFT((256, 512), (64, 100))(estimate, targets)
    torch.testing.assert_close(value, torch.stack(values).mean(), rtol=1e-3, atol=0)  # the floor of the logarithm


def test_l1_freq_of_noise_that_is_twice_too_loud() -> None:
    _, targets = _pair()
    assert L1Freq()(Estimate(2 * targets, targets.sum(1)), targets).item() == pytest.approx(1)
    assert L1Freq()(Estimate(0 * targets, targets.sum(1)), targets).item() == pytest.approx(1)


def test_l1_freq_does_not_hear_the_level() -> None:
    estimate, targets = _pair()
    for gain in (0.05, 20.0):
        louder = Estimate(gain * estimate.stems, estimate.mixture)
        torch.testing.assert_close(L1Freq()(louder, gain * targets), L1Freq()(estimate, targets))


@pytest.mark.parametrize("loss", [L1Freq(), MultiSTFT()], ids=str)
def test_polarity_is_not_heard_and_a_delay_within_a_frame_hardly(loss: PerStemLoss) -> None:
    estimate, targets = _pair()
    assert loss(Estimate(-targets, estimate.mixture), targets) == 0
    late = loss(Estimate(targets.roll(2, -1), estimate.mixture), targets)
    assert late < 0.2 * loss(estimate, targets)


@pytest.mark.parametrize("loss", [L1Freq(64, 32), MultiSTFT((32, 64), (8, 16))], ids=str)
def test_gradient(loss: PerStemLoss) -> None:
    estimate, targets = _pair(2)
    stems, targets = estimate.stems[:1, ..., :80].clone(), targets[:1, ..., :80]
    mixture = targets.sum(1)
    assert torch.autograd.gradcheck(lambda stems: loss(Estimate(stems, mixture), targets), stems.requires_grad_())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MultiSTFT((512, 1024), (128,)), "hops_samples: expected one hop for each of the 2 n_ffts"),
        (lambda: MultiSTFT((), ()), "at least one, got 0"),
        (lambda: MultiSTFT((512, 1023), (128, 256)), "^n_ffts.1: expected an even whole number"),
        (lambda: MultiSTFT((512, 1024), (128, 900)), "^hops_samples.1: expected 1 to 512"),
        (lambda: L1Freq(n_fft=3), "^n_fft: expected an even whole number"),
        (lambda: L1Freq(hop_samples=0), "^hop_samples: expected 1 to 1024"),
    ],
)
def test_refuses(make, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()
