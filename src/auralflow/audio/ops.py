"""Conform audio to what a model takes, and restore what it gives to the audio's own rate and channels."""

from __future__ import annotations

from collections import deque

import numpy as np

from auralflow.audio.layout import ChannelLayout
from auralflow.audio.resample import Resampler
from auralflow.audio.types import Samples


class Conform:
    """A stream of file blocks to a stream of model blocks.

    Where the rates differ, each conversion has a soft edge (0.01 dB down at 0.9 of the Nyquist frequency), which a
    round trip shows twice. With D down, U up and E = 1 - U D what a round trip loses, D (1 + E) in place of D leaves

        U D (1 + E) = (1 - E) (1 + E) = 1 - E^2,

    so that the loss in the pass band is squared: 60 dB becomes 120 dB.

    Shape:
        (channel, time) at `file_rate` -> (group, channel, time) at `model_rate`
    """

    def __init__(self, file_rate: int, model_rate: int, layout: ChannelLayout) -> None:
        self._layout = layout
        self._is_same = file_rate == model_rate
        channels = layout.file_channels
        self._down, self._up = Resampler(file_rate, model_rate, channels), Resampler(model_rate, file_rate, channels)
        self._again = Resampler(file_rate, model_rate, channels)
        self._originals = Fifo()

    def process(self, block: Samples) -> Samples:
        if self._is_same:
            return self._layout.split(block)
        self._originals.push(block)
        return self._layout.split(self._sharpen(self._up.process(self._down.process(block))))

    def flush(self) -> Samples:
        if self._is_same:
            return self._layout.split(self._down.flush())
        trip = np.concatenate([self._up.process(self._down.flush()), self._up.flush()], axis=-1)
        trip = np.pad(trip, ((0, 0), (0, max(0, self._originals.n_samples - trip.shape[-1]))))
        return self._layout.split(np.concatenate([self._sharpen(trip), self._again.flush()], axis=-1))

    def _sharpen(self, trip: Samples) -> Samples:
        """D (1 + E) x = D (2 x - U D x) of the samples whose round trip is known."""
        length = min(trip.shape[-1], self._originals.n_samples)
        if length == 0:
            return trip[:, :0]
        return self._again.process(2 * self._originals.pop(length) - trip[:, :length])


class Restore:
    """A stream of estimates to the rate, the channels and the length of the file they come from.

    Shape:
        (sound, group, channel, time) at `model_rate` -> (sound, channel, time) at `file_rate`
    """

    def __init__(self, file_rate: int, model_rate: int, layout: ChannelLayout, n_sounds: int) -> None:
        self._layout, self._n_sounds = layout, n_sounds
        self._resampler = Resampler(model_rate, file_rate, n_sounds * layout.file_channels)

    def process(self, estimates: Samples) -> Samples:
        joined = self._layout.join(estimates)
        flat = joined.reshape(self._n_sounds * self._layout.file_channels, joined.shape[-1])
        return self._split(self._resampler.process(flat))

    def flush(self) -> Samples:
        return self._split(self._resampler.flush())

    def _split(self, flat: Samples) -> Samples:
        return flat.reshape(self._n_sounds, self._layout.file_channels, flat.shape[-1])


class Fifo:
    """A queue of samples: blocks of any length in, blocks of any length out, along the last axis."""

    def __init__(self) -> None:
        self._blocks: deque[Samples] = deque()
        self.n_samples = 0

    def push(self, block: Samples) -> None:
        if block.shape[-1]:
            self._blocks.append(block)
            self.n_samples += block.shape[-1]

    def peek(self, n_samples: int) -> Samples:
        """The oldest `n_samples`, which stay."""
        block = self.pop(n_samples)
        self._blocks.appendleft(block)
        self.n_samples += n_samples
        return block

    def pop(self, n_samples: int) -> Samples:
        """The oldest `n_samples`, which must be there."""
        parts: list[Samples] = []
        missing = n_samples
        while missing > 0:
            block = self._blocks.popleft()
            if block.shape[-1] > missing:
                self._blocks.appendleft(block[..., missing:])
                block = block[..., :missing]
            parts.append(block)
            missing -= block.shape[-1]
        self.n_samples -= n_samples
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
