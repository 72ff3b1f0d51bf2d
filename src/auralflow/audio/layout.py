"""Fit any number of file channels to a model with a fixed number, and back.

A model with as many channels as the file takes them as they are. Otherwise a stereo model takes front left and right
as a pair and each other channel as mono, and any other model takes every channel as mono. A mono channel is duplicated
to all channels of the model and the estimates are averaged back. Each pair or channel is a `group`: an independent
item for the model.
"""

from __future__ import annotations

import numpy as np

from auralflow.audio.types import Samples


class ChannelLayout:
    """Which file channels form which group of model channels.

    Example:
        >>> ChannelLayout(file_channels=6, model_channels=2).groups
        [(0, 1), (2,), (3,), (4,), (5,)]
    """

    def __init__(self, file_channels: int, model_channels: int) -> None:
        self.file_channels, self.model_channels = file_channels, model_channels
        self.groups = _group(file_channels, model_channels)

    def split(self, block: Samples) -> Samples:
        """File channels to groups.

        Shape:
            (channel, time) -> (group, channel, time)
        """
        groups = [block[list(group)] for group in self.groups]
        return np.stack([np.broadcast_to(g, (self.model_channels, block.shape[1])) for g in groups])

    def join(self, blocks: Samples) -> Samples:
        """Groups back to file channels.

        Shape:
            (..., group, channel, time) -> (..., channel, time)
        """
        if len(self.groups) == 1 and len(self.groups[0]) == self.model_channels:
            return blocks[..., 0, :, :]
        joined = np.empty((*blocks.shape[:-3], self.file_channels, blocks.shape[-1]), np.float32)
        for index, group in enumerate(self.groups):
            part = blocks[..., index, :, :]
            joined[..., list(group), :] = part if len(group) > 1 else part.mean(-2, keepdims=True)
        return joined


def _group(file_channels: int, model_channels: int) -> list[tuple[int, ...]]:
    if file_channels == model_channels:
        return [tuple(range(file_channels))]
    n_paired = 2 if model_channels == 2 and file_channels > 2 else 0
    pairs = [(0, 1)] if n_paired else []
    return pairs + [(channel,) for channel in range(n_paired, file_channels)]
