"""The Fourier transform in real numbers is the complex one, for every length."""

from __future__ import annotations

import pytest
import torch

from auralflow.dsp.real_dft import inverse_real_dft, real_dft
from auralflow.dsp.stft import STFTConfig, istft, stft

# Primes, squares, powers of two, the frames of public models, and odd lengths with odd and even factors.
LENGTHS = [1, 2, 3, 7, 12, 15, 16, 30, 64, 100, 256, 441, 2048, 4096, 6144, 7680]


def _noise(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


@pytest.mark.parametrize("n_taps", LENGTHS)
def test_it_is_the_transform_of_torch(n_taps: int) -> None:
    frames = _noise(2, 3, n_taps)
    real, imag = real_dft(frames)
    torch.testing.assert_close(torch.complex(real, imag), torch.fft.rfft(frames), rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("n_taps", LENGTHS)
def test_its_inverse_is_that_of_torch(n_taps: int) -> None:
    """Of any spectrum, also one that is no real signal's: bins that have no mirror image count as real."""
    real, imag = _noise(2, n_taps // 2 + 1), _noise(2, n_taps // 2 + 1).flip(-1)
    got = inverse_real_dft(real, imag, n_taps)
    torch.testing.assert_close(got, torch.fft.irfft(torch.complex(real, imag), n=n_taps), rtol=1e-10, atol=1e-12)


def test_a_tone_on_a_bin_lands_there_and_nowhere_else() -> None:
    n_taps, bin_ = 6144, 437
    phase = 2 * torch.pi * bin_ * torch.arange(n_taps, dtype=torch.float64) / n_taps
    real, imag = real_dft((phase + 0.3).cos())
    size = torch.hypot(real, imag)
    assert size[bin_] == pytest.approx(n_taps / 2)
    assert torch.atan2(imag[bin_], real[bin_]) == pytest.approx(0.3)
    size[bin_] = 0
    assert size.max() < 1e-8


@pytest.mark.parametrize("edges", ["zero", "reflect"])
def test_in_single_precision_a_stft_of_tones_agrees_to_rounding(edges: str) -> None:
    config = STFTConfig(4096, 1024, edges=edges)  # type: ignore[arg-type]
    time = torch.arange(20000) / 44100
    tones = sum((2 * torch.pi * f * time).sin() for f in (55.0, 441.3, 9000.0)) / 3
    spectrogram = stft(tones, config)
    frames = torch.fft.irfft(spectrogram.mT, n=config.n_fft)  # windowed frames
    real, imag = real_dft(frames)
    largest = spectrogram.abs().max()
    assert (torch.complex(real, imag).mT - spectrogram).abs().max() / largest < 1e-6
    back = inverse_real_dft(real, imag, config.n_fft)
    assert (back - frames).abs().max() < 1e-6
    assert (istft(torch.complex(real, imag).mT, config, len(tones)) - tones).abs().max() < 1e-5


def test_gradients_flow() -> None:
    frames = _noise(2, 30).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: inverse_real_dft(*real_dft(x), 30), frames)
