"""Permutation-invariant loss: the same in every order, equal to trying all of them, one order per item."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch

from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.losses.best_perm import BestPerm

PLAIN = ["l1", "l2", "rmse", "si_sdr", "snr", "l1_freq", "multi_stft", "log_wmse"]


def _pair(n_stems: int = 3) -> tuple[Estimate, torch.Tensor]:
    stems, targets = torch.randn(2, 4, n_stems, 2, 400, generator=torch.Generator().manual_seed(0))
    return Estimate(stems + 0.2 * targets.flip(1), targets.sum(1)), targets


@pytest.mark.parametrize("name", PLAIN)
def test_order_of_the_targets_does_not_matter(name: str) -> None:
    estimate, targets = _pair()
    loss = BestPerm(name)
    for order in permutations(range(3)):
        torch.testing.assert_close(loss(estimate, targets[:, list(order)]), loss(estimate, targets))


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("n_stems", [1, 2, 4])
def test_is_the_best_of_all_orders_of_each_item(name: str, n_stems: int) -> None:
    estimate, targets = _pair(n_stems)
    loss = BestPerm(name)
    values = [
        loss.pair_loss.per_stem(estimate, targets[:, list(order)]).mean(-1) for order in permutations(range(n_stems))
    ]
    torch.testing.assert_close(loss(estimate, targets), torch.stack(values).amin(0).mean())


def test_each_item_has_an_order_of_its_own() -> None:
    _, targets = _pair()
    stems = torch.stack([targets[0], targets[1].flip(0), targets[2].roll(1, 0), targets[3].roll(2, 0)])
    assert BestPerm("l1")(Estimate(stems, targets.sum(1)), targets) == 0


def test_gradient_is_that_of_the_loss_in_the_best_order() -> None:
    estimate, targets = _pair()
    stems = (targets.roll(1, 1) + 0.1 * estimate.stems).requires_grad_()
    loss = BestPerm("l2")
    (gradient,) = torch.autograd.grad(loss(Estimate(stems, estimate.mixture), targets), stems)
    torch.testing.assert_close(gradient, 2 * (stems - targets.roll(1, 1)).detach() / stems.numel())


def test_six_stems_and_no_more() -> None:
    generator = torch.Generator().manual_seed(0)
    targets = torch.randn(2, 7, 1, 50, generator=generator)
    order = torch.randperm(6, generator=generator)
    estimate = Estimate(targets[:, :6][:, order], targets.sum(1))
    assert BestPerm("l1")(estimate, targets[:, :6]) == 0
    with pytest.raises(ConfigError, match="best_perm: expected at most 6 stems, got 7"):
        BestPerm("l1")(Estimate(targets, targets.sum(1)), targets)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "sisdr"}, "loss: unknown loss 'sisdr': did you mean 'si_sdr'"),
        ({"loss": "kl_divergence"}, "loss: expected a loss with one value per stem, got 'kl_divergence'"),
        ({"options": {"floor": 1}}, "options.floor: unknown key, did you mean 'floor_db'"),
    ],
)
def test_refuses(options: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        BestPerm(**options)
