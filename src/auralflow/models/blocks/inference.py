"""When a block may compute the same function another way, that a CPU does faster."""

from __future__ import annotations

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
