"""Phase choices: Griffin-Lim against its own promise, the Wiener filter against laws and point sources."""

from __future__ import annotations

import math

import pytest
import torch

from auralflow.dsp.phase import PhaseConfig, fast_griffin_lim, spectral_convergence, wiener_em, with_phase_of
from auralflow.dsp.ratios import sdr
from auralflow.dsp.stft import STFTConfig, istft, stft
from auralflow.errors import ConfigError

CONFIG = STFTConfig(n_fft=256, hop_samples=64)
N_SAMPLES = 8000


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _harmonic(f0_hz: float, seed: int) -> torch.Tensor:
    """A vibrating harmonic tone at 8 kHz, amplitude changing note by note."""
    time = torch.arange(N_SAMPLES, dtype=torch.float64) / 8000
    phase = 2 * math.pi * f0_hz * (time + 0.002 * torch.sin(2 * math.pi * 5 * time))
    tone = sum(torch.sin(k * phase) / k for k in range(1, 9))
    notes = torch.rand(8, generator=_generator(seed), dtype=torch.float64).repeat_interleave(N_SAMPLES // 8)
    return tone * notes


def _inconsistency(spectrogram: torch.Tensor, magnitude: torch.Tensor) -> torch.Tensor:
    return spectral_convergence(stft(istft(spectrogram, CONFIG, N_SAMPLES), CONFIG), magnitude)


def test_with_phase_of_takes_one_of_each() -> None:
    generator = _generator(0)
    spectrogram = torch.randn(5, 6, generator=generator, dtype=torch.complex128)
    magnitude = torch.rand(5, 6, generator=generator, dtype=torch.float64)
    spectrogram[0, 0] = 0
    result = with_phase_of(magnitude, spectrogram)
    torch.testing.assert_close(result.abs(), magnitude)
    torch.testing.assert_close(result.angle(), spectrogram.angle())


def test_spectral_convergence_of_a_scaled_spectrogram() -> None:
    spectrogram = torch.randn(3, 5, 6, generator=_generator(1), dtype=torch.complex128)
    ratio = spectral_convergence(0.75 * spectrogram, spectrogram.abs())
    torch.testing.assert_close(ratio, torch.full((3,), 0.25, dtype=torch.float64))


@pytest.mark.parametrize("momentum", [0.0, 0.99])
def test_griffin_lim_leaves_a_consistent_spectrogram_alone(momentum: float) -> None:
    spectrogram = stft(_harmonic(220, 1), CONFIG)
    result = fast_griffin_lim(spectrogram.abs(), spectrogram, CONFIG, N_SAMPLES, 5, momentum)
    torch.testing.assert_close(result, spectrogram, rtol=0, atol=1e-9)


def test_griffin_lim_improves_on_the_mixture_phase() -> None:
    target, other = _harmonic(220, 2), _harmonic(330, 3)
    magnitude, mixture = stft(target, CONFIG).abs(), stft(target + other, CONFIG)
    before = _inconsistency(with_phase_of(magnitude, mixture), magnitude)
    plain = fast_griffin_lim(magnitude, mixture, CONFIG, N_SAMPLES, 30, 0.0)
    fast = fast_griffin_lim(magnitude, mixture, CONFIG, N_SAMPLES, 30, 0.99)
    for result in (plain, fast):
        torch.testing.assert_close(result.abs(), magnitude)
    assert _inconsistency(plain, magnitude) < 0.6 * before
    assert _inconsistency(fast, magnitude) < _inconsistency(plain, magnitude)


@pytest.mark.parametrize("momentum", [1.0, 5.0])
@pytest.mark.parametrize("n_iterations", [0, 1, 3, 7])
def test_griffin_lim_is_never_worse_than_its_start(n_iterations: int, momentum: float) -> None:
    """A momentum of 5 overshoots so far that the last round is worse for some of the items."""
    generator = _generator(4)
    initial = torch.randn(6, CONFIG.n_freqs, CONFIG.n_frames(N_SAMPLES), generator=generator, dtype=torch.complex128)
    magnitude = torch.rand(initial.shape, generator=generator, dtype=torch.float64)
    magnitude[3:] = stft(_harmonic(220, 5), CONFIG).abs()
    initial[5] = stft(_harmonic(220, 5) + 0.01 * torch.randn(N_SAMPLES, generator=generator).double(), CONFIG)
    before = _inconsistency(with_phase_of(magnitude, initial), magnitude)
    result = fast_griffin_lim(magnitude, initial, CONFIG, N_SAMPLES, n_iterations, momentum)
    after = _inconsistency(result, magnitude)
    assert (after <= before + 1e-12).all()


def test_griffin_lim_of_silence_is_silence() -> None:
    nothing = torch.zeros(2, CONFIG.n_freqs, CONFIG.n_frames(100))
    assert (fast_griffin_lim(nothing, nothing.to(torch.complex64), CONFIG, 100, 3) == 0).all()


def _scene(n_channels: int, dtype: torch.dtype = torch.complex128) -> tuple[torch.Tensor, torch.Tensor]:
    """Random masked estimates `[stem channel freq frame]` and the mixture."""
    generator = _generator(n_channels)
    stems = torch.randn(3, n_channels, 20, 30, generator=generator, dtype=dtype)
    masks = torch.rand(3, n_channels, 20, 30, generator=generator, dtype=stems.real.dtype)
    return masks * stems.sum(0), stems.sum(0)


@pytest.mark.parametrize("n_channels", [1, 2, 3, 5])
@pytest.mark.parametrize("n_iterations", [1, 2, 4])
def test_wiener_stems_sum_to_the_mixture(n_channels: int, n_iterations: int) -> None:
    estimates, mixture = _scene(n_channels)
    torch.testing.assert_close(wiener_em(estimates, mixture, n_iterations).sum(0), mixture, rtol=0, atol=1e-6)


def test_wiener_in_single_precision() -> None:
    estimates, mixture = _scene(2, torch.complex64)
    result = wiener_em(estimates, mixture, 2)
    assert result.dtype == torch.complex64
    torch.testing.assert_close(result.sum(0), mixture, rtol=0, atol=1e-5)
    double = wiener_em(estimates.to(torch.complex128), mixture.to(torch.complex128), 2)
    torch.testing.assert_close(result, double.to(torch.complex64), rtol=0, atol=1e-5)


def test_wiener_without_iterations_returns_the_estimates() -> None:
    estimates, mixture = _scene(2)
    assert wiener_em(estimates, mixture, 0) is estimates


def test_wiener_of_one_channel_is_the_ratio_of_powers() -> None:
    estimates, mixture = _scene(1)
    power = estimates.abs().square()
    torch.testing.assert_close(wiener_em(estimates, mixture, 1), power / power.sum(0) * mixture, rtol=1e-6, atol=1e-6)


def test_wiener_is_the_textbook_formula() -> None:
    """One bin, two channels, worked out with dense matrices."""
    estimates, mixture = _scene(2)
    result = wiener_em(estimates, mixture, 2)[:, :, 7]
    y, x = estimates[:, :, 7], mixture[:, 7]
    for is_last in (False, True):
        if not is_last:
            power = y.abs().square().mean(1)
            spatial = torch.einsum("jat,jbt->jab", y, y.conj()) / power.sum(-1)[:, None, None]
        covariance = torch.einsum("jt,jab->jtab", power + 0j, spatial)
        gain = covariance @ torch.linalg.inv(covariance.sum(0))
        y = torch.einsum("jtab,bt->jat", gain, x)
        posterior = torch.einsum("jat,jbt->jtab", y, y.conj()) + (torch.eye(2) - gain) @ covariance
        power = posterior.diagonal(dim1=-2, dim2=-1).real.mean(-1)
        spatial = posterior.sum(1) / power.sum(-1)[:, None, None]
    torch.testing.assert_close(result, y, rtol=0, atol=1e-5)


@pytest.mark.parametrize("n_iterations", [1, 3])
def test_wiener_does_not_care_about_order_level_or_rotation(n_iterations: int) -> None:
    estimates, mixture = _scene(2)
    result = wiener_em(estimates, mixture, n_iterations)
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(wiener_em(estimates[order], mixture, n_iterations), result[order])
    torch.testing.assert_close(wiener_em(1e-4 * estimates, 1e-4 * mixture, n_iterations), 1e-4 * result)
    unitary = torch.linalg.qr(torch.randn(2, 2, generator=_generator(9), dtype=torch.complex128))[0]
    turned = wiener_em(
        torch.einsum("ab,jbft->jaft", unitary, estimates), torch.einsum("ab,bft->aft", unitary, mixture), n_iterations
    )
    torch.testing.assert_close(turned, torch.einsum("ab,jbft->jaft", unitary, result))


def test_wiener_treats_items_alone() -> None:
    loud, quiet = _scene(2), tuple(1e-3 * part.flip(-1) for part in _scene(2))
    together = wiener_em(torch.stack([loud[0], quiet[0]]), torch.stack([loud[1], quiet[1]]), 2)
    torch.testing.assert_close(together[0], wiener_em(*loud, 2))
    torch.testing.assert_close(together[1], wiener_em(*quiet, 2))


def _panned_scene() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two tones that share many bins, at 20 and 70 degrees of pan: waveforms, their STFT and the mixture's."""
    angles = torch.tensor([20.0, 70.0], dtype=torch.float64).deg2rad()
    pans = torch.stack([angles.cos(), angles.sin()], dim=1)
    stems = torch.stack([_harmonic(200, 6), _harmonic(203, 7)]).unsqueeze(1) * pans.unsqueeze(2)
    return stems, stft(stems, CONFIG), stft(stems.sum(0), CONFIG)


def test_wiener_with_the_true_magnitudes_beats_masks_on_point_sources() -> None:
    """Where both sources sound at once a mask per channel must err; directions still tell them apart."""
    stems, spectrograms, mixture = _panned_scene()
    power = spectrograms.abs().square()
    masks = power / power.sum(0).clamp(min=1e-12)
    masked = sdr(istft(masks * mixture, CONFIG, N_SAMPLES), stems)
    exact = sdr(istft(wiener_em(spectrograms, mixture, 1), CONFIG, N_SAMPLES), stems)
    assert (exact > masked + 20).all()
    fitted = sdr(istft(wiener_em(masks * mixture, mixture, 10), CONFIG, N_SAMPLES), stems)
    assert (fitted > masked + 3).all()


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_wiener_is_safe_on_silence_and_on_channels_that_are_equal(dtype: torch.dtype) -> None:
    estimates, mixture = _scene(2, dtype)
    nothing = torch.zeros_like(mixture)
    assert (wiener_em(0 * estimates, nothing, 3) == 0).all()
    shared = wiener_em(0 * estimates, mixture, 3)
    torch.testing.assert_close(shared, (mixture / 3).expand_as(shared))
    same = mixture[:1].expand(2, -1, -1)
    mono = wiener_em(estimates[:, :1].expand(-1, 2, -1, -1), same, 3)
    assert torch.isfinite(torch.view_as_real(mono)).all()
    torch.testing.assert_close(mono[:, 0], mono[:, 1], rtol=0, atol=1e-6)
    torch.testing.assert_close(mono.sum(0), same, rtol=0, atol=1e-5)
    estimates[1] = 0
    result = wiener_em(estimates, mixture, 3)
    torch.testing.assert_close(result.sum(0), mixture, rtol=0, atol=1e-5)
    assert result[1].abs().max() < 1e-3


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"method": "linear"}, "phase.method"),
        ({"n_griffin_lim_iterations": -1}, "phase.n_griffin_lim_iterations"),
        ({"n_wiener_iterations": -1}, "phase.n_wiener_iterations"),
        ({"griffin_lim_momentum": 1.5}, "phase.griffin_lim_momentum"),
    ],
)
def test_rejects_bad_settings(values: dict[str, object], key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users run without its type checks
    with pytest.raises(ConfigError, match=key):
        PhaseConfig(**values)
