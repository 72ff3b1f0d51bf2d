"""Attention in pieces is attention."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from auralflow.models.blocks.attend import attend


def _draw(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def _by_definition(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    weights = (query.double() @ key.double().transpose(-1, -2) / query.shape[-1] ** 0.5).softmax(-1)
    return weights @ value.double()


# The last two are more than fits at once: many heads, and rows of one head.
@pytest.mark.parametrize(("batch", "n_places", "n_others"), [(1, 5, 7), (2, 1, 1), (400, 40, 40), (1, 700, 1700)])
@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-6), (torch.bfloat16, 2**-7)])
def test_it_is_what_its_definition_says(
    batch: int, n_places: int, n_others: int, dtype: torch.dtype, error: float
) -> None:
    query, key, value = (_draw(batch, 3, n, 16).to(dtype) for n in (n_places, n_others, n_others))
    with torch.inference_mode():
        heard = attend(query, key, value)
    assert heard.dtype == dtype
    assert heard.shape == query.shape
    assert float((heard - _by_definition(query, key, value)).abs().max() / value.abs().max()) < error


def test_half_precision_learns_as_single_does() -> None:
    query, key, value = (_draw(1, 2, 6, 8).requires_grad_() for _ in range(3))
    expected = torch.autograd.grad(attend(query, key, value).square().sum(), (query, key, value))
    halves = [part.detach().bfloat16().requires_grad_() for part in (query, key, value)]
    got = torch.autograd.grad(attend(*halves).square().sum(), halves)
    for one, other in zip(expected, got, strict=True):
        torch.testing.assert_close(other.float(), one, rtol=0.05, atol=0.05)
