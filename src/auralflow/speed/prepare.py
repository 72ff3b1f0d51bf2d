"""Make a loaded model fast at inference, with equal output: fold normalisation, choose the order in memory."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import TypeGuard, TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from auralflow.speed.packing import PackedLinear, can_pack

Module = TypeVar("Module", bound=nn.Module)


def prepare(model: Module) -> Module:
    """The same function in fewer steps, for inference only; the model that was given stays as it is.

    A batch normalisation that follows a convolution becomes part of it. Where all convolutions go along two axes,
    features are kept with channels last in memory, which oneDNN and cuDNN compute without reordering. Linear layers
    pack their weights when they first multiply on a CPU (`PackedLinear`).

    Parameters that did not change are shared, so that this takes little memory. Outputs differ by rounding.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)).eval()
        >>> prepared, image = prepare(net), torch.randn(1, 1, 8, 8)
        >>> torch.allclose(prepared(image), net(image), atol=1e-6), len(prepared), len(net)
        (True, 1, 2)
    """
    if model.training:
        return model
    folded = _fold(model, {})
    return _put_channels_last(folded) if _is_planar(folded) else folded


def _fold(module: Module, known: dict[int, nn.Module]) -> Module:
    """A copy of a tree of modules with its own branches and the same leaves, except for those that are folded."""
    if id(module) in known:  # one module in two places stays one
        return known[id(module)]  # type: ignore[return-value]
    if not module._modules:
        known[id(module)] = PackedLinear(module) if _can_pack(module) else module
        return known[id(module)]  # type: ignore[return-value]
    twin = copy.copy(module)
    known[id(module)] = twin
    twin._modules = {name: child if child is None else _fold(child, known) for name, child in module._modules.items()}
    if type(twin).forward is nn.Sequential.forward:
        _fold_in_sequence(twin)
    return twin


def _fold_in_sequence(sequence: nn.Module) -> None:
    names = list(sequence._modules)
    for name, following in pairwise(names):
        pair = sequence._modules.get(name), sequence._modules[following]
        if _can_fold(*pair):
            sequence._modules[name] = fuse_conv_bn_eval(*pair)  # type: ignore[type-var,arg-type]
            del sequence._modules[following]


def _can_fold(first: nn.Module | None, second: nn.Module | None) -> bool:
    return (
        isinstance(first, nn.Conv1d | nn.Conv2d)
        and isinstance(second, nn.BatchNorm1d | nn.BatchNorm2d)
        and second.track_running_stats
        and not (first._forward_hooks or first._forward_pre_hooks or second._forward_hooks or second._forward_pre_hooks)
    )


def _can_pack(module: nn.Module) -> TypeGuard[nn.Linear]:
    return type(module) is nn.Linear and not (module._forward_hooks or module._forward_pre_hooks) and can_pack()


def _is_planar(model: nn.Module) -> bool:
    """Whether convolutions go along two axes, all of them."""
    modules = list(model.modules())
    is_along_one = any(isinstance(module, nn.Conv1d | nn.ConvTranspose1d) for module in modules)
    return not is_along_one and any(isinstance(m, nn.Conv2d) and min(m.kernel_size) > 1 for m in modules)


def _put_channels_last(model: Module) -> Module:
    """Weights in that order; features follow them. Leaves are copied, as they are shared with another model."""
    for parent in list(model.modules()):
        for name, child in parent._modules.items():
            if isinstance(child, nn.Conv2d | nn.ConvTranspose2d):
                ordered = copy.copy(child)
                ordered._parameters = dict(child._parameters)
                weight = child.weight.detach().contiguous(memory_format=torch.channels_last)
                ordered._parameters["weight"] = nn.Parameter(weight, requires_grad=child.weight.requires_grad)
                parent._modules[name] = ordered
    return model
