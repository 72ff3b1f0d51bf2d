"""Let torch's exporters take an LSTM for one operation also where they ask for the shapes of its output.

They record it as one, but find its shapes by stepping through all frames, several times over: minutes for a long
segment. Shapes are known without. This replaces entries in tables of torch that are not public; where they are not as
expected, an export is slow, and the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor


@contextmanager
def quick_lstm_shapes() -> Iterator[None]:
    """In this context an LSTM that is recorded, not computed, takes no steps. For one thread at a time."""
    operation: Any = torch.ops.aten.lstm.input
    kernels, table = getattr(operation, "py_kernels", {}), torch._decomp.decomposition_table
    before, decomposed = dict(kernels), table.get(operation)
    try:
        _replace(operation, kernels, dict.fromkeys(before, _shape_output))
        if decomposed is not None:
            table[operation] = _shape_output
        yield
    finally:
        _replace(operation, kernels, before)
        if decomposed is not None:
            table[operation] = decomposed


def _replace(operation: Any, kernels: dict[Any, Any], by: dict[Any, Any]) -> None:
    kernels.update(by)
    getattr(operation, "_dispatch_cache", {}).clear()


def _shape_output(
    sequence: Tensor,
    states: Sequence[Tensor],
    parameters: Sequence[Tensor],
    has_biases: bool,
    n_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Empty tensors of the shapes, and in the memory order, of an LSTM's output and last states."""
    width = states[0].shape[-1] * (2 if bidirectional else 1)
    if batch_first and sequence.dim() == 3:
        n_items, n_steps = sequence.shape[:2]
        output = sequence.new_empty(n_steps, n_items, width).transpose(0, 1)
    else:
        output = sequence.new_empty(*sequence.shape[:-1], width)
    return output, torch.empty_like(states[0]), torch.empty_like(states[1])
