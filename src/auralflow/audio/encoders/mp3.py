"""MP3 by libsndfile (LAME), whose Xing header tells players the exact length; an ID3v2 tag stands in front."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
import soundfile

from auralflow.audio.encoders.frames import interleave
from auralflow.audio.id3 import id3_tag
from auralflow.audio.pending import PendingFile
from auralflow.errors import OutputError


class Mp3Encoder:
    """Takes float32; variable bit rate at LAME's best quality (V0).

    At a constant rate up to 160 kbit/s (mono, or below 32 kHz) LAME would scale the sound by 0.95, and the stems
    would no longer sum to the mixture.
    """

    def __init__(
        self,
        pending: PendingFile,
        sample_rate: int,
        channels: int,
        tags: Mapping[str, str],
        cover: bytes | None,
    ) -> None:
        self._n_samples = 0
        tag = id3_tag(tags, cover)
        pending.write(tag)
        pending.start_at(len(tag))
        self._pending = pending
        self._file = soundfile.SoundFile(
            pending,
            "w",
            sample_rate,
            channels,
            "MPEG_LAYER_III",
            format="MP3",
            compression_level=0,
            bitrate_mode="VARIABLE",
        )

    def write(self, block: npt.NDArray[Any]) -> None:
        self._n_samples += block.shape[1]
        self._file.write(interleave(block))

    def finish(self) -> None:
        self._file.close()
        if self._n_samples == 0:
            raise OutputError(f"{self._pending}: an mp3 file cannot be empty, got no samples; choose wav or flac")

    def abandon(self) -> None:
        self._file.close()
