"""BSS Eval: laws of its four ratios, its windows and its silence rule."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from auralflow.dsp.bss_eval import bss_eval, windowed_sdr
from auralflow.dsp.bss_eval.filters import correlate, solve
from auralflow.errors import AudioError

N = 1200


def _noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _score(
    estimates: torch.Tensor, targets: torch.Tensor, *, window: int = N, hop: int = N, is_framewise: bool = False
) -> dict[str, torch.Tensor]:
    return bss_eval(estimates, targets, window_samples=window, hop_samples=hop, n_taps=16, is_framewise=is_framewise)


@pytest.mark.parametrize("n_samples", [5, 130, 3000])
def test_correlations_are_numpys_over_block_edges(n_samples: int) -> None:
    first, second = _noise(2, n_samples), _noise(3, n_samples, seed=1)
    found = correlate(first, second, n_lags=8)
    for i in range(2):
        for j in range(3):
            full = np.correlate(second[j].numpy(), first[i].numpy(), "full")[n_samples - 1 :][:8]
            expected = np.pad(full, (0, 8 - len(full)))
            np.testing.assert_allclose(found[i, j].numpy(), expected, atol=1e-10)


def test_known_filters_are_found_again() -> None:
    sources, taps = _noise(2, 500), _noise(2, 4, seed=1)
    signal = sum(torch.from_numpy(np.convolve(sources[i].numpy(), taps[i].numpy())) for i in range(2))
    padded = torch.nn.functional.pad(sources, (0, 3))
    assert isinstance(signal, torch.Tensor)
    own, cross = correlate(padded, padded, n_lags=4), correlate(padded, signal.unsqueeze(0), n_lags=4)
    found = solve(own[None], cross[None])
    torch.testing.assert_close(found[0].squeeze(-1), taps)


def test_dependent_channels_do_not_break_the_filters() -> None:
    sources = _noise(1, 600).expand(2, -1)
    own, cross = correlate(sources, sources, n_lags=4), correlate(sources, 3 * sources[:1], n_lags=4)
    found = solve(own[None], cross[None])[0].sum(0).squeeze(-1)
    torch.testing.assert_close(found, torch.tensor([3.0, 0, 0, 0]).double(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("is_framewise", [False, True])
def test_a_perfect_estimate(is_framewise: bool) -> None:
    targets = _noise(2, 2, 2 * N)
    scores = _score(targets, targets, is_framewise=is_framewise)
    assert (scores["sdr"] == math.inf).all()
    assert all((scores[name] > 200).all() for name in ("isr", "sir", "sar"))


def test_a_gain_is_a_filtering_error_alone() -> None:
    targets = _noise(2, 2, 2 * N)
    scores = _score(0.9 * targets, targets)
    torch.testing.assert_close(scores["sdr"], torch.full((2, 2), 20.0).double())
    torch.testing.assert_close(scores["isr"], torch.full((2, 2), 20.0).double())
    assert (scores["sir"] > 200).all()
    assert (scores["sar"] > 200).all()


def test_interference_lowers_sir_and_leaves_isr_and_sar() -> None:
    """White stems that do not correlate: a leak of -20 dB is an SIR near 20 dB."""
    targets = _noise(2, 1, 20 * N)
    scores = _score(targets + 0.1 * targets.flip(0), targets, window=20 * N)
    assert ((scores["sir"] - 20).abs() < 0.5).all()
    assert (scores["isr"] > 40).all()
    assert (scores["sar"] > 200).all()


def test_noise_of_no_stem_is_an_artefact() -> None:
    targets = _noise(2, 1, 20 * N)
    scores = _score(targets + 0.1 * _noise(2, 1, 20 * N, seed=1), targets, window=20 * N)
    assert ((scores["sar"] - 20).abs() < 0.5).all()
    assert (scores["sir"] > 40).all()


def test_swapped_channels_everywhere_change_nothing_and_in_the_estimate_isr() -> None:
    targets = _noise(2, 2, N)
    estimates = targets + 0.2 * _noise(2, 2, N, seed=1)
    right, both, one = (
        _score(e, t)
        for e, t in ((estimates, targets), (estimates.flip(1), targets.flip(1)), (estimates.flip(1), targets))
    )
    for name in right:
        torch.testing.assert_close(both[name], right[name])
    assert (one["isr"] < right["isr"] - 10).all()
    torch.testing.assert_close(one["sar"], right["sar"])


def test_windows_are_whole_and_a_short_signal_is_one() -> None:
    targets = _noise(2, 1, 1000)
    estimates = targets + 0.1 * targets.flip(-1)
    for n_samples, window, hop, n_frames in (
        (1000, 300, 300, 3),
        (1000, 300, 100, 8),
        (1000, 250, 250, 4),
        (200, 300, 9, 1),
    ):
        e, t = estimates[..., :n_samples], targets[..., :n_samples]
        sdr = windowed_sdr(e, t, window_samples=window, hop_samples=hop)
        assert sdr.shape == (2, n_frames)
        for frame in range(n_frames):
            part = slice(frame * hop, min(frame * hop + window, n_samples))
            expected = 10 * (t[..., part].square().sum((1, 2)) / (t - e)[..., part].square().sum((1, 2))).log10()
            torch.testing.assert_close(sdr[:, frame], expected)


@pytest.mark.parametrize("is_framewise", [False, True])
def test_silence_in_any_signal_is_nan_for_all_stems(is_framewise: bool) -> None:
    targets, estimates = _noise(3, 2, 4 * N), _noise(3, 2, 4 * N, seed=1)
    targets[1, :, N : 2 * N] = 0
    estimates[0, :, 3 * N :] = 0
    targets[2, :, : N - 1] = 0  # a single sample sounds
    for values in _score(estimates, targets, is_framewise=is_framewise).values():
        assert values.isnan().tolist() == [[False, True, False, True]] * 3


def test_opposite_channels_count_as_silence() -> None:
    targets = _noise(1, 2, 2 * N)
    targets[0, 1, :N] = -targets[0, 0, :N]
    sdr = windowed_sdr(targets * 0.5, targets, window_samples=N, hop_samples=N)
    assert sdr.isnan().tolist() == [[True, False]]


@pytest.mark.parametrize("kind", ["target", "estimate"])
def test_a_wholly_silent_stem_is_refused(kind: str) -> None:
    targets, estimates = _noise(2, 1, N), _noise(2, 1, N, seed=1)
    (targets if kind == "target" else estimates)[1] = 0
    with pytest.raises(AudioError, match=f"the {kind} of stem 1 is silent"):
        _score(estimates, targets)


def test_a_nan_estimate_spoils_its_own_stem_only() -> None:
    targets, estimates = _noise(2, 1, N), _noise(2, 1, N, seed=1)
    estimates[0, 0, 5] = torch.nan
    for values in _score(estimates, targets).values():
        assert values.isnan().tolist() == [[True], [False]]
