"""Weights in a quarter of the room: matrices as whole numbers of eight bits, each row with a scale of its own.

    weights.safetensors
      layer.weight         int8     round(weight / scale)
      layer.weight.scale   float16  largest magnitude of the row / 127
      layer.bias           float16

They are widened when a bundle is loaded; a model computes as it always does.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from auralflow.errors import CheckpointError

_SUFFIX = ".scale"
_SHORTEST_ROW = 16
_SMALLEST_SCALE = 6e-8  # what float16 can just hold


def shrink(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Matrices of floating point in eight bits, all other floating point in half precision.

    A row is the last axis, or all axes but the first where that is short, as in the kernels of convolutions.

    Example:
        >>> small = shrink({"weight": torch.linspace(-1, 1, 32)[None], "bias": torch.zeros(1)})
        >>> {name: tensor.dtype for name, tensor in small.items()}
        {'weight': torch.int8, 'weight.scale': torch.float16, 'bias': torch.float16}
    """
    shrunk = {}
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            shrunk[name] = tensor
        elif tensor.ndim < 2:
            shrunk[name] = tensor.half()
        else:
            shrunk[name], shrunk[name + _SUFFIX] = _quantise(tensor.float())
    return shrunk


def widen(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What `shrink` made, in single precision; a state that is not shrunk stays as it is.

    Raises:
        CheckpointError: a matrix in eight bits lacks its scale.
    """
    shrunk = {name for name, tensor in state.items() if tensor.dtype == torch.int8}
    widened = {}
    for name, tensor in state.items():
        if name in shrunk:
            scale = state.get(name + _SUFFIX)
            if scale is None:
                raise CheckpointError(f"{name}: expected its scale, {name}{_SUFFIX}, beside it, found none")
            widened[name] = tensor.float() * scale.float()
        elif name.removesuffix(_SUFFIX) not in shrunk:
            widened[name] = tensor
    return widened


def _quantise(tensor: Tensor) -> tuple[Tensor, Tensor]:
    axes = [-1] if tensor.shape[-1] >= _SHORTEST_ROW else list(range(1, tensor.ndim))
    scale = (tensor.abs().amax(axes, keepdim=True) / 127).clamp(min=_SMALLEST_SCALE).half()
    return (tensor / scale.float()).round().clamp(-127, 127).to(torch.int8), scale
