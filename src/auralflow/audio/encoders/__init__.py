"""One file per codec library and container: each takes blocks, writes them to a `PendingFile` and adds the tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy.typing as npt

from auralflow.audio.encoders.flac import FlacEncoder
from auralflow.audio.encoders.mp3 import Mp3Encoder
from auralflow.audio.encoders.packets import PacketEncoder
from auralflow.audio.encoders.vorbis import VorbisEncoder
from auralflow.audio.encoders.wav import WavEncoder
from auralflow.audio.formats import OutputFormat
from auralflow.audio.pending import PendingFile


class Encoder(Protocol):
    """What `AudioWriter` needs of an encoder."""

    def write(self, block: npt.NDArray[Any]) -> None:
        """Take samples (channel, time): what `quantise` gives for integer formats, float32 for all others."""

    def finish(self) -> None:
        """Flush the codec and write what stands in headers: lengths, checksums, tags."""

    def abandon(self) -> None:
        """Free the codec; the file has been discarded."""


def open_encoder(
    output_format: OutputFormat,
    pending: PendingFile,
    *,
    sample_rate: int,
    channels: int,
    tags: Mapping[str, str],
    cover: bytes | None,
) -> Encoder:
    """The encoder for a format, ready to write."""
    if output_format.depth is not None:
        lossless = WavEncoder if output_format.container == "wav" else FlacEncoder
        return lossless(pending, output_format.depth, sample_rate, channels, tags, cover)
    if output_format.container == "mp3":
        return Mp3Encoder(pending, sample_rate, channels, tags, cover)
    if output_format.container == "ogg":
        return VorbisEncoder(pending, sample_rate, channels, tags, cover)
    return PacketEncoder(pending, output_format, sample_rate, channels, tags, cover)
