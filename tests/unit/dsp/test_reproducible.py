"""Transforms and products: torch's own, to the last bit whatever the number of threads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from auralflow.dsp.reproducible import irfft, multiply, rfft

LENGTHS = [16384, 49152, 393216]


@pytest.fixture(autouse=True)
def _restore_threads() -> Iterator[None]:
    n_threads = torch.get_num_threads()
    yield
    torch.set_num_threads(n_threads)


def _noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", [(7,), (1, 7), (1, 1, 7), (2, 7), (3, 1, 7)])
@pytest.mark.parametrize("n_fft", [4, 7, 12])
def test_is_the_transform(shape: tuple[int, ...], n_fft: int) -> None:
    signal = _noise(*shape)
    spectra = rfft(signal, n_fft)
    torch.testing.assert_close(spectra, torch.fft.rfft(signal, n_fft))
    torch.testing.assert_close(irfft(spectra, n_fft), torch.fft.irfft(spectra, n_fft))


@pytest.mark.parametrize("n_fft", LENGTHS)
@pytest.mark.parametrize("shape", [(), (1,), (2,), (3, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_threads_change_no_bit(n_fft: int, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    signal = _noise(*shape, n_fft).to(dtype)
    torch.set_num_threads(1)
    spectra = rfft(signal, n_fft)
    signals = irfft(spectra, n_fft)
    for n_threads in (2, 5):
        torch.set_num_threads(n_threads)
        assert torch.equal(rfft(signal, n_fft), spectra)
        assert torch.equal(irfft(spectra, n_fft), signals)


@pytest.mark.parametrize("n_samples", [33003, 99999, 300003])
def test_products(n_samples: int) -> None:
    a, b = (torch.complex(*_noise(2, 2, n_samples)[part]) for part in (0, 1))
    torch.set_num_threads(1)
    product = multiply(a, b)
    torch.testing.assert_close(product, a * b)
    for n_threads in (2, 3, 5):
        torch.set_num_threads(n_threads)
        assert torch.equal(multiply(a, b), product)


def test_products_of_other_shapes() -> None:
    a, b = torch.complex(_noise(3, 1, 4), _noise(3, 1, 4)), torch.complex(_noise(2, 1), _noise(2, 1))
    torch.testing.assert_close(multiply(a, b), a * b)
