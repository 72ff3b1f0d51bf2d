"""When a block may compute the same function another way, that a CPU does faster; and when not in half precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def is_inference_on_cpu(features: Tensor) -> bool:
    """Whether features are on a CPU, nothing is learnt, and no graph is being made for somebody else.

    Example:
        >>> with torch.inference_mode():
        ...     is_inference_on_cpu(torch.zeros(1))
        True
        >>> is_inference_on_cpu(torch.zeros(1))
        False
    """
    return features.device.type == "cpu" and not torch.is_grad_enabled() and not torch.compiler.is_compiling()


def without_half(compute: Callable[..., Any], features: Tensor, *others: Any) -> Any:
    """What a part of a network computes of features, in single precision also where autocast would halve it.

    For parts that add little time and much of the error, such as those next to a waveform.

    Example:
        >>> with torch.autocast("cpu", torch.bfloat16):
        ...     without_half(torch.nn.Linear(2, 3), torch.zeros(1, 2)).dtype
        torch.float32
    """
    kind = features.device.type
    if not torch.is_autocast_enabled(kind):
        return compute(features, *others)
    with torch.autocast(kind, enabled=False):
        return compute(*(part.float() if isinstance(part, Tensor) else part for part in (features, *others)))
