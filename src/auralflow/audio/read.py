"""Decode a file as a stream of float blocks, sample for sample what went into it."""

from __future__ import annotations

import math
import os
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile

from auralflow.audio._decode import StreamDecoder
from auralflow.audio._demux import open_container, open_file, shown
from auralflow.audio.probe import choose_stream, probe, stated_end
from auralflow.audio.types import Audio, Samples
from auralflow.errors import AudioError, ConfigError

BLOCK_SAMPLES = 65_536

_PADDING_SAMPLES = {"ogg": 8192, "mp3": 1152}
"""Padding that FFmpeg may leave at the end of a very short file; what is more is a stream chained behind the first."""

_PCM_CONTAINERS = ("wav", "w64", "aiff")


class AudioReader:
    """Iterates over an audio file in blocks of float samples; memory does not grow with the file.

    WAV, W64 and AIFF with plain samples and Ogg Vorbis go through libsndfile, all else through FFmpeg's decoders.
    Integers are divided by 2^(bits - 1), so that they come bit for bit; floats stay as they are, beyond -1..1 too.
    The encoder's delay and padding are removed where the container tells them: MP3 with a LAME or Xing tag, Ogg,
    Opus, MP4 and M4A (edit list or iTunes tag), Matroska. Raw AAC (ADTS) has no place for them: it begins with the
    encoder's delay, mostly 1024 samples, and ends on a whole frame. Channels come in the file's order, unmixed.

    A damaged file gives what decodes, with silence for what does not, so that the time stays; `warnings` tells.

    Args:
        path: the file.
        start_s: where to begin, in seconds; exact to the sample.
        duration_s: how much to read, in seconds; None for all.
        block_samples: length of the blocks; only the last one is shorter.
        stream: which of the file's audio streams, from 0.

    Shape:
        blocks: (channel, time), float32, C-contiguous.

    Raises:
        AudioError: as `probe`; or, while reading, nothing of the file decodes or it ends before `start_s`.
        ConfigError: an argument has a value it cannot have.

    Example:
        >>> import tempfile, soundfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     soundfile.write(f"{folder}/silence.wav", np.zeros((70_000, 2)), 44_100)
        ...     with AudioReader(f"{folder}/silence.wav") as reader:
        ...         [block.shape for block in reader]
        [(2, 65536), (2, 4464)]
    """

    def __init__(
        self,
        path: Path | str,
        *,
        start_s: float = 0.0,
        duration_s: float | None = None,
        block_samples: int = BLOCK_SAMPLES,
        stream: int = 0,
    ) -> None:
        _check_arguments(start_s, duration_s, block_samples)
        self.info = probe(path, stream)
        self.warnings: list[str] = []
        """What is wrong with the file, one line each; complete when the last block has been read."""
        self.n_read = 0
        """Samples per channel given out so far."""
        self._stream, self._block_samples = stream, block_samples
        self._start = round(start_s * self.sample_rate)
        self._limit = None if duration_s is None else max(1, round(duration_s * self.sample_rate))
        self.n_not_finite = 0
        """Samples that were NaN or infinite so far; they come out as zeros."""
        self._n_decoded = 0
        if self.info.n_samples is not None and self._start >= self.info.n_samples:
            raise self._starts_beyond(self.info.n_samples)
        self._blocks = self._read()

    @property
    def sample_rate(self) -> int:
        return self.info.sample_rate

    @property
    def channels(self) -> int:
        return self.info.channels

    def __iter__(self) -> Iterator[Samples]:
        return self

    def __next__(self) -> Samples:
        return next(self._blocks)

    def __enter__(self) -> AudioReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; the iteration ends."""
        self._blocks.close()

    def _read(self) -> Generator[Samples]:
        with closing(self._through_libsndfile() if self._is_for_libsndfile() else self._decoded()) as chunks:
            for block in _reblock(chunks, self.channels, self._block_samples, self._limit):
                self._silence_not_finite(block)
                self.n_read += block.shape[1]
                yield block
        if self._n_decoded and not self.n_read:
            raise self._starts_beyond(self._n_decoded)
        if not self.n_read:
            raise AudioError(
                f"{shown(self.info.path)}: nothing in it could be decoded; the file is damaged or holds no audio"
            )
        self._warn_of_the_end()

    def _is_for_libsndfile(self) -> bool:
        info = self.info
        if info.container == "ogg":
            # FFmpeg dates some Vorbis files 128 samples late, and loses as many at their end. More than two channels
            # come in Vorbis' own order from libsndfile.
            return info.codec == "vorbis" and info.channels <= 2 and info.n_streams == 1
        return info.container in _PCM_CONTAINERS and info.codec.startswith("pcm_")

    def _through_libsndfile(self) -> Generator[Samples]:
        file = _open_libsndfile(self.info.path)
        if file is not None and self.info.codec == "vorbis" and file.frames != self.info.n_samples:
            file.close()  # several songs in a chain, of which libsndfile reads one
            file = None
        if file is None:
            yield from self._decoded()
            return
        with file:
            self._n_decoded = file.frames
            if self._start >= file.frames:
                return
            self._skip_to_start(file)
            while len(samples := file.read(self._block_samples, dtype="float32", always_2d=True)):
                yield samples.T

    def _skip_to_start(self, file: soundfile.SoundFile) -> None:
        if self.info.codec != "vorbis":
            file.seek(self._start)
            return
        left = self._start  # libsndfile seeks to wrong places near the end of a Vorbis file
        while left:
            left -= len(file.read(min(left, BLOCK_SAMPLES), dtype="float32"))

    def _decoded(self) -> Generator[Samples]:
        path = self.info.path
        with open_file(path) as (file, found), open_container(path, file, found) as container:
            stream = choose_stream(path, container, self._stream)
            decoder = StreamDecoder(container, stream, self.info, self._start)
            end, slack = stated_end(file, found, container, stream), math.inf
            if found.demuxer in _PADDING_SAMPLES:
                end, slack = self.info.n_samples, _PADDING_SAMPLES[found.demuxer]
            try:
                yield from self._cut(decoder, end, slack)
            finally:
                self._n_decoded = max(0, decoder.position)
                self._warn_of_damage(decoder)

    def _cut(self, decoder: StreamDecoder, end: int | None, slack: float) -> Iterator[Samples]:
        """What comes before `end`; and if more than `slack` samples come after it, they too."""
        held: list[Samples] = []
        for samples in decoder:
            surplus = 0 if end is None else min(samples.shape[1], max(0, decoder.position - end))
            yield samples[:, : samples.shape[1] - surplus]
            if surplus and slack == math.inf:
                break
            if surplus:
                held.append(samples[:, samples.shape[1] - surplus :])
            if sum(piece.shape[1] for piece in held) > slack:
                yield from held
                end = None
                held.clear()

    def _silence_not_finite(self, block: Samples) -> None:
        is_finite = np.isfinite(block)
        if not is_finite.all():
            self.n_not_finite += int(block.size - np.count_nonzero(is_finite))
            block[~is_finite] = 0.0

    def _warn_of_damage(self, decoder: StreamDecoder) -> None:
        if decoder.n_damaged:
            self.warnings.append(
                f"damaged: {decoder.n_damaged} place{'s' * (decoder.n_damaged > 1)} could not be decoded, "
                f"{decoder.n_filled / self.sample_rate:.2f} s of silence stand in"
            )
        if decoder.changed_at is not None:
            self.warnings.append(
                f"changes its sample rate or channels at {decoder.changed_at / self.sample_rate:.2f} s; "
                "what follows is left out"
            )

    def _warn_of_the_end(self) -> None:
        if self.n_not_finite:
            self.warnings.append(f"{self.n_not_finite} samples were NaN or infinite and are 0 now")
        stated = self.info.n_samples
        if stated is None:
            return
        wanted = stated if self._limit is None else min(stated, self._start + self._limit)
        got = self._start + self.n_read
        if wanted - got > self._tolerance_s() * self.sample_rate:
            self.warnings.append(
                f"ends early: {got / self.sample_rate:.2f} of {stated / self.sample_rate:.2f} s decoded"
            )

    def _tolerance_s(self) -> float:
        """How far the stated length may be off: rounded in Matroska, elsewhere by frames with some encoders."""
        if self.info.container in ("mkv", "webm"):
            return 0.5
        return 0.0 if self.info.container in (*_PCM_CONTAINERS, "flac") else 0.1

    def _starts_beyond(self, n_samples: int) -> AudioError:
        start_s, end_s = self._start / self.sample_rate, n_samples / self.sample_rate
        return AudioError(
            f"{shown(self.info.path)}: expected a start before its end at {end_s:.2f} s, got {start_s:.2f} s"
        )


def read_audio(path: Path | str, *, start_s: float = 0.0, duration_s: float | None = None, stream: int = 0) -> Audio:
    """Decode a file, or a part of it, into memory.

    Args:
        path: the file.
        start_s: where to begin, in seconds.
        duration_s: how much to read, in seconds; None for all.
        stream: which of the file's audio streams, from 0.

    Shape:
        samples of the result: (channel, time), float32.

    Raises:
        AudioError: as `AudioReader`.
        ConfigError: an argument has a value it cannot have.
    """
    with AudioReader(path, start_s=start_s, duration_s=duration_s, stream=stream) as reader:
        return Audio(np.concatenate(list(reader), axis=1), reader.sample_rate)


def _reblock(chunks: Iterator[Samples], channels: int, block_samples: int, limit: int | None) -> Iterator[Samples]:
    """Arrays of any length to blocks of one length, at most `limit` samples in all; each block is a new array."""
    block, n_filled, n_left = np.empty((channels, block_samples), np.float32), 0, limit
    for chunk in chunks:
        rest = chunk if n_left is None else chunk[:, :n_left]
        n_left = None if n_left is None else n_left - rest.shape[1]
        while rest.shape[1]:
            n_taken = min(block_samples - n_filled, rest.shape[1])
            block[:, n_filled : n_filled + n_taken] = rest[:, :n_taken]
            n_filled, rest = n_filled + n_taken, rest[:, n_taken:]
            if n_filled == block_samples:
                yield block
                block, n_filled = np.empty((channels, block_samples), np.float32), 0
        if n_left == 0:
            break
    if n_filled:
        yield np.ascontiguousarray(block[:, :n_filled])


def _open_libsndfile(path: Path) -> soundfile.SoundFile | None:
    """The file in libsndfile, or None where FFmpeg reads more of it.

    So it is with rare headers, and with the data size of zero that a recorder leaves when it is switched off: FFmpeg
    reads on, libsndfile believes it.
    """
    # An absolute name, because libsndfile takes "-" for the standard input; in bytes where names may be any bytes.
    name = str(path.absolute())
    try:
        file = soundfile.SoundFile(name if os.name == "nt" else os.fsencode(name))
    except soundfile.LibsndfileError:
        return None
    if file.frames:
        return file
    file.close()
    return None


def _check_arguments(start_s: float, duration_s: float | None, block_samples: int) -> None:
    if not (math.isfinite(start_s) and start_s >= 0):
        raise ConfigError(f"start_s: expected 0 seconds or more, got {start_s!r}")
    if duration_s is not None and not (math.isfinite(duration_s) and duration_s > 0):
        raise ConfigError(f"duration_s: expected more than 0 seconds, got {duration_s!r}")
    if block_samples < 1:
        raise ConfigError(f"block_samples: expected 1 or more, got {block_samples!r}")
