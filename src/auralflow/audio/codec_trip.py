"""What a lossy codec leaves of a sound: encoded and decoded again in memory, sample for sample in its place.

MP3 (LAME), AAC and Opus go through FFmpeg's codecs without a container, at their fast settings; Vorbis through
libsndfile. Channels are coded in pairs, so that any number will do. A rate that a codec does not know is converted to
the next higher one that it does, and back.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

import av
import numpy as np
import soundfile
from av.audio.codeccontext import AudioCodecContext

from auralflow.audio._decode import samples_of
from auralflow.audio.encoders.frames import interleave
from auralflow.audio.resample import resample
from auralflow.audio.types import Samples
from auralflow.errors import ConfigError

LossyCodec = Literal["mp3", "aac", "opus", "vorbis"]

MIN_KBPS, MAX_KBPS = 16, 320

# libvorbis' nominal rates for 44.1 kHz stereo, from quality 0 to 10.
_VORBIS_KBPS = (64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 500)
# libvorbis keeps a block on the stack: some ten thousand samples at once would overflow it.
_N_AT_ONCE = 2048
_FLUSH_SAMPLES = 4096
"""Silence behind the sound: at least two frames of any codec, so that its end comes out and timestamps can be read."""


@dataclass(frozen=True)
class _Coder:
    """How FFmpeg calls the two halves of a codec, and what makes the first quick."""

    encoder: str
    decoder: str
    options: dict[str, str]
    sample_rates: tuple[int, ...]
    sample_format: str = "fltp"


_MPEG_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_CODERS = {
    "mp3": _Coder("libmp3lame", "mp3float", {"compression_level": "9"}, _MPEG_RATES),
    "aac": _Coder("aac", "aac", {"aac_coder": "fast"}, (*_MPEG_RATES, 64000, 88200, 96000)),
    # Low delay leaves out the speech coder, after which FFmpeg's decoder would come 24 samples late.
    "opus": _Coder("libopus", "opus", {"compression_level": "5", "application": "lowdelay"}, (48000,), "flt"),
}


def codec_trip(samples: Samples, sample_rate: int, codec: LossyCodec, bitrate_kbps: float) -> Samples:
    """The sound after a lossy codec, aligned with what went in.

    Args:
        samples: the sound; not changed.
        sample_rate: its rate.
        codec: which codec.
        bitrate_kbps: for two channels, 16 to 320; one alone gets half. MP3 takes the nearest rate it knows, Vorbis the
            quality whose nominal rate it is (at least 64).

    Shape:
        (channel, time) to the same, a new array

    Raises:
        ConfigError: an unknown codec, or a bit rate out of range.

    Example:
        >>> tone = np.sin(np.arange(44100) / 10).astype(np.float32)[None]
        >>> error = codec_trip(tone, 44100, "opus", 128) - tone
        >>> bool(np.sqrt(np.mean(error[:, 1000:-1000] ** 2)) < 0.1)
        True
    """
    if codec not in get_args(LossyCodec):
        raise ConfigError(f"codec: expected one of {', '.join(get_args(LossyCodec))}, got {codec!r}")
    if not MIN_KBPS <= bitrate_kbps <= MAX_KBPS:
        raise ConfigError(f"bitrate_kbps: expected {MIN_KBPS} to {MAX_KBPS}, got {bitrate_kbps!r}")
    result = np.zeros(samples.shape, np.float32)
    # What is beyond full scale comes back, but codecs are at home within it.
    scale = np.float32(max(1.0, np.abs(samples).max(initial=0)))
    for first in range(0, samples.shape[0], 2):
        pair = samples[first : first + 2] / scale
        result[first : first + 2] = (
            _through_libsndfile(pair, sample_rate, bitrate_kbps)
            if codec == "vorbis"
            else _at_known_rate(pair, sample_rate, _CODERS[codec], bitrate_kbps)
        )
    return result * scale


def _at_known_rate(samples: Samples, sample_rate: int, coder: _Coder, bitrate_kbps: float) -> Samples:
    rate = min((rate for rate in coder.sample_rates if rate >= sample_rate), default=coder.sample_rates[-1])
    padded = np.pad(resample(samples, sample_rate, rate), ((0, 0), (0, _FLUSH_SAMPLES)))
    decoded = _through_ffmpeg(padded, rate, coder, bitrate_kbps)
    return resample(decoded, rate, sample_rate)[:, : samples.shape[1]]


def _through_ffmpeg(samples: Samples, sample_rate: int, coder: _Coder, bitrate_kbps: float) -> Samples:
    channels, n_samples = samples.shape
    layout = "stereo" if channels == 2 else "mono"
    encoder = _create(coder.encoder, "w")
    encoder.sample_rate, encoder.layout, encoder.time_base = sample_rate, layout, Fraction(1, sample_rate)
    encoder.format, encoder.options = coder.sample_format, coder.options
    encoder.bit_rate = round(500 * bitrate_kbps * channels)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
    frame.sample_rate, frame.pts = sample_rate, 0
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    decoder = _create(coder.decoder, "r")
    decoder.extradata, decoder.sample_rate, decoder.layout = encoder.extradata, sample_rate, layout
    frames = [frame for packet in (*packets, None) for frame in decoder.decode(packet)]
    # Some decoders cut the encoder's delay and leave the first timestamp as it was; the second one is right.
    first = frames[0].samples - (frames[1].pts or 0)
    return np.concatenate([samples_of(frame) for frame in frames], axis=1)[:, first : first + n_samples]


def _create(name: str, mode: Literal["r", "w"]) -> AudioCodecContext:
    context = av.CodecContext.create(name, mode)
    assert isinstance(context, AudioCodecContext)
    return context


def _through_libsndfile(samples: Samples, sample_rate: int, bitrate_kbps: float) -> Samples:
    quality = float(np.interp(bitrate_kbps, _VORBIS_KBPS, np.linspace(0, 1, len(_VORBIS_KBPS))))
    frames, file = interleave(samples), io.BytesIO()
    with soundfile.SoundFile(
        file, "w", sample_rate, samples.shape[0], "VORBIS", format="OGG", compression_level=1 - quality
    ) as writer:
        for start in range(0, len(frames), _N_AT_ONCE):
            writer.write(frames[start : start + _N_AT_ONCE])
    file.seek(0)
    decoded, _ = soundfile.read(file, dtype="float32", always_2d=True)
    return np.asarray(decoded.T, np.float32)
