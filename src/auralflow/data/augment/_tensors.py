"""Between samples and the tensors of `auralflow.dsp`."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from auralflow.audio.types import Samples


def to_tensor(samples: Samples) -> Tensor:
    """The same memory as a tensor, to be read only; a copy where torch cannot share it.

    Shape:
        (channel, time)
    """
    return torch.from_numpy(samples if _is_plain(samples) else np.array(samples, order="C"))


def to_samples(tensor: Tensor) -> Samples:
    """The tensor's memory as samples.

    Shape:
        (channel, time)
    """
    samples: Samples = tensor.contiguous().numpy()
    return samples


def _is_plain(samples: Samples) -> bool:
    # torch warns of arrays that must not be written, and refuses negative steps.
    return bool(samples.flags.writeable and samples.flags.c_contiguous)
