"""MP3 by libsndfile (LAME), whose Xing header tells players the exact length; an ID3v2 tag stands in front."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from auralflow.audio.id3 import id3_tag
from auralflow.audio.pending import PendingFile
from auralflow.errors import OutputError

# Lowest and highest bit rate in kbit/s of MPEG 1, 2 and 2.5, by the lowest sample rate.
_BITRATES = {32000: (32, 320), 16000: (8, 160), 0: (8, 64)}


class Mp3Encoder:
    """Takes float32; constant bit rate."""

    def __init__(
        self,
        pending: PendingFile,
        bitrate_kbps: int | None,
        sample_rate: int,
        channels: int,
        tags: Mapping[str, str],
        cover: bytes | None,
    ) -> None:
        self._n_samples = 0
        low, high = next(limits for rate, limits in _BITRATES.items() if sample_rate >= rate)
        wanted = high if bitrate_kbps is None else min(max(bitrate_kbps * channels // 2, low), high)
        tag = id3_tag(tags, cover)
        pending.write(tag)
        pending.start_at(len(tag))
        self._path = pending.path
        self._file = soundfile.SoundFile(
            pending,
            "w",
            sample_rate,
            channels,
            "MPEG_LAYER_III",
            format="MP3",
            compression_level=(high - wanted) / (high - low),
            bitrate_mode="CONSTANT",
        )

    def write(self, block: npt.NDArray[Any]) -> None:
        self._n_samples += block.shape[1]
        self._file.write(np.ascontiguousarray(block.T))

    def finish(self) -> None:
        self._file.close()
        if self._n_samples == 0:
            raise OutputError(f"{self._path}: an mp3 file cannot be empty, got no samples; choose wav or flac")

    def abandon(self) -> None:
        self._file.close()
