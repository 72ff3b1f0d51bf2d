"""Open-Unmix's Wiener filter: its formula bin by bin, windows, panned sources, silence, levels."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from auralflow.dsp.wiener_windows import EPS, _solve, wiener_windows


def _noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.complex128) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def _masks(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(9), dtype=torch.float64)


def _by_the_formula(estimates: Tensor, mixture: Tensor, n_iterations: int) -> Tensor:
    """One window, a bin at a time, with matrices and torch's own inverse."""
    n_stems, n_channels, n_freqs, n_frames = estimates.shape
    scale = max(1.0, float(mixture.abs().max()) / 10)
    x, y = mixture / scale, estimates / scale
    eye = torch.eye(n_channels, dtype=mixture.dtype)
    for _ in range(n_iterations):
        v = (y.abs() ** 2).mean(1)
        outer = torch.einsum("jaft,jbft->jfab", y, y.conj())
        r = outer / (EPS + v.sum(-1))[..., None, None]
        new = torch.empty_like(y)
        for f in range(n_freqs):
            for t in range(n_frames):
                c = EPS**0.5 * eye + sum(v[j, f, t] * r[j, f] for j in range(n_stems))
                for j in range(n_stems):
                    new[j, :, f, t] = v[j, f, t] * r[j, f] @ torch.linalg.inv(c) @ x[:, f, t]
        y = new
    return y * scale


@pytest.mark.parametrize("n_iterations", [1, 2])
@pytest.mark.parametrize("n_channels", [1, 2, 3])
@pytest.mark.parametrize("level", [0.01, 1.0, 300.0])
def test_is_the_formula_window_by_window(n_channels: int, n_iterations: int, level: float) -> None:
    mixture = level * _noise(n_channels, 3, 7)
    masks = _masks(4, n_channels, 3, 7)
    estimates = masks * mixture
    expected = [_by_the_formula(estimates[..., w], mixture[..., w], n_iterations) for w in (slice(0, 5), slice(5, 7))]
    filtered = wiener_windows(masks, mixture, n_iterations, window_frames=5)
    torch.testing.assert_close(filtered, torch.cat(expected, dim=-1), rtol=1e-9, atol=1e-12 * level)


def test_no_iterations_apply_the_masks() -> None:
    masks, mixture = _masks(3, 2, 3, 7), _noise(2, 3, 7)
    assert torch.equal(wiener_windows(masks, mixture, 0), masks * mixture)


def test_a_window_hears_no_other() -> None:
    mixture = _noise(2, 5, 25)
    changed = mixture.clone()
    changed[..., 10:20] *= 100
    masks = _masks(3, 2, 5, 25)
    before, after = (wiener_windows(masks, x, window_frames=10) for x in (mixture, changed))
    assert torch.equal(before[..., :10], after[..., :10])
    assert torch.equal(before[..., 20:], after[..., 20:])
    whole = [wiener_windows(masks, x, window_frames=0) for x in (mixture, changed)]
    assert (whole[0] - whole[1])[..., :10].abs().max() > 1e-3


def test_items_are_filtered_each_by_itself() -> None:
    mixture = _noise(2, 2, 5, 25) * torch.tensor([1.0, 500.0]).reshape(2, 1, 1, 1)
    masks = _masks(2, 3, 2, 5, 25)
    both = wiener_windows(masks, mixture, window_frames=10)
    alone = [wiener_windows(m, x, window_frames=10) for m, x in zip(masks, mixture, strict=True)]
    torch.testing.assert_close(both, torch.stack(alone), rtol=1e-12, atol=0)


def test_stems_sum_to_a_loud_mixture() -> None:
    mixture = 100 * _noise(2, 5, 25)
    total = wiener_windows(_masks(3, 2, 5, 25), mixture).sum(0)
    assert 0 < (total - mixture).norm() < 1e-4 * mixture.norm()


def test_faint_music_fades_out() -> None:
    """Where all stems are far below sqrt(eps), the loading takes their part."""
    mixture = 1e-4 * _noise(2, 5, 25)
    filtered = wiener_windows(0.5 * _masks(2, 2, 5, 25), mixture)
    assert filtered.norm() < 0.01 * mixture.norm()


def test_sources_at_two_places_are_told_apart() -> None:
    """Each stem's first estimate leaks; what they have learnt of places over the frames leaves little of the leak."""
    left, right = (_noise(1, 4, 200, seed=seed) for seed in (1, 2))
    places = torch.tensor([[1.0, 0.2], [0.1, 1.0]], dtype=torch.complex128)
    stems = torch.stack([places[0][:, None, None] * left, places[1][:, None, None] * right])
    # Louder in turn, so that powers tell who plays.
    stems = stems * torch.stack([torch.arange(200) % 2, 1 - torch.arange(200) % 2])[:, None, None, :].add(0.05)
    mixture = stems.sum(0)
    leaky = stems + 0.3 * stems.flip(0)
    errors = [
        (estimate - stems).norm() / stems.norm() for estimate in (leaky, wiener_windows(leaky / mixture, mixture))
    ]
    assert errors[1] < 0.7 * errors[0]


def test_hard_panned_stems_get_their_channel() -> None:
    mixture = _noise(2, 5, 25)
    masks = torch.eye(2)[:, :, None, None].expand(2, 2, 5, 25)
    torch.testing.assert_close(wiener_windows(masks, mixture), masks * mixture, rtol=0, atol=1e-2)


def test_levels_of_loud_windows_do_not_matter() -> None:
    mixture = 50 * _noise(2, 5, 25)
    masks = _masks(3, 2, 5, 25)
    one, eight = (wiener_windows(masks, gain * mixture) for gain in (1, 8))
    torch.testing.assert_close(8 * one, eight, rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_silence_stays_silent(dtype: torch.dtype) -> None:
    mixture = _noise(2, 5, 25, dtype=dtype)
    mixture[..., 10:20] = 0
    mixture[1] = 0
    masks = _masks(3, 2, 5, 25).to(mixture.real.dtype)
    filtered = wiener_windows(masks, mixture, window_frames=10)
    assert filtered.dtype == dtype
    assert filtered.isfinite().all()
    assert (filtered[..., 10:20] == 0).all()
    assert (filtered[:, 1] == 0).all()
    assert (filtered[:, 0, :, :10] != 0).all()


def test_bins_are_filtered_alike_however_many_there_are() -> None:
    """More than the CPU takes at once."""
    mixture, masks = _noise(2, 300, 11), _masks(3, 2, 300, 11)
    whole = wiener_windows(masks, mixture, window_frames=4)
    some = list(range(100, 300, 7))
    torch.testing.assert_close(wiener_windows(masks[:, :, some], mixture[:, some], window_frames=4), whole[:, :, some])


def test_single_precision_is_enough_for_two_equal_channels() -> None:
    """What devices without double precision compute: a pivot that rounding would make zero or less is caught."""
    one = 10 * _noise(1, 50, dtype=torch.complex64)
    matrix = [[(1 + EPS**0.5 * (a == b)) * one.abs().square() + 0j for b in range(2)] for a in range(2)]
    solved = _solve(matrix, [one, one])
    expected = one / (2 * one.abs().square())
    torch.testing.assert_close(solved[0] + solved[1], 2 * expected, rtol=1e-3, atol=0)
