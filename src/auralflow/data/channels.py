"""Fit the channels of a training file to those of a model."""

from __future__ import annotations

import numpy as np

from auralflow.audio.types import Samples
from auralflow.data.track import Sound
from auralflow.errors import ConfigError


def check_channels(sound: Sound, channels: int) -> None:
    """Refuse what `fit_channels` cannot fit.

    Raises:
        ConfigError: neither is mono and the counts differ.
    """
    if sound.channels != channels and 1 not in (sound.channels, channels):
        raise ConfigError(
            f"{sound.path}: expected {channels} channels, as the model has, or 1, got {sound.channels}; convert it"
        )


def fit_channels(samples: Samples, channels: int) -> Samples:
    """Mono to any count by duplication, any count to mono by the mean.

    Shape:
        (channel, time) -> (channels, time)
    """
    if samples.shape[0] == channels:
        return samples
    if channels == 1:
        mono: Samples = np.mean(samples, axis=0, keepdims=True, dtype=np.float32)
        return mono
    return np.broadcast_to(samples, (channels, samples.shape[1]))
