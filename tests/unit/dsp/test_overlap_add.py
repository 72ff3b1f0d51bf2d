"""Windows sum to one and equal pieces give back their input."""

from __future__ import annotations

import pytest
import torch

from auralflow.dsp.overlap_add import OverlapAdd, trapezoid, triangle


@pytest.mark.parametrize(("context", "ramp"), [(0, 0), (0, 7), (5, 8), (5, 0), (10, 1)])
def test_neighbouring_windows_sum_to_one(context: int, ramp: int) -> None:
    n_samples, shared = 64, 2 * context + ramp
    left, right = trapezoid(n_samples, context, ramp), trapezoid(n_samples, context, ramp)
    overlap = left[n_samples - shared :] + right[:shared]
    assert torch.allclose(overlap, torch.ones(shared), atol=1e-7)
    assert (left[shared : n_samples - shared] == 1).all()


def test_context_weighs_nothing_except_at_the_ends_of_the_track() -> None:
    window = trapezoid(32, 4, 6)
    assert (window[:4] == 0).all()
    assert (window[-4:] == 0).all()
    assert trapezoid(32, 4, 6, is_first=True)[0] == 1
    assert trapezoid(32, 4, 6, is_last=True)[-1] == 1


@pytest.mark.parametrize("hop", [9, 16, 25, 32])
@pytest.mark.parametrize("context", [0, 3])
def test_equal_pieces_give_back_their_input(hop: int, context: int) -> None:
    n_segment, total = 40, 40 + 6 * hop
    signal = torch.randn(2, total, generator=torch.Generator().manual_seed(0))
    adder, got = OverlapAdd(), []
    context = min(context, (n_segment - hop) // 2)
    ramp = min(n_segment - hop - 2 * context, n_segment // 2 - context)
    for start in range(0, total - n_segment + 1, hop):
        got.append(adder.take(start))
        window = trapezoid(n_segment, context, ramp, is_first=start == 0, is_last=start + n_segment == total)
        adder.add(signal[:, start : start + n_segment], window, start)
    got.append(adder.take(total))
    result = torch.cat([g for g in got if g.numel()], dim=-1)
    assert result.shape == signal.shape
    assert torch.allclose(result, signal, atol=1e-6)


@pytest.mark.parametrize("n_samples", [1, 2, 7, 8])
def test_the_triangle_is_that_of_demucs(n_samples: int) -> None:
    """`apply_model` of demucs: 1, 2, ... to the middle and as many down, divided by the greatest."""
    weights = [*range(1, n_samples // 2 + 1), *range(n_samples - n_samples // 2, 0, -1)]
    expected = torch.tensor(weights, dtype=torch.float64) / max(weights)
    torch.testing.assert_close(triangle(n_samples), expected.float())


def test_a_wrong_context_sample_never_gets_through() -> None:
    """A model that fails in its context must not be heard, nor may the blend reach into it."""
    adder = OverlapAdd()
    first, second = torch.ones(1, 20), torch.ones(1, 20)
    first[:, -3:] = 99.0
    second[:, :3] = 99.0
    adder.add(first, trapezoid(20, 3, 2, is_first=True), 0)
    adder.add(second, trapezoid(20, 3, 2, is_last=True), 12)
    assert torch.allclose(adder.take(32), torch.ones(1, 32), atol=1e-6)


def test_memory_is_that_of_one_piece() -> None:
    adder = OverlapAdd()
    for start in range(0, 100_000, 50):
        adder.take(start)
        adder.add(torch.ones(1, 100), trapezoid(100, 0, 50, is_first=start == 0), start)
        assert adder._mean.untyped_storage().nbytes() <= 150 * 4
