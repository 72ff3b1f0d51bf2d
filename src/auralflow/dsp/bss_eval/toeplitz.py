"""Factorise block Toeplitz matrices in a time that grows with the square of their size, not with the cube.

A symmetric matrix T of blocks `T[a, b] = C(b - a)`, taken less itself shifted by one block down and right, has rank two
blocks: `T - Z T Z' = A' A - B' B` with the generators

    C(0) = L L',   A = inv(L) [C(0) C(1) C(2) ...],   B = inv(L) [0 C(1) C(2) ...].

The rows of A are the first rows of the upper factor U, `T = U' U`. What is left after them has the generators Z A and B
again, once a hyperbolic rotation has turned the first block of B to zero; that is the Schur algorithm (Kailath, Kung
and Morf 1979, "Displacement ranks of matrices and linear equations"), here for blocks. With `K = B1 inv(A1)`,

    R' R = I - K' K,   S' S = I - K K',   A <- inv(R') (A - K' B),   B <- S B - inv(S') K R' A,

where the last line takes the new A: this "mixed" form is as stable as a Cholesky factorisation (Bojanczyk, Brent, van
Dooren and de Hoog 1987, "A note on downdating the Cholesky factorization").
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def factorise(blocks: Float[Tensor, "lag row row"]) -> Float[Tensor, "size size"] | None:
    """The upper triangular `U` with `U' U = T`, or None where rounding leaves T without one.

    What lies below the diagonal of the result is not defined.

    Args:
        blocks: `C(0), C(1), ...`, the first row of blocks of T.

    Example:
        >>> blocks = torch.tensor([[[2.0]], [[1.0]], [[0.5]]], dtype=torch.float64)
        >>> upper = factorise(blocks)
        >>> (upper.triu().T @ upper.triu()).round(decimals=6)[0].tolist()
        [2.0, 1.0, 0.5]
    """
    n_lags, n_rows, _ = blocks.shape
    lower, failed = torch.linalg.cholesky_ex(blocks[0])
    if failed:
        return None
    row = blocks.permute(1, 0, 2).reshape(n_rows, -1)
    above = torch.linalg.solve_triangular(lower, row, upper=False)
    below = above[:, n_rows:].clone()
    upper = row.new_empty(n_lags * n_rows, n_lags * n_rows)  # below its diagonal nobody looks
    upper[:n_rows] = above
    eye = torch.eye(n_rows, dtype=row.dtype, device=row.device)
    failures = [failed]
    for start in range(n_rows, n_lags * n_rows, n_rows):
        above = above[:, :-n_rows]
        k = torch.linalg.solve_triangular(above[:, :n_rows], below[:, :n_rows], upper=True, left=False)
        (r, s), wrong = torch.linalg.cholesky_ex(torch.stack([eye - k.T @ k, eye - k @ k.T]))
        failures.append(wrong.sum())
        above = torch.linalg.solve_triangular(r, above.addmm_(k.T, below, alpha=-1), upper=False)
        turn = torch.linalg.solve_triangular(s, k @ r, upper=False)
        below = (s.T @ below[:, n_rows:]).addmm_(turn, above[:, n_rows:], alpha=-1)
        upper[start : start + n_rows, start:] = above
    return None if torch.stack(failures).any() else upper


def unfold(blocks: Float[Tensor, "lag row row"]) -> Float[Tensor, "size size"]:
    """The whole matrix T.

    Example:
        >>> unfold(torch.tensor([[[2.0]], [[1.0]]])).tolist()
        [[2.0, 1.0], [1.0, 2.0]]
    """
    n_lags, n_rows, _ = blocks.shape
    both_sides = torch.cat([blocks.flip(0).mT, blocks[1:]])  # of lag b - a, from 1 - n_lags
    matrix = blocks.new_empty(n_lags, n_rows, n_lags, n_rows)
    for lag, row in enumerate(matrix):
        row.copy_(both_sides[n_lags - 1 - lag : 2 * n_lags - 1 - lag].permute(1, 0, 2))
    return matrix.reshape(n_lags * n_rows, -1)


def solve_factorised(
    upper: Float[Tensor, "size size"], right: Float[Tensor, "size column"]
) -> Float[Tensor, "size column"]:
    """The `x` with `U' U x = right`."""
    halfway = torch.linalg.solve_triangular(upper.mT, right, upper=False)
    solution: Tensor = torch.linalg.solve_triangular(upper, halfway, upper=True)
    return solution
