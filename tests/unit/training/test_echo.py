"""What echoes of a batch are made of."""

from __future__ import annotations

import pytest
import torch

from auralflow.data.config import DataConfig
from auralflow.data.loader import Batch
from auralflow.errors import ConfigError
from auralflow.training.echo import add_echoes

N_ITEMS, N_STEMS = 5, 3


@pytest.fixture
def batch() -> Batch:
    """Noise, with something beside the targets."""
    torch.manual_seed(0)
    targets = torch.randn(N_ITEMS, N_STEMS, 2, 400, dtype=torch.float64)
    return Batch(targets.sum(1) + torch.randn(N_ITEMS, 2, 400, dtype=torch.float64), targets, ("a.wav: lost",))


def _gains(echo: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Of each item, stem and channel of one echo, its gain over each item of the batch where it is that one's, else 0.

    Shape:
        (item of the echo, stem, item of the batch, straight or swapped)
    """
    both = torch.stack([targets, targets.flip(2)], -1)
    products = torch.einsum("isct,jsctw->isjw", echo, both)
    gains = products / both.square().sum((2, 3)).transpose(0, 1)
    cosines = products / (echo.norm(dim=(2, 3))[..., None, None] * both.norm(dim=(2, 3)).transpose(0, 1))
    return torch.where(cosines.abs() > 1 - 1e-9, gains, torch.zeros(()).double())


def test_the_batch_itself_comes_first_as_it_was(batch: Batch) -> None:
    """What was drawn is trained on, whatever is added."""
    full = add_echoes(batch, 2)
    assert torch.equal(full.mixture[:N_ITEMS], batch.mixture)
    assert torch.equal(full.targets[:N_ITEMS], batch.targets)
    assert full.failures == batch.failures
    assert add_echoes(batch, 0) is batch


def test_each_stem_of_an_echo_is_one_of_that_stem_with_another_gain(batch: Batch) -> None:
    """No stem is used twice in an echo, none becomes another stem, and gains stay where they are promised to be."""
    echoes = add_echoes(batch, 40).targets[N_ITEMS:].unflatten(0, (40, N_ITEMS))
    found = torch.stack([_gains(echo, batch.targets) for echo in echoes])
    assert (found != 0).sum((-1, -2)).eq(1).all()  # each is exactly one of them, straight or swapped
    assert (found != 0).sum((1, 4)).eq(1).all()  # and each of them is there exactly once
    db = 20 * found[found != 0].abs().log10()
    assert -6 <= db.min() < -5
    assert 2 < db.max() <= 3
    assert 0.4 < (found[found != 0] < 0).double().mean() < 0.6
    assert 0.4 < (found[..., 1] != 0).double().sum() / (40 * N_ITEMS * N_STEMS) < 0.6


def test_half_of_the_stems_keep_their_company(batch: Batch) -> None:
    """Stems of one song that stay in place are still together: what a model learns of harmony is not shuffled away."""
    echoes = add_echoes(batch, 200).targets[N_ITEMS:].unflatten(0, (200, N_ITEMS))
    found = torch.stack([_gains(echo, batch.targets) for echo in echoes])
    stays = (found.diagonal(dim1=1, dim2=3) != 0).any(2).all(-1)  # (echo, stem): whether all items are where they were
    assert 0.4 < stays.double().mean() < 0.6
    assert 0.15 < stays[:, :2].all(1).double().mean() < 0.35


def test_mixtures_are_the_sum_of_what_is_in_them(batch: Batch) -> None:
    """Targets, and what is nobody's target, which stays in its place."""
    full = add_echoes(batch, 3)
    rest = batch.mixture - batch.targets.sum(1)
    torch.testing.assert_close(full.mixture - full.targets.sum(1), rest.repeat(4, 1, 1))


def test_the_seed_of_a_batch_tells_its_echoes(batch: Batch) -> None:
    """A run that is resumed makes the echoes that it would have made."""
    torch.manual_seed(7)
    one = add_echoes(batch, 1)
    torch.manual_seed(7)
    assert torch.equal(add_echoes(batch, 1).mixture, one.mixture)
    assert not torch.equal(add_echoes(batch, 1).mixture, one.mixture)


def test_no_number_below_zero() -> None:
    """One line that says what was expected."""
    with pytest.raises(ConfigError, match=r"data\.echoes: expected 0 or more, got -1"):
        DataConfig(echoes=-1)
