"""The discrete Fourier transform of real frames without complex numbers, for formats that have none, such as ONNX.

Cooley and Tukey (1965, "An algorithm for the machine calculation of complex Fourier series") in two stages of matrix
products. With n = a b points, sample `b p + q` and bin `r + a s`, p and r below a, q and s below b:

    X[r + a s] = sum_q  W_b^(q s)  W_n^(q r)  sum_p  W_a^(p r)  x[b p + q],      W_m = exp(-2 pi i / m)

A frame is an (a, b) matrix: it is multiplied by an (r, a) matrix, point by point by the twiddles W_n^(q r), and by a
(b, b) matrix. Real frames need the rows r <= a / 2 only, as X[n - k] is the conjugate of X[k]. The inverse goes the
same way back. With a near b a frame costs about 3 n sqrt(n) multiplications instead of n^2, and the matrices are small.

Slower than `torch.fft`: where complex numbers are to be had, use that.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import isqrt

import torch
from jaxtyping import Float, Int
from torch import Tensor


def real_dft(
    frames: Float[Tensor, "*axes tap"],
) -> tuple[Float[Tensor, "*axes freq"], Float[Tensor, "*axes freq"]]:
    """Real and imaginary part of `torch.fft.rfft(frames)`.

    Shape:
        `[*axes, n]` to twice `[*axes, n // 2 + 1]`, any n from 1 up.

    Example:
        >>> real, imag = real_dft(torch.tensor([0.0, 1.0, 0.0, -1.0]))
        >>> imag.tolist()
        [0.0, -2.0, 0.0]
    """
    tables = _tables(frames.shape[-1], frames.dtype, frames.device)
    columns = tables.analysis @ frames.unflatten(-1, (tables.n_left, tables.n_right))
    real, imag = columns.chunk(2, dim=-2)
    real, imag = real * tables.cos + imag * tables.sin, imag * tables.cos - real * tables.sin
    spectra = torch.cat([real, imag], dim=-1) @ tables.rotation
    real, imag = (part.flatten(-2).index_select(-1, tables.to_bins) for part in spectra.chunk(2, dim=-1))
    return real, imag * tables.bin_signs


def inverse_real_dft(
    real: Float[Tensor, "*axes freq"], imag: Float[Tensor, "*axes freq"], n_taps: int
) -> Float[Tensor, "*axes tap"]:
    """`torch.fft.irfft` of the spectrum `real + i imag`, `n_taps` long; as there, bins without a mirror
    image (zero, and the last of an even length) count as real.

    Shape:
        twice `[*axes, n_taps // 2 + 1]` to `[*axes, n_taps]`.
    """
    tables = _tables(n_taps, real.dtype, real.device)
    shape = (tables.cos.shape[0], tables.n_right)
    real = real.index_select(-1, tables.from_bins).unflatten(-1, shape)
    imag = (imag.index_select(-1, tables.from_bins) * tables.grid_signs).unflatten(-1, shape)
    columns = torch.cat([real, imag], dim=-1) @ tables.rotation.mT
    real, imag = columns.chunk(2, dim=-1)
    real, imag = real * tables.cos - imag * tables.sin, imag * tables.cos + real * tables.sin
    return (tables.synthesis @ torch.cat([real, imag], dim=-2)).flatten(-2)


@dataclass(frozen=True, eq=False)
class _Tables:
    """Everything that depends on the length only; r, q, s as in the head of this file."""

    n_left: int
    n_right: int
    analysis: Float[Tensor, "two_r p"]
    """Real rows, then imaginary rows, of the first stage."""
    synthesis: Float[Tensor, "p two_r"]
    """Its inverse: rows with a mirror image count twice."""
    cos: Float[Tensor, "r q"]
    sin: Float[Tensor, "r q"]
    rotation: Float[Tensor, "two_q two_s"]
    """The second stage on real columns, then imaginary columns; its transpose is that of the way back."""
    to_bins: Int[Tensor, "freq"]
    """Where in the grid (r, s), flat, each bin or its mirror image lies."""
    bin_signs: Float[Tensor, "freq"]
    from_bins: Int[Tensor, "grid"]
    grid_signs: Float[Tensor, "grid"]


# Outside inference mode: a cached inference tensor could never be used in training again.
@torch.inference_mode(False)
def _make_tables(n_taps: int, dtype: torch.dtype, device: torch.device) -> _Tables:
    left = next(a for a in range(isqrt(n_taps), 0, -1) if n_taps % a == 0)
    right = n_taps // left
    n_rows = left // 2 + 1
    row, column, bins = torch.arange(n_rows), torch.arange(right), torch.arange(n_taps // 2 + 1)
    first = _rotate(row, torch.arange(left), left)
    twiddle = _rotate(row, column, n_taps)
    second = _rotate(column, column, right)
    weights = torch.full((n_rows,), 2.0, dtype=torch.float64)
    weights[0] = 1
    if left % 2 == 0:
        weights[-1] = 1
    is_mirrored = bins % left >= n_rows
    direct = torch.where(is_mirrored, n_taps - bins, bins)
    grid = (row[:, None] + left * column).flatten()
    is_above = grid > n_taps // 2

    def put(table: Tensor) -> Tensor:
        return table.to(device) if table.dtype == torch.int64 else table.to(device, dtype)

    return _Tables(
        left,
        right,
        analysis=put(torch.cat([first.real, first.imag])),
        synthesis=put(torch.cat([weights * first.real.mT, weights * first.imag.mT], dim=1) / n_taps),
        cos=put(twiddle.real),
        sin=put(-twiddle.imag),
        rotation=put(torch.cat([torch.cat([second.real, second.imag], 1), torch.cat([-second.imag, second.real], 1)])),
        to_bins=put(direct % left * right + direct // left),
        bin_signs=put(1.0 - 2.0 * is_mirrored.double()),
        from_bins=put(torch.where(is_above, n_taps - grid, grid)),
        grid_signs=put(1.0 - 2.0 * is_above.double()),
    )


def _rotate(one: Tensor, other: Tensor, n_points: int) -> Tensor:
    """`exp(-2 pi i one other / n_points)` for each pair, in double precision; whole turns are taken off before."""
    turns = (torch.outer(one, other) % n_points).double() / n_points
    return torch.polar(torch.ones_like(turns), -2 * torch.pi * turns)


_tables = lru_cache(maxsize=8)(_make_tables)
