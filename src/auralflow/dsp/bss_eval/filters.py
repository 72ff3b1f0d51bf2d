"""Least-squares filters from true images to estimates.

Their normal equations hold correlations only: a block Toeplitz matrix of those between images, and one right side for
each channel of each estimate. They are summed over blocks of the signals by FFT, so that the memory does not grow with
their length, and one elimination serves all estimates.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from auralflow.dsp.bss_eval.toeplitz import solve_toeplitz, unfold
from auralflow.dsp.threads import spread


def correlate(
    sources: Float[Tensor, "source time"], *signals: Float[Tensor, "_ time"], n_lags: int
) -> Float[Tensor, "source signal lag"]:
    """`r[i, j, k] = sum_t x_i[t] y_j[t + k]` for lags from 0, with silence around both; float64.

    Args:
        signals: the `y`, in groups that follow each other in the result.

    Example:
        >>> correlate(torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[3.0, 4.0, 5.0]]), n_lags=2).round().tolist()
        [[[3.0, 4.0]]]
    """
    n_block = _N_FFT_PER_LAG * n_lags - n_lags + 1

    def correlate_part(start: int) -> Tensor:
        now = sources[:, start : start + n_block * _N_BLOCKS].double()
        later = torch.cat([group[:, start : start + n_block * _N_BLOCKS + n_lags - 1] for group in signals]).double()
        n_blocks = -(-now.shape[-1] // n_block)
        now = F.pad(now, (0, n_blocks * n_block - now.shape[-1]))
        later = F.pad(later, (0, n_blocks * n_block + n_lags - 1 - later.shape[-1]))
        return _cross_spectrum(now.unfold(-1, n_block, n_block), later.unfold(-1, n_block + n_lags - 1, n_block))

    parts = spread(correlate_part, range(0, sources.shape[-1], n_block * _N_BLOCKS))
    total = next(parts)
    for part in parts:
        total.add_(part)
    correlations: Tensor = torch.fft.irfft(total.permute(1, 2, 0), n=_N_FFT_PER_LAG * n_lags)[..., :n_lags]
    return correlations


# FFTs of 16 times the lags waste a sixteenth; so many blocks at once take some ten megabytes.
_N_FFT_PER_LAG = 16
_N_BLOCKS = 8


def _cross_spectrum(now: Float[Tensor, "source block now"], later: Float[Tensor, "signal block later"]) -> Tensor:
    """Sum over blocks of the products of their spectra, `[freq, source, signal]`."""
    n_fft = later.shape[-1]
    # Contiguous, or the product copies each of its thousands of small matrices apart.
    left: Tensor = torch.fft.rfft(now, n=n_fft).conj().permute(2, 0, 1).resolve_conj().contiguous()
    right: Tensor = torch.fft.rfft(later, n=n_fft).permute(2, 1, 0).contiguous()
    return left @ right


def solve(
    own: Float[Tensor, "batch source source lag"], cross: Float[Tensor, "batch source signal lag"]
) -> Float[Tensor, "batch source tap signal"]:
    """The filters `h` for which `sum_i h_i * x_i` comes closest to each `y_j`, from the correlations of `correlate`.

    Where images hang together (the same signal in both channels, pure tones) many filters come equally close.
    """
    n_batch, n_sources, n_signals, n_taps = cross.shape
    right = cross.permute(0, 3, 1, 2).reshape(n_batch, -1, n_signals)
    blocks = _normal_blocks(own)
    # On one thread: the steps are too short to be shared.
    solution, has_failed = next(spread(lambda system: solve_toeplitz(*system), [(blocks, right)]))
    for item in has_failed.nonzero().flatten().tolist():
        solution[item] = _solve_dense(unfold(blocks[item]), right[item])
    return solution.reshape(n_batch, n_taps, n_sources, n_signals).transpose(1, 2)


def _solve_dense(matrix: Float[Tensor, "row row"], right: Float[Tensor, "row signal"]) -> Float[Tensor, "row signal"]:
    """Where rounding has made the matrix indefinite."""
    # Pivots help. One system at a time, since batches of them fail on some CPUs.
    solution: Tensor
    solution, failed = torch.linalg.solve_ex(matrix, right)
    if failed.any():
        # Exactly dependent: the smallest load that rounding cannot undo decides between filters that are equally good.
        matrix.diagonal().mul_(1 + len(matrix) * torch.finfo(matrix.dtype).eps)
        triangle, _ = torch.linalg.cholesky_ex(matrix)
        solution = torch.cholesky_solve(right, triangle)
    return solution


def _normal_blocks(own: Float[Tensor, "batch source source lag"]) -> Float[Tensor, "batch lag source source"]:
    """The first row of blocks of the normal equations: `C(k)[i, j] = sum_t x_i[t] x_j[t - k]`, block Toeplitz."""
    blocks = own.permute(0, 3, 2, 1).contiguous()
    first = blocks[:, 0]
    first.copy_((first + first.mT) / 2)  # but for rounding it is symmetric
    first.diagonal(dim1=1, dim2=2).add_(torch.finfo(blocks.dtype).eps)  # museval's own, so that the numbers agree
    return blocks
