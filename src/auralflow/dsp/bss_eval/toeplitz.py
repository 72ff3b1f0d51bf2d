"""Solve block Toeplitz systems in a time that grows with the square of their size, not with the cube.

A symmetric matrix T of blocks `T[a, b] = C(b - a)`, taken less itself shifted by one block down and right, has rank two
blocks: `T - Z T Z' = A' A - B' B` with the generators

    C(0) = L L',   A = inv(L) [C(0) C(1) C(2) ...],   B = inv(L) [0 C(1) C(2) ...].

The rows of A are the first rows of the upper factor U, `T = U' U`. What is left after them has the generators Z A and B
again, once a hyperbolic rotation has turned the first block of B to zero; that is the Schur algorithm (Kailath, Kung
and Morf 1979, "Displacement ranks of matrices and linear equations"), here for blocks. With `K = B1 inv(A1)`,

    R' R = I - K' K,   S' S = I - K K',   A <- inv(R') (A - K' B),   B <- S B - inv(S') K R' A,

where the last line takes the new A: this "mixed" form is as stable as a Cholesky factorisation (Bojanczyk, Brent, van
Dooren and de Hoog 1987, "A note on downdating the Cholesky factorization"). The right side is eliminated with each new
rows of U, while they are in the cache; what then is left of U is read once, backwards.

Several lags together are a block too. Blocks of about 16 rows are the fastest: smaller ones take many short steps,
larger ones more arithmetic.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_ROWS_AT_ONCE = 16


def solve_toeplitz(
    blocks: Float[Tensor, "batch lag row row"], right: Float[Tensor, "batch size column"]
) -> tuple[Float[Tensor, "batch size column"], Bool[Tensor, "batch"]]:
    """The `x` with `T x = right`, and where rounding has left T indefinite, so that x is worth nothing.

    Args:
        blocks: `C(0), C(1), ...`, the first row of blocks of T.

    Example:
        >>> blocks = torch.tensor([[[[2.0]], [[1.0]], [[0.5]]]], dtype=torch.float64)
        >>> x, has_failed = solve_toeplitz(blocks, torch.tensor([[[3.5], [4.0], [3.5]]], dtype=torch.float64))
        >>> x.flatten().round(decimals=6).tolist(), has_failed.tolist()
        ([1.0, 1.0, 1.0], [False])
    """
    n_lags, n_rows = blocks.shape[1], blocks.shape[-1]
    n_grouped = max(n for n in range(1, n_lags + 1) if n_lags % n == 0 and (n == 1 or n * n_rows <= _ROWS_AT_ONCE))
    steps = _Elimination(_first_rows(blocks, n_grouped), right)
    for _ in range(1, n_lags // n_grouped):
        steps.rotate()
        steps.eliminate()
    return steps.substitute_back(), torch.stack(steps.failures).any(0)


class _Elimination:
    """The generators on their way through the matrix, and the rows of U that they leave behind."""

    def __init__(self, rows: Float[Tensor, "batch row size"], right: Float[Tensor, "batch size column"]) -> None:
        n = self._n = rows.shape[1]
        self._eye = torch.eye(n, dtype=rows.dtype, device=rows.device)
        lower, wrong = torch.linalg.cholesky_ex(rows[..., :n])
        self.failures = [wrong > 0]
        self._above: Tensor = torch.linalg.solve_triangular(lower, rows, upper=False)
        self._below = self._above[..., n:]
        self._rest = right
        self._upper: list[Tensor] = []
        self._inverses: list[Tensor] = []
        self._halfway: list[Tensor] = []
        self.eliminate()

    def rotate(self) -> None:
        """The generators of what is left after the last rows."""
        n, above, below = self._n, self._above[..., : -self._n], self._below
        k = below[..., :n] @ self._inverses[-1]
        both, wrong = torch.linalg.cholesky_ex(torch.stack([self._eye - k.mT @ k, self._eye - k @ k.mT], dim=1))
        self.failures.append((wrong > 0).any(1))
        inverse_r, inverse_s = torch.linalg.solve_triangular(both, self._eye, upper=False).unbind(1)
        r, s = both.unbind(1)  # transposed, as in R' and S'
        self._above = torch.baddbmm(inverse_r @ above, inverse_r @ k.mT, below, alpha=-1)
        self._below = torch.baddbmm(s.mT @ below[..., n:], inverse_s @ k @ r, self._above[..., n:], alpha=-1)

    def eliminate(self) -> None:
        """Keep the new rows of U, and take their part from the right side (forward substitution)."""
        n = self._n
        inverse: Tensor = torch.linalg.solve_triangular(self._above[..., :n], self._eye, upper=True)
        halfway = inverse.mT @ self._rest[:, :n]
        self._rest = torch.baddbmm(self._rest[:, n:], self._above[..., n:].mT, halfway, alpha=-1)
        self._upper.append(self._above[..., n:])
        self._inverses.append(inverse)
        self._halfway.append(halfway)

    def substitute_back(self) -> Float[Tensor, "batch size column"]:
        """The solution, from its last block to the first."""
        n = self._n
        solution = torch.cat(self._halfway, dim=1)
        for step in reversed(range(len(self._upper))):
            here, later = solution[:, step * n : (step + 1) * n], solution[:, (step + 1) * n :]
            here.copy_(self._inverses[step] @ torch.baddbmm(here, self._upper[step], later, alpha=-1))
        return solution


def unfold(blocks: Float[Tensor, "lag row row"]) -> Float[Tensor, "size size"]:
    """The whole matrix T.

    Example:
        >>> unfold(torch.tensor([[[2.0]], [[1.0]]])).tolist()
        [[2.0, 1.0], [1.0, 2.0]]
    """
    return _first_rows(blocks[None], len(blocks))[0]


def _first_rows(blocks: Float[Tensor, "batch lag row row"], n_lags: int) -> Float[Tensor, "batch some size"]:
    """The first rows of T, as many as `n_lags` blocks have."""
    both_sides = torch.cat([blocks[:, 1:n_lags].flip(1).mT, blocks], dim=1)  # of lag b - a, from 1 - n_lags
    n_all = blocks.shape[1]
    rows = [both_sides[:, lag : lag + n_all].transpose(1, 2).flatten(2) for lag in reversed(range(n_lags))]
    return torch.cat(rows, dim=1)
