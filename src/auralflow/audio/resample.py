"""Streaming sample-rate conversion with the SoX resampler library at its very high quality.

Source: libsoxr, quality VHQ (28-bit precision, linear phase, pass band to 0.91 of the lower Nyquist frequency).
The stream is time-aligned: the filter's delay is taken off.
"""

from __future__ import annotations

import numpy as np
import soxr

from auralflow.audio.types import Samples


def resampled_length(n_samples: int, rate_in: int, rate_out: int) -> int:
    """Length of `n_samples` after conversion: `n_samples * rate_out / rate_in` to the nearest, halves up."""
    return (2 * n_samples * rate_out + rate_in) // (2 * rate_in)


def resample(samples: Samples, rate_in: int, rate_out: int) -> Samples:
    """All of a signal at once, in memory of its own.

    Shape:
        (channel, time) to (channel, `resampled_length` of time)

    Example:
        >>> resample(np.zeros((2, 44100), np.float32), 44100, 48000).shape
        (2, 48000)
    """
    resampler = Resampler(rate_in, rate_out, samples.shape[0])
    return np.concatenate([resampler.process(samples), resampler.flush()], axis=1)


class Resampler:
    """Convert a stream of blocks from one rate to another.

    Shape:
        blocks (channel, time) in, (channel, time) out; all that comes out, `flush()` included, is
        `resampled_length(n, rate_in, rate_out)` long.

    Example:
        >>> resampler = Resampler(44100, 48000, channels=2)
        >>> head, tail = resampler.process(np.zeros((2, 44100), np.float32)), resampler.flush()
        >>> head.shape[1] + tail.shape[1]
        48000
    """

    def __init__(self, rate_in: int, rate_out: int, channels: int) -> None:
        self.rate_in, self.rate_out, self.channels = rate_in, rate_out, channels
        self._n_in = self._n_out = 0
        self._stream = soxr.ResampleStream(rate_in, rate_out, channels, dtype="float32", quality="VHQ")

    def process(self, block: Samples) -> Samples:
        """Take a block, give what can be computed so far."""
        self._n_in += block.shape[1]
        if self.rate_in == self.rate_out:
            return block
        return self._give(self._stream.resample_chunk(np.ascontiguousarray(block.T)))

    def flush(self) -> Samples:
        """Give the rest; the resampler takes no more blocks."""
        if self.rate_in == self.rate_out:
            return np.zeros((self.channels, 0), np.float32)
        rest = self._give(self._stream.resample_chunk(np.zeros((0, self.channels), np.float32), last=True))
        missing = resampled_length(self._n_in, self.rate_in, self.rate_out) - self._n_out
        return np.pad(rest, ((0, 0), (0, missing))) if missing > 0 else rest[:, : rest.shape[1] + missing]

    def _give(self, frames: Samples) -> Samples:
        self._n_out += frames.shape[0]
        return np.ascontiguousarray(frames.reshape(-1, self.channels).T)
