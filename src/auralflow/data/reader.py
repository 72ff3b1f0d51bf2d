"""Read a chunk of any sound as the model takes it: its rate, its channels, exact to the sample."""

from __future__ import annotations

import math

import numpy as np

from auralflow.audio.chunks import ChunkReader
from auralflow.audio.resample import resample, resampled_length
from auralflow.audio.types import Samples
from auralflow.data.cache import PcmCache
from auralflow.data.channels import fit_channels
from auralflow.data.packs.index import PackedSound
from auralflow.data.packs.read import PieceReader
from auralflow.data.track import Sound

_MARGIN_SAMPLES = 1024
"""Of the lower rate, read on either side of a chunk that is resampled; the filter's response is shorter."""


class SoundReader:
    """Chunks of sounds at one rate and channel count.

    Args:
        sample_rate: of the chunks; files of other rates are resampled, with the filter's ends cut off.
        channels: of the chunks; mono is duplicated, and averaged to where one is wanted.
        cache: read from there what it holds.
    """

    def __init__(self, sample_rate: int, channels: int, cache: PcmCache | None = None) -> None:
        self.sample_rate, self.channels, self._cache = sample_rate, channels, cache
        self._files, self._pieces = ChunkReader(), PieceReader()

    def length(self, sound: Sound) -> int:
        """Samples of a sound at the reader's rate."""
        return resampled_length(sound.n_samples, sound.sample_rate, self.sample_rate)

    def read(self, sound: Sound, start: int, n_samples: int) -> Samples:
        """Samples `start` to `start + n_samples` at the reader's rate, in a new array; see `read_into`."""
        chunk = np.empty((self.channels, n_samples), np.float32)
        self.read_into(chunk, sound, start)
        return chunk

    def read_into(self, chunk: Samples, sound: Sound, start: int) -> None:
        """Fill a chunk with the samples from `start` on at the reader's rate; zeros beyond the end.

        Shape:
            (channel, time), float32

        Raises:
            AudioError: the file cannot be read there.
        """
        n_read = max(0, min(chunk.shape[1], self.length(sound) - start))
        if n_read and not (self._cache and self._cache.read_into(chunk[:, :n_read], sound, start)):
            chunk[:, :n_read] = self._conform(sound, start, n_read)
        chunk[:, n_read:] = 0

    def _conform(self, sound: Sound, start: int, n_samples: int) -> Samples:
        read = self._read_file if sound.sample_rate == self.sample_rate else self._resample
        return fit_channels(read(sound, start, n_samples), self.channels)

    def _read_file(self, sound: Sound, start: int, n_samples: int) -> Samples:
        if isinstance(sound, PackedSound):
            return self._pieces.read(sound, start, n_samples)
        return self._files.read(
            sound.path, sample_rate=sound.sample_rate, start=start, n_samples=n_samples, stream=sound.stream
        )

    def _resample(self, sound: Sound, start: int, n_samples: int) -> Samples:
        # Both rates tick together every `tick_in` samples of the file; reading from such a tick keeps the phase.
        common = math.gcd(sound.sample_rate, self.sample_rate)
        tick_in, tick_out = sound.sample_rate // common, self.sample_rate // common
        margin = max(_MARGIN_SAMPLES, _MARGIN_SAMPLES * tick_in // tick_out)
        first = max(0, start // tick_out - -(-margin // tick_in))
        end = -(-(start + n_samples) * tick_in // tick_out) + margin
        end = min(end, sound.n_samples)
        held = self._read_file(sound, first * tick_in, end - first * tick_in)
        resampled = resample(held, sound.sample_rate, self.sample_rate)
        offset = start - first * tick_out
        cut = resampled[:, offset : offset + n_samples]
        return np.pad(cut, ((0, 0), (0, n_samples - cut.shape[1])))
