"""Operations on long signals whose bits do not depend on the number of threads.

MKL splits a single transform of some thousand samples between threads, and its sums come out rounded otherwise; several
transforms it deals out whole. A product of complex numbers is rounded once less in vector instructions than in what is
left over at the end of a thread's share. What must come out the same in a loader's worker (one thread) as in the
training process (many) goes through here.
"""

from __future__ import annotations

import torch
from jaxtyping import Complex, Float
from torch import Tensor


def rfft(signal: Float[Tensor, "*axes time"], n_fft: int) -> Complex[Tensor, "*axes freq"]:
    """Spectrum of each signal, padded with zeros or cut to `n_fft`.

    A signal alone is transformed twice, side by side.

    Shape:
        `[*axes, time]` to `[*axes, n_fft / 2 + 1]`.

    Example:
        >>> rfft(torch.ones(3), 4).abs()
        tensor([3., 1., 1.])
    """
    spectra: Tensor = torch.fft.rfft(_never_alone(signal), n_fft)
    return spectra[0] if _is_alone(signal) else spectra


def irfft(spectrum: Complex[Tensor, "*axes freq"], n_fft: int) -> Float[Tensor, "*axes time"]:
    """The signals of `n_fft` samples that have these spectra.

    Shape:
        `[*axes, n_fft / 2 + 1]` to `[*axes, n_fft]`.

    Example:
        >>> irfft(rfft(torch.ones(3), 4), 4)
        tensor([1., 1., 1., 0.])
    """
    signals: Tensor = torch.fft.irfft(_never_alone(spectrum), n_fft)
    return signals[0] if _is_alone(spectrum) else signals


def multiply(a: Complex[Tensor, "*#axes"], b: Complex[Tensor, "*#axes"]) -> Complex[Tensor, "*#axes"]:
    """The product of complex numbers, from real products that are each rounded alike everywhere.

    Shape:
        Axes of 1 are repeated, as in `a * b`.

    Example:
        >>> multiply(torch.tensor([1 + 2j]), torch.tensor([3 - 1j]))
        tensor([5.+5.j])
    """
    return torch.complex(a.real * b.real - a.imag * b.imag, a.real * b.imag + a.imag * b.real)


def _never_alone(rows: Tensor) -> Tensor:
    return torch.stack([rows, rows]) if _is_alone(rows) else rows


def _is_alone(rows: Tensor) -> bool:
    return rows.shape[:-1].numel() == 1
