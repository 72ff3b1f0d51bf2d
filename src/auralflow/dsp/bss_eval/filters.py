"""Least-squares filters from true images to estimates.

Their normal equations hold correlations only: a block of Toeplitz matrices of those between images, one side for each
channel of each estimate. They are summed over blocks of the signals by FFT, so that the memory does not grow with their
length, and one factorisation serves all estimates.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def correlate(
    sources: Float[Tensor, "source time"], signals: Float[Tensor, "signal time"], n_lags: int
) -> Float[Tensor, "source signal lag"]:
    """`r[i, j, k] = sum_t x_i[t] y_j[t + k]` for lags from 0, with silence around both; float64.

    Example:
        >>> correlate(torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[3.0, 4.0, 5.0]]), n_lags=2).round().tolist()
        [[[3.0, 4.0]]]
    """
    n_block = _N_FFT_PER_LAG * n_lags - n_lags + 1
    n_samples = sources.shape[-1]
    total: Tensor | None = None
    for start in range(0, n_samples, n_block * _N_BLOCKS):
        stop = min(n_samples, start + n_block * _N_BLOCKS)
        n_blocks = -(-(stop - start) // n_block)
        later = signals[:, start : stop + n_lags - 1].double()
        later = F.pad(later, (0, n_blocks * n_block + n_lags - 1 - later.shape[-1]))
        now = F.pad(sources[:, start:stop].double(), (0, n_blocks * n_block - (stop - start)))
        part = _cross_spectrum(now.unfold(-1, n_block, n_block), later.unfold(-1, n_block + n_lags - 1, n_block))
        total = part if total is None else total.add_(part)
    assert total is not None
    correlations: Tensor = torch.fft.irfft(total.permute(1, 2, 0), n=_N_FFT_PER_LAG * n_lags)[..., :n_lags]
    return correlations


# FFTs of 16 times the lags waste a sixteenth; that many blocks at once take some ten megabytes.
_N_FFT_PER_LAG = 16
_N_BLOCKS = 16


def _cross_spectrum(now: Float[Tensor, "source block now"], later: Float[Tensor, "signal block later"]) -> Tensor:
    """Sum over blocks of the products of their spectra, `[freq, source, signal]`."""
    n_fft = later.shape[-1]
    # Contiguous, or the product copies each of its thousands of small matrices apart.
    left: Tensor = torch.fft.rfft(now, n=n_fft).conj().permute(2, 0, 1).resolve_conj().contiguous()
    right: Tensor = torch.fft.rfft(later, n=n_fft).permute(2, 1, 0).contiguous()
    return left @ right


def solve(
    own: Float[Tensor, "source source lag"], cross: Float[Tensor, "source signal lag"]
) -> Float[Tensor, "source tap signal"]:
    """The filters `h` for which `sum_i h_i * x_i` comes closest to each `y_j`, from the correlations of `correlate`.

    Where images hang together (the same signal in both channels, pure tones) many filters come equally close.
    """
    n_sources, n_signals, n_taps = cross.shape
    right = cross.transpose(1, 2).reshape(-1, n_signals)
    matrix = _normal_matrix(own)
    triangle, failed = torch.linalg.cholesky_ex(matrix)
    if not failed.any():
        fitted: Tensor = torch.cholesky_solve(right, triangle)
        return fitted.reshape(n_sources, n_taps, n_signals)
    del triangle
    # Rounding made it indefinite: pivots help. One system at a time, since batches of them fail on some CPUs.
    solution, failed = torch.linalg.solve_ex(matrix, right)
    if failed.any():
        # Exactly dependent: the smallest load that rounding cannot undo decides between filters that are equally good.
        matrix.diagonal().mul_(1 + len(matrix) * torch.finfo(matrix.dtype).eps)
        triangle, _ = torch.linalg.cholesky_ex(matrix)
        solution = torch.cholesky_solve(right, triangle)
    filters: Tensor = solution.reshape(n_sources, n_taps, n_signals)
    return filters


def _normal_matrix(own: Float[Tensor, "source source lag"]) -> Float[Tensor, "row row"]:
    """`m[(i, a), (j, b)] = sum_t x_i[t - a] x_j[t - b]`, Toeplitz for each pair of sources."""
    n_sources, _, n_taps = own.shape
    both_sides = torch.cat([own.flip(-1), own.transpose(0, 1)[..., 1:]], dim=-1)  # of lag b - a, from 1 - n_taps
    matrix = own.new_empty(n_sources, n_taps, n_sources, n_taps)
    for row, lags in zip(matrix, both_sides, strict=True):
        row.copy_(lags.unfold(-1, n_taps, 1).flip(-2).transpose(0, 1))
    matrix = matrix.reshape(n_sources * n_taps, -1)
    matrix.diagonal().add_(torch.finfo(matrix.dtype).eps)  # museval's own, so that the numbers agree
    return matrix
