"""Write audio as a stream of blocks: nothing appears under the file's name before it is complete."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
import numpy.typing as npt
import soundfile

from auralflow.audio.encoders import open_encoder
from auralflow.audio.formats import OutputFormat, check_format, legal_sample_rate
from auralflow.audio.pending import PendingFile
from auralflow.audio.quantise import Dither, check_finite, quantise
from auralflow.audio.resample import Resampler
from auralflow.audio.tags import generic_tags
from auralflow.audio.types import Audio, Samples
from auralflow.errors import ConfigError, OutputError, ShapeError

# Long blocks are taken in pieces that stay in the processor's cache.
_N_AT_ONCE = 32768


class AudioWriter:
    """Encode blocks into a file. Use it as a context manager: an exception inside leaves no file.

    Lossless formats keep rate, channels and length. A lossy codec without the rate gets the nearest one it has, and
    `warnings` says so. No gain is applied here: samples beyond full scale are clipped in integer formats, counted in
    `warnings`. The name of the file need not have the format's suffix.

    Raises:
        OutputError: the file cannot be written, or the format cannot hold such audio.

    Example:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "silence.flac"
        >>> flac = OutputFormat("flac", "int16")
        >>> with AudioWriter(path, sample_rate=44100, channels=2, output_format=flac) as writer:
        ...     writer.write(np.zeros((2, 44100), np.float32))
        >>> path.exists(), writer.n_written
        (True, 44100)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        sample_rate: int,
        channels: int,
        output_format: OutputFormat,
        tags: Mapping[str, str] | None = None,
        cover: bytes | None = None,
        dither: Dither = "none",
        seed: int = 0,
    ) -> None:
        if output_format.container == "stem.mp4":
            raise ConfigError("output_format: a .stem.mp4 holds five sounds; write it with StemMp4Writer")
        check_format(output_format, sample_rate=sample_rate, channels=channels)
        self.sample_rate, self.channels, self.output_format = sample_rate, channels, output_format
        self.warnings: list[str] = []
        """What the file does not keep, one line each; complete after the end of the `with` block."""
        self.n_written = 0
        """Samples per channel that came in so far."""
        file_rate = legal_sample_rate(output_format, sample_rate)
        self._resampler = None if file_rate == sample_rate else Resampler(sample_rate, file_rate, channels)
        if file_rate != sample_rate:
            self.warnings.append(rate_warning(output_format, sample_rate, file_rate))
        self._dither, self._generator = dither, np.random.default_rng(seed)
        self._n_clipped = 0
        self._pending = PendingFile(path)
        try:
            self._encoder = open_encoder(
                output_format,
                self._pending,
                sample_rate=file_rate,
                channels=channels,
                tags=generic_tags(tags or {}),
                cover=cover,
            )
            self._pending.check()
        except BaseException as error:
            self._pending.discard()
            raise_as_output_error(self._pending, error)

    def write(self, block: Samples) -> None:
        """Append samples.

        Shape:
            block: (channel, time), float32

        Raises:
            ShapeError: other axes, or another number of channels.
            AudioError: a sample is NaN or infinite.
            OutputError: the disk is full, or the like.
        """
        if block.ndim != 2 or block.shape[0] != self.channels:
            raise ShapeError(f"expected a block of shape ({self.channels}, time), got {block.shape}")
        self.n_written += block.shape[1]
        self._encode(block if self._resampler is None else self._resampler.process(block))

    def close(self) -> None:
        """Complete the file and give it its name.

        Raises:
            OutputError: the file could not be completed; what had the name before is still there.
        """
        try:
            if self._resampler is not None:
                self._encode(self._resampler.flush())
            self._encoder.finish()
            self._pending.commit()
        except BaseException as error:
            self.discard()
            raise_as_output_error(self._pending, error)
        if self._n_clipped:
            self.warnings.append(f"{self._n_clipped} samples were beyond full scale and were clipped")

    def discard(self) -> None:
        """Give up: remove what was written so far. A file that had the name before stays."""
        self._pending.discard()
        self._encoder.abandon()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def _encode(self, block: Samples) -> None:
        try:
            for start in range(0, block.shape[1], _N_AT_ONCE):
                self._encoder.write(self._convert(block[:, start : start + _N_AT_ONCE]))
                self._pending.check()
        except (soundfile.LibsndfileError, av.FFmpegError) as error:
            raise_as_output_error(self._pending, error)

    def _convert(self, block: Samples) -> npt.NDArray[Any]:
        depth = self.output_format.depth
        if depth is None or depth == "float32":
            check_finite(block)
            return block
        quantised = quantise(block, depth, self._dither, self._generator)
        self._n_clipped += quantised.n_clipped
        return quantised.samples


def write_audio(
    path: str | os.PathLike[str],
    audio: Audio,
    *,
    output_format: OutputFormat,
    tags: Mapping[str, str] | None = None,
    cover: bytes | None = None,
    dither: Dither = "none",
    seed: int = 0,
) -> list[str]:
    """Write a whole sound; gives the writer's warnings.

    Raises:
        OutputError: the file cannot be written, or the format cannot hold such audio.
        AudioError: a sample is NaN or infinite.
    """
    with AudioWriter(
        path,
        sample_rate=audio.sample_rate,
        channels=audio.channels,
        output_format=output_format,
        tags=tags,
        cover=cover,
        dither=dither,
        seed=seed,
    ) as writer:
        writer.write(audio.samples)
    return writer.warnings


def rate_warning(output_format: OutputFormat, sample_rate: int, file_rate: int) -> str:
    """The line that says a lossy file has another rate than its input."""
    return f"{output_format.container} has no sample rate of {sample_rate} Hz; written at {file_rate} Hz"


def raise_as_output_error(pending: PendingFile, error: BaseException) -> None:
    """Raise what stopped a write: an error of the disk before one of the codec, which only follows from it.

    Raises:
        OutputError: the disk or the codec refused.
    """
    if isinstance(error, (soundfile.LibsndfileError, av.FFmpegError)):
        pending.check()
        raise OutputError(f"{pending}: the encoder refused the audio ({error}); choose another format") from None
    raise error
