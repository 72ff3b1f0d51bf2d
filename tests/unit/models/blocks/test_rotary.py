"""Rotary embedding: angles in closed form, and the laws of a rotation."""

from __future__ import annotations

import math

import pytest
import torch

from auralflow.models.blocks.rotary import RotaryEmbedding, rotate


def _turned(features: torch.Tensor) -> torch.Tensor:
    return rotate(features, RotaryEmbedding(features.shape[-1]).double()(features.shape[-2]))


def _noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_angles_are_those_of_the_paper() -> None:
    features = torch.zeros(7, 6, dtype=torch.float64)
    features[:, 0::2] = 1
    turned = _turned(features)
    for place in range(7):
        for pair in range(3):
            angle = place * 10000 ** (-2 * pair / 6)
            assert turned[place, 2 * pair].item() == pytest.approx(math.cos(angle), abs=1e-6)
            assert turned[place, 2 * pair + 1].item() == pytest.approx(math.sin(angle), abs=1e-6)


def test_products_know_the_distance_and_nothing_else() -> None:
    """One query and one key, at all places: the products lie on the diagonals of a Toeplitz matrix."""
    query, key = (_turned(_noise(1, 8, seed=seed).expand(20, 8)) for seed in (0, 1))
    products = query @ key.T
    for distance in range(-19, 20):
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), rtol=0, atol=1e-6)
    assert products[0].std() > 0.1


def test_lengths_stay_and_place_zero_does_not_turn() -> None:
    features = _noise(2, 9, 4)
    turned = _turned(features)
    torch.testing.assert_close(turned.norm(dim=-1), features.norm(dim=-1))
    assert torch.equal(turned[:, 0], features[:, 0])


def test_gives_what_it_takes_in_half_precision() -> None:
    features = _noise(3, 4).to(torch.bfloat16)
    turned = rotate(features, RotaryEmbedding(4)(3))
    assert turned.dtype == torch.bfloat16
    torch.testing.assert_close(turned.double(), _turned(features.double()), rtol=0, atol=0.02)


def test_follows_its_state() -> None:
    rotary = RotaryEmbedding(4)
    before = rotary(5)
    rotary.load_state_dict({"freqs": torch.tensor([1.0, 0.5])})
    torch.testing.assert_close(rotary(5)[0][2], torch.tensor([math.cos(2), math.cos(1)]))
    assert not torch.equal(rotary(5)[1], before[1])


def test_what_was_computed_for_inference_does_not_stand_in_the_way_of_training() -> None:
    rotary = RotaryEmbedding(4)
    with torch.inference_mode():
        rotary(5)
    features = torch.ones(5, 4, requires_grad=True)
    rotate(features, rotary(5)).sum().backward()
    assert features.grad is not None
