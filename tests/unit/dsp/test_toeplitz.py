"""Block Toeplitz systems: the solution is that of Gauss, and what has none is found out."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from auralflow.dsp.bss_eval.toeplitz import solve_toeplitz, unfold


def _correlations(n_lags: int, n_rows: int, seed: int = 0) -> Tensor:
    """Those of coloured noise that hangs together, which are positive definite for any number of lags."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(n_rows, 300, generator=generator, dtype=torch.float64).cumsum(-1)
    noise = noise + 0.5 * noise.roll(1, 0).roll(3, 1)
    padded = torch.nn.functional.pad(noise, (0, n_lags))
    blocks = torch.stack([padded[:, lag : lag + 300] @ noise.T for lag in range(n_lags)])
    blocks[0] = (blocks[0] + blocks[0].T) / 2
    return blocks


@pytest.mark.parametrize(("n_lags", "n_rows"), [(1, 1), (1, 4), (7, 1), (40, 3), (33, 8), (64, 2), (7, 20)])
def test_solution_solves(n_lags: int, n_rows: int) -> None:
    blocks = torch.stack([_correlations(n_lags, n_rows, seed) for seed in (0, 1)])
    right = torch.randn(2, n_lags * n_rows, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    solution, has_failed = solve_toeplitz(blocks, right)
    assert not has_failed.any()
    for item in range(2):
        matrix = unfold(blocks[item])
        assert torch.equal(matrix, matrix.T)
        expected = torch.linalg.solve(matrix, right[item])
        torch.testing.assert_close(solution[item], expected, atol=1e-9 * float(expected.abs().max()), rtol=0)


def test_blocks_stand_where_their_lag_says() -> None:
    blocks = _correlations(5, 2)
    matrix = unfold(blocks).reshape(5, 2, 5, 2)
    for row in range(5):
        for column in range(row, 5):
            assert torch.equal(matrix[row, :, column], blocks[column - row])


@pytest.mark.parametrize("kind", ["not positive", "equal rows", "nothing", "no number"])
def test_what_has_no_factor_is_found_out(kind: str) -> None:
    blocks = _correlations(20, 3)
    if kind == "not positive":
        blocks[9] *= 30
    elif kind == "equal rows":
        blocks[:, 1], blocks[:, :, 1] = blocks[:, 0].clone(), blocks[:, :, 0].clone()
        blocks[:, 1, 1] = blocks[:, 0, 0]
    elif kind == "nothing":
        blocks = torch.zeros_like(blocks)
    else:
        blocks[4, 0, 0] = torch.nan
    good = _correlations(20, 3)
    solution, has_failed = solve_toeplitz(torch.stack([good, blocks]), torch.ones(2, 60, 1, dtype=torch.float64))
    assert has_failed.tolist() == [False, True]
    torch.testing.assert_close(unfold(good) @ solution[0], torch.ones(60, 1, dtype=torch.float64), atol=1e-8, rtol=0)
