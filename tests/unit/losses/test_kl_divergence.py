"""KL divergence: against torch's distributions, and the loss that it stands beside."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.losses.kl_divergence import KLDivergence
from auralflow.losses.l2 import L2

GENERATOR = torch.Generator().manual_seed(0)
STEMS, TARGETS = torch.randn(2, 2, 3, 1, 100, generator=GENERATOR)
MEAN, LOG_VARIANCE = torch.randn(2, 2, 7, 4, generator=GENERATOR)
ESTIMATE = Estimate(STEMS, TARGETS.sum(1), latent=(MEAN, LOG_VARIANCE))


def test_is_reconstruction_plus_weighted_divergence() -> None:
    divergence = kl_divergence(Normal(MEAN, (LOG_VARIANCE / 2).exp()), Normal(0.0, 1.0)).mean()
    loss = KLDivergence(weight=3.0, reconstruction="l2")
    torch.testing.assert_close(loss(ESTIMATE, TARGETS), L2()(ESTIMATE, TARGETS) + 3 * divergence)


def test_divergence_alone_is_least_at_the_unit_gaussian() -> None:
    perfect = Estimate(TARGETS, TARGETS.sum(1), latent=(torch.zeros(2, 4), torch.zeros(2, 4)))
    assert KLDivergence(weight=10.0)(perfect, TARGETS) == 0


def test_needs_what_its_reconstruction_needs() -> None:
    assert KLDivergence().needs == ("latent",)
    spectral = KLDivergence(reconstruction="l1", reconstruction_options={"domain": "spectrogram"})
    assert spectral.needs == ("latent", "transform")
    assert KLDivergence(reconstruction="log_wmse").minimum == -70


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reconstruction": "l11"}, "reconstruction: unknown loss 'l11': did you mean 'l1'"),
        ({"reconstruction": "kl_divergence"}, "reconstruction: expected a loss that compares the stems"),
        (
            {"reconstruction_options": {"domian": "x"}},
            "reconstruction_options.domian: unknown key, did you mean 'domain'",
        ),
        (
            {"reconstruction": "component", "reconstruction_options": {"alpha": 2}},
            "reconstruction_options.alpha: expected",
        ),
        ({"weight": -1.0}, "weight: expected a number of 0 or more, got -1.0"),
    ],
)
def test_refuses(options: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        KLDivergence(**options)
