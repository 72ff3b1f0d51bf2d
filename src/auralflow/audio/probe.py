"""What a file says of its audio, without decoding it."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import BinaryIO

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition

from auralflow.audio._demux import is_accepted, open_container, open_file, shown
from auralflow.audio._frames import count_samples, find_first_frame, parse_adts, parse_mpeg, states_length
from auralflow.audio._headers import quicktime_n_samples, riff_layout, riff_n_samples
from auralflow.audio._sniff import Format
from auralflow.audio.types import AudioInfo, Depth
from auralflow.errors import AudioError
from auralflow.spec import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE

MAX_FILE_CHANNELS = 8
"""Files with more channels are refused."""

AUDIO_SUFFIXES = frozenset(
    {".wav", ".wave", ".bwf", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".flac"}
    | {".mp3", ".ogg", ".oga", ".opus", ".aac", ".m4a", ".m4b"}
    | {".mp4", ".m4v", ".mov", ".mkv", ".mka", ".webm"}
)
"""Lower-case suffixes of the files that are taken for audio when a folder is walked."""

_DEPTHS: dict[str, Depth] = {
    "u8": "uint8",
    "s8": "uint8",
    "s16": "int16",
    "s24": "int24",
    "s32": "int32",
    "f32": "float32",
    "f64": "float64",
    # 8 bits on a logarithmic scale hold values of up to 14 bits.
    "alaw": "int16",
    "mulaw": "int16",
}
_INTEGER_DEPTHS: tuple[tuple[int, Depth], ...] = ((8, "uint8"), (16, "int16"), (24, "int24"))
_STRUCTURAL_TAGS = frozenset(
    {"major_brand", "minor_version", "compatible_brands", "handler_name", "vendor_id"}
    | {"encoder", "duration", "language", "itunsmpb", "itunnorm", "gapless_playback"}
)
"""Entries that describe the file instead of the music."""


def probe(path: Path | str, stream: int = 0) -> AudioInfo:
    """Read format, length, tags and cover of an audio file; nothing is decoded.

    The format is told from the content, never from the name, and only the listed formats are opened: playlists,
    scripts and image patterns, by which FFmpeg would be led to other files, are refused.

    The length is that of the audio without the encoder's delay and padding. It is exact for WAV, W64, AIFF, FLAC,
    MP3, Ogg and MP4 (raw AAC has no delay information: there it counts the frames), good to some ten milliseconds for
    Matroska, and None for streams written without a length.

    Args:
        path: the file.
        stream: which of its audio streams, from 0.

    Raises:
        AudioError: there is no such file or stream, it is empty, no audio or damaged; it has over 8 channels, none, or
            a sample rate outside 8 to 192 kHz; or it says that it holds no samples.
    """
    path = Path(path)
    with open_file(path) as (file, found):
        layout = riff_layout(file)
        if layout is not None:
            _check_layout(path, *layout)
        with open_container(path, file, found) as container:
            info = _describe(path, file, found, container, choose_stream(path, container, stream))
    _check_layout(path, info.channels, info.sample_rate)
    if info.n_samples is not None and info.n_samples <= 0:
        raise AudioError(f"{shown(path)}: holds no audio samples")
    return info


def choose_stream(path: Path, container: InputContainer, index: int) -> AudioStream:
    """The audio stream with this index among the audio streams.

    Raises:
        AudioError: there is no such stream, or its codec is not an accepted one.
    """
    streams = container.streams.audio
    if not streams:
        raise AudioError(f"{shown(path)}: holds no audio stream{' (video only)' if container.streams.video else ''}")
    if not 0 <= index < len(streams):
        raise AudioError(f"{shown(path)}: expected an audio stream from 0 to {len(streams) - 1}, got {index}")
    chosen = streams[index]
    if chosen.codec_context is None or not is_accepted(chosen.codec_context.name):
        name = "unknown" if chosen.codec_context is None else chosen.codec_context.name
        raise AudioError(f"{shown(path)}: its audio codec ({name}) is not supported; convert it to WAV or FLAC")
    return chosen


def stated_end(file: BinaryIO, found: Format, container: InputContainer, stream: AudioStream) -> int | None:
    """Length at which an MP4, M4A or MOV track is to be cut, for FFmpeg decodes its padding too; else None."""
    if found.demuxer != "mov":
        return None
    sample_rate = stream.codec_context.sample_rate or 0
    return quicktime_n_samples(file, stream.id, sample_rate, container.metadata.get("iTunSMPB"))


def _describe(path: Path, file: BinaryIO, found: Format, container: InputContainer, stream: AudioStream) -> AudioInfo:
    context = stream.codec_context
    return AudioInfo(
        path=path,
        container=found.container,
        codec=context.codec.canonical_name,
        sample_rate=context.sample_rate or 0,
        channels=context.channels,
        n_samples=_n_samples(file, found, container, stream),
        depth=_depth(context.codec.canonical_name, context.extradata or b""),
        tags=_tags(found, container, stream),
        cover=_cover(container),
        n_streams=len(container.streams.audio),
    )


def _check_layout(path: Path, channels: int, sample_rate: int) -> None:
    if not MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
        raise AudioError(
            f"{shown(path)}: expected a sample rate from {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz, "
            f"its header says {sample_rate}; is it damaged?"
        )
    if not 1 <= channels <= MAX_FILE_CHANNELS:
        raise AudioError(
            f"{shown(path)}: expected 1 to {MAX_FILE_CHANNELS} channels, its header says {channels}; "
            "mix it down or take it apart first"
        )


def _depth(codec: str, extradata: bytes) -> Depth | None:
    if codec.startswith("pcm_"):
        return _DEPTHS[re.sub("(le|be)?(_planar)?$", "", codec.removeprefix("pcm_"))]
    if codec in ("truehd", "mlp"):
        return "int24"
    if codec == "flac" and len(extradata) >= 14:
        # STREAMINFO: 20 bits of rate, 3 of channels, then 5 of bits per sample minus one.
        n_bits = ((extradata[12] & 1) << 4 | extradata[13] >> 4) + 1
    elif codec == "alac" and len(extradata) > 17:
        n_bits = extradata[17]
    else:
        return None
    return next((depth for limit, depth in _INTEGER_DEPTHS if n_bits <= limit), "int32")


def _n_samples(file: BinaryIO, found: Format, container: InputContainer, stream: AudioStream) -> int | None:
    context = stream.codec_context
    sample_rate = context.sample_rate or 0
    end = stated_end(file, found, container, stream)
    if end is not None:
        return end
    if found.demuxer in ("wav", "w64") and context.name.startswith("pcm_"):
        stated = riff_n_samples(file)
        if stated is not None:
            return stated
    elif found.demuxer == "aac":
        return count_samples(file, found.offset, parse_adts, sample_rate)
    elif found.demuxer == "mp3":
        first = find_first_frame(file, found.offset, parse_mpeg)
        if first is not None and not states_length(file, first):
            return count_samples(file, first, parse_mpeg, sample_rate)
    duration_s = _duration_s(container, stream)
    if duration_s is None:
        return None
    return round(duration_s * sample_rate) - _opus_delay(context.extradata or b"")


def _duration_s(container: InputContainer, stream: AudioStream) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    stated = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    if stated:
        hours, minutes, seconds = map(float, stated.groups())
        return 3600 * hours + 60 * minutes + seconds
    if container.duration is None or container.streams.video:
        return None
    return container.duration / av.time_base


def _opus_delay(extradata: bytes) -> int:
    return int.from_bytes(extradata[10:12], "little") if extradata[:8] == b"OpusHead" else 0


def _tags(found: Format, container: InputContainer, stream: AudioStream) -> dict[str, str]:
    tags: dict[str, str] = {}
    # Ogg has its comments in the stream; elsewhere the stream's entries are about the track ("Stereo", "English").
    for source in (stream.metadata, container.metadata) if found.demuxer == "ogg" else (container.metadata,):
        tags |= {key.lower(): value for key, value in source.items() if value}
    return {key: value for key, value in tags.items() if key not in _STRUCTURAL_TAGS}


def _cover(container: InputContainer) -> bytes | None:
    pictures = [s for s in container.streams.video if s.disposition & Disposition.attached_pic]
    if not pictures:
        return None
    # FFmpeg delivers the pictures of a header before any other packet.
    for packet in itertools.islice(container.demux(), len(container.streams.video)):
        if packet.stream == pictures[0]:
            return bytes(packet)
    return None
