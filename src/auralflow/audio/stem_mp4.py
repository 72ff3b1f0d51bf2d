"""The Stem file of disc jockeys: one MP4 with the mixture and its four stems.

Source: Native Instruments, "Stem file format specification" (2015). Five stereo streams, the master mix first and the
only one that is enabled, so that an ordinary player plays that; names and colours of the stems stand as JSON in the box
`moov/udta/stem`. The audio is AAC.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np

from auralflow.audio.encoders.packets import ITEM_LIST, add_stream, make_frame, open_mp4, unboxed_tags
from auralflow.audio.formats import OutputFormat, check_format, legal_sample_rate
from auralflow.audio.mp4_boxes import append_to_movie, file_boxes, find_box, item_list, make_box
from auralflow.audio.pending import PendingFile
from auralflow.audio.quantise import check_finite
from auralflow.audio.resample import Resampler
from auralflow.audio.tags import generic_tags
from auralflow.audio.types import Samples
from auralflow.audio.write import raise_as_output_error, rate_warning
from auralflow.errors import AudioError, OutputError, ShapeError

N_STEMS = 4

_FORMAT = OutputFormat("stem.mp4", bitrate_kbps=256)
_COLOURS = ("#009E73", "#D55E00", "#CC79A7", "#56B4E9")
# The processing a player may apply when it plays the four stems in place of the mix: all of it is off.
_NO_MASTERING = {
    "compressor": {
        "enabled": False,
        "ratio": 3,
        "output_gain": 0.5,
        "release": 0.3,
        "attack": 0.003,
        "input_gain": 0.5,
        "threshold": 0,
        "hp_cutoff": 300,
        "dry_wet": 50,
    },
    "limiter": {"enabled": False, "release": 0.05, "threshold": 0, "ceiling": -0.35},
}


class StemMp4Writer:
    """Encode the mixture and four stems in lock-step. Use it as a context manager, like `AudioWriter`.

    Mono sounds are duplicated to both sides, for the format knows stereo only. A rate that AAC lacks becomes the
    nearest one it has, and `warnings` says so.

    Raises:
        OutputError: not four stems, more than two channels, or the file cannot be written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        sample_rate: int,
        channels: int,
        stem_names: Sequence[str],
        tags: Mapping[str, str] | None = None,
        cover: bytes | None = None,
    ) -> None:
        if len(stem_names) != N_STEMS:
            raise OutputError(f"a .stem.mp4 holds exactly four stems, got {len(stem_names)}: {', '.join(stem_names)}")
        check_format(_FORMAT, sample_rate=sample_rate, channels=channels)
        self.sample_rate, self.channels, self.stem_names = sample_rate, channels, tuple(stem_names)
        self.warnings: list[str] = []
        """What the file does not keep, one line each."""
        self.n_written = 0
        """Samples per channel that came in so far."""
        file_rate = legal_sample_rate(_FORMAT, sample_rate)
        if file_rate != sample_rate:
            self.warnings.append(rate_warning(_FORMAT, sample_rate, file_rate))
        self._resamplers = [Resampler(sample_rate, file_rate, channels) for _ in range(1 + N_STEMS)]
        self._tags, self._cover = generic_tags(tags or {}), cover
        self._n_encoded = 0
        self._pending = PendingFile(path)
        try:
            self._container = open_mp4(self._pending, "mp4", file_rate, self._tags)
            self._streams = [add_stream(self._container, "aac", file_rate, 2, _FORMAT) for _ in self._resamplers]
            for stream, name in zip(self._streams, ("mixture", *stem_names), strict=True):
                stream.metadata["handler_name"] = name
        except BaseException as error:
            self._pending.discard()
            raise_as_output_error(self._pending, error)

    def write(self, blocks: Sequence[Samples]) -> None:
        """Append the same stretch of time of the mixture and of each stem, in the order of `stem_names`.

        Shape:
            blocks: five of (channel, time), float32

        Raises:
            ShapeError: not five blocks, or of different shapes.
            AudioError: a sample is NaN or infinite.
            OutputError: the disk is full, or the like.
        """
        shapes = [block.shape for block in blocks]
        if len(shapes) != 1 + N_STEMS or len(set(shapes)) != 1 or shapes[0][:-1] != (self.channels,):
            raise ShapeError(f"expected five blocks of shape ({self.channels}, time), got {shapes}")
        self.n_written += blocks[0].shape[1]
        self._encode([resampler.process(block) for resampler, block in zip(self._resamplers, blocks, strict=True)])

    def close(self) -> None:
        """Complete the file and give it its name.

        Raises:
            OutputError: the file could not be completed; what had the name before is still there.
        """
        try:
            self._encode([resampler.flush() for resampler in self._resamplers])
            self._finish()
            self._pending.commit()
        except BaseException as error:
            self.discard()
            raise_as_output_error(self._pending, error)

    def discard(self) -> None:
        """Give up: remove what was written so far. A file that had the name before stays."""
        self._pending.discard()
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def _encode(self, blocks: Sequence[Samples]) -> None:
        if blocks[0].shape[1] == 0:
            return
        try:
            for stream, block in zip(self._streams, blocks, strict=True):
                check_finite(block)
                stereo = np.broadcast_to(block, (2, block.shape[1]))
                self._container.mux(stream.encode(make_frame(stereo, stream.rate, self._n_encoded)))
            self._pending.check()
        except BaseException as error:
            raise_as_output_error(self._pending, error)
        self._n_encoded += blocks[0].shape[1]

    def _finish(self) -> None:
        if self._n_encoded == 0:
            raise OutputError(f"{self._pending}: a .stem.mp4 cannot be empty, got no samples")
        for stream in self._streams:
            self._container.mux(stream.encode(None))
        self._container.close()
        stem_box = make_box(b"stem", json.dumps(self._description()).encode())
        items = item_list(unboxed_tags(self._tags), self._cover)
        append_to_movie(self._pending, {ITEM_LIST: items, (b"udta",): stem_box})

    def _description(self) -> dict[str, Any]:
        stems = [{"name": name, "color": colour} for name, colour in zip(self.stem_names, _COLOURS, strict=True)]
        return {"mastering_dsp": _NO_MASTERING, "version": 1, "stems": stems}


def read_stem_names(path: str | os.PathLike[str]) -> list[str]:
    """Names of the stems that a Stem file states, in the order of its streams 2 to 5.

    Raises:
        AudioError: the file has no readable `stem` box.
    """
    try:
        with Path(path).open("rb") as file:
            content = _read_stem_box(file)
    except OSError as error:
        raise AudioError(f"{path}: expected a Stem file, got '{error.strerror}'; check the path") from None
    if content is None:
        raise AudioError(f"{path}: expected a Stem file, found no 'stem' box in it")
    try:
        return [str(stem["name"]) for stem in json.loads(content)["stems"]]
    except (ValueError, KeyError, TypeError):
        raise AudioError(f"{path}: expected the stems' names as JSON, the 'stem' box holds something else") from None


def _read_stem_box(file: BinaryIO) -> bytes | None:
    for box in file_boxes(file):
        if box.name == b"moov":
            file.seek(box.start)
            return find_box(file.read(box.end - box.start), [b"moov", b"udta", b"stem"])
    return None
