"""Sounds as audio files in memory: lossless, whatever their depth."""

from __future__ import annotations

import io
from typing import Literal

import soundfile

from auralflow.audio.chunks import read_frames
from auralflow.audio.encoders.wav import WavEncoder
from auralflow.audio.quantise import quantise
from auralflow.audio.types import Depth, Samples
from auralflow.errors import AudioError

LosslessFormat = Literal["flac", "wav"]

_BITS: dict[Depth | None, Literal["int16", "int24"]] = {"uint8": "int16", "int16": "int16", "int24": "int24"}
_SUBTYPES = {"int16": "PCM_16", "int24": "PCM_24"}
_MAX_FLAC_CHANNELS = 8


def choose_lossless(depth: Depth | None, channels: int, wanted: LosslessFormat) -> LosslessFormat:
    """The format in which such samples can be kept: FLAC has neither floats nor more than 8 channels.

    Args:
        depth: of the file that they came from; None for lossy codecs, which decode to floats.

    Example:
        >>> choose_lossless("int24", 2, "flac"), choose_lossless(None, 2, "flac")
        ('flac', 'wav')
    """
    return "flac" if wanted == "flac" and depth in _BITS and channels <= _MAX_FLAC_CHANNELS else "wav"


def encode_lossless(samples: Samples, sample_rate: int, depth: Depth | None, wanted: LosslessFormat) -> bytes:
    """An audio file that decodes to exactly these samples, in the format that `choose_lossless` says.

    Shape:
        (channel, time)

    Example:
        >>> import numpy as np
        >>> data = encode_lossless(np.float32([[0.5, -0.25]]), 8000, "int16", "flac")
        >>> decode_part(data, 1, 1, sample_rate=8000, channels=1).tolist()
        [[-0.25]]
    """
    file, channels, bits = io.BytesIO(), samples.shape[0], _BITS.get(depth)
    stored = samples if bits is None else quantise(samples, bits).samples
    if choose_lossless(depth, channels, wanted) == "flac":
        soundfile.write(file, stored.T, sample_rate, _SUBTYPES[bits or "int16"], format="FLAC")
    else:  # libsndfile would write the time of day into a file of floats
        encoder = WavEncoder(file, bits or "float32", sample_rate, channels, {}, None)
        encoder.write(stored)
        encoder.finish()
    return file.getvalue()


def decode_part(data: bytes, start: int, n_samples: int, *, sample_rate: int, channels: int) -> Samples:
    """Samples `start` to `start + n_samples` of an audio file in memory.

    Args:
        sample_rate: which it must have.
        channels: as many as it must have.

    Shape:
        (channel, time), float32

    Raises:
        AudioError: it is another sound, or none, or too short.
    """
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if (file.samplerate, file.channels) != (sample_rate, channels):
                raise AudioError(
                    f"expected {channels} channels of {sample_rate} Hz, got {file.channels} of {file.samplerate} Hz"
                )
            chunk = read_frames(file, start, n_samples)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"cannot be decoded: {error}") from None
    if chunk.shape[1] != n_samples:
        raise AudioError(f"expected {n_samples} samples from sample {start}, got {chunk.shape[1]}")
    return chunk
