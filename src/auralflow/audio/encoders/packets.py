"""Opus (Ogg) and AAC (MP4) by FFmpeg's libraries through PyAV."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import av
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.container import OutputContainer

from auralflow.audio.encoders.frames import interleave
from auralflow.audio.formats import OutputFormat
from auralflow.audio.mp4_boxes import append_to_movie, item_list
from auralflow.audio.pending import PendingFile
from auralflow.audio.vorbis_comment import comment_fields
from auralflow.errors import OutputError

# The layouts of WAV and FLAC, by number of channels.
LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}

ITEM_LIST = (b"udta", b"meta", b"ilst")
# Tags that FFmpeg writes into boxes of their own; numbers only where the box holds a number.
_BOXED = re.compile(
    r"title|artist|album|album_artist|composer|date|genre|comment|copyright|grouping|lyrics|description"
)
_BOXED_NUMBERS = {"track": r"\d+(/\d+)?", "disc": r"\d+(/\d+)?", "compilation": r"[01]"}


class PacketEncoder:
    """Takes float32."""

    def __init__(
        self,
        pending: PendingFile,
        output_format: OutputFormat,
        sample_rate: int,
        channels: int,
        tags: Mapping[str, str],
        cover: bytes | None,
    ) -> None:
        self._pending, self._tags, self._cover = pending, tags, cover
        self._is_opus = output_format.container == "opus"
        if self._is_opus:
            self._container = av.open(pending, "w", format="ogg")
            # Family 1 is RFC 7845's; without it FFmpeg mixes up the order of 5 and 7 channels.
            options = {"mapping_family": "1"} if channels > 2 else {}
            self._stream = add_stream(self._container, "libopus", sample_rate, channels, output_format, options)
            self._stream.metadata.update(dict(comment_fields(tags, cover)))
        else:
            self._container = open_mp4(pending, "ipod", sample_rate, tags)
            self._stream = add_stream(self._container, "aac", sample_rate, channels, output_format)
        self._n_samples = 0

    def write(self, block: npt.NDArray[Any]) -> None:
        if block.shape[1]:
            self._container.mux(self._stream.encode(make_frame(block, self._stream.rate, self._n_samples)))
        self._n_samples += block.shape[1]

    def finish(self) -> None:
        if self._n_samples == 0:
            raise OutputError(f"{self._pending}: a lossy file cannot be empty, got no samples; choose wav or flac")
        self._container.mux(self._stream.encode(None))
        self._container.close()
        if not self._is_opus:
            append_to_movie(self._pending, {ITEM_LIST: item_list(unboxed_tags(self._tags), self._cover)})

    def abandon(self) -> None:
        self._container.close()


def open_mp4(pending: PendingFile, flavour: str, sample_rate: int, tags: Mapping[str, str]) -> OutputContainer:
    """An MP4 container whose clock ticks once a sample, so that the length it states is exact."""
    container = av.open(pending, "w", format=flavour, container_options={"movie_timescale": str(sample_rate)})
    container.metadata.update({name: value for name, value in tags.items() if _is_boxed(name, value)})
    return container


def unboxed_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that FFmpeg would not write into an MP4 file."""
    return {name: value for name, value in tags.items() if not _is_boxed(name, value)}


def add_stream(
    container: OutputContainer,
    codec: str,
    sample_rate: int,
    channels: int,
    output_format: OutputFormat,
    options: Mapping[str, str] | None = None,
) -> AudioStream:
    """An audio stream at the format's bit rate."""
    stream = container.add_stream(codec, rate=sample_rate, options=dict(options or {}))
    assert isinstance(stream, AudioStream)
    stream.layout = LAYOUTS[channels]
    # An AAC frame of 1024 samples holds at most 6144 bits per channel.
    most = 6 * sample_rate * channels if codec == "aac" else 256_000 * channels
    stream.bit_rate = min((output_format.bitrate_kbps or 128) * 500 * channels, most)
    return stream


def make_frame(block: npt.NDArray[Any], sample_rate: int, position: int) -> av.AudioFrame:
    """A frame of interleaved samples (PyAV cannot hold 8 planar channels)."""
    packed = interleave(block).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=LAYOUTS[block.shape[0]])
    frame.sample_rate, frame.pts = sample_rate, position
    return frame


def _is_boxed(name: str, value: str) -> bool:
    if name in _BOXED_NUMBERS:
        return re.fullmatch(_BOXED_NUMBERS[name], value) is not None
    return _BOXED.fullmatch(name) is not None
