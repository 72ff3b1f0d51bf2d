"""One audio stream of a container as float samples, in its own time: what is damaged becomes silence of that length."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer

from auralflow.audio.types import AudioInfo, Samples

_FORMATS = {
    "u8": (128, 2.0**-7),
    "s16": (0, 2.0**-15),
    "s32": (0, 2.0**-31),
    "flt": (0, 1.0),
    "dbl": (0, 1.0),
}
"""FFmpeg's sample format: the value of zero, the scale to -1..1 (24 bits come in the upper bits of s32)."""

_QUEUE_SAMPLES = 16_384
_WARM_UP_S = 1.0
_MAX_FILL_S = 60.0
_VORBIS_JITTER_S = 0.2
_FORGETFUL_CODECS = frozenset({"mp3", "flac", "alac"})
"""Codecs whose decoder forgets its past within the warm-up, to the last bit (AAC's noise generator never does)."""


class StreamDecoder:
    """Iterates over the samples of one stream from `start` on, in arrays (channel, time) of any length.

    Time is kept by the container's timestamps: where packets do not decode, or are missing, zeros of the same length
    stand in (60 s at most for the whole file; larger jumps are taken for nonsense). Only jumps of more than half a
    frame count, and each is measured against the frame before, so that rounded or drifting timestamps change nothing.
    """

    def __init__(self, container: InputContainer, stream: AudioStream, info: AudioInfo, start: int) -> None:
        self._container, self._stream, self._info, self._start = container, stream, info, start
        per_tick = (stream.time_base or Fraction(0)) * info.sample_rate
        self._per_tick = float(per_tick)
        self._is_exact = per_tick.numerator == 1
        can_jump = self._is_exact and info.codec in _FORGETFUL_CODECS
        self._jump_to = start - _WARM_UP_S * info.sample_rate if can_jump else 0.0
        self._zero: float | None = None
        self._clock = 0.0
        self._n_failed_samples = 0
        self._has_jumped = False
        self._queue = av.AudioFifo()
        self.position = 0
        """Samples from the beginning of the stream to the end of what has been given out."""
        self.n_damaged = 0
        """Packets that did not decode, and holes in the timestamps."""
        self.n_filled = 0
        """Samples of silence that stand in for them."""
        self.changed_at: int | None = None
        """Sample at which the stream changes its rate or channels, where decoding ends."""
        if info.codec == "flac":
            # Without it FFmpeg plays damaged frames as noise.
            stream.codec_context.options = {"err_detect": "crccheck+explode"}

    def __iter__(self) -> Iterator[Samples]:
        for frame in self._frames():
            if frame.sample_rate != self._info.sample_rate or frame.layout.nb_channels != self._info.channels:
                yield from self._drain()
                self.changed_at = self.position
                return
            if self._has_jumped:
                if frame.pts is None:
                    continue
                yield from self._drain()
            missing = self._missing_before(frame)
            if missing:
                yield from self._drain()
                yield from self._emit(self._silence(missing, frame.samples))
            self._clock += frame.samples
            frame.pts = None  # the queue would insist on timestamps without a hole
            try:
                self._queue.write(frame)
            except ValueError:  # a damaged frame of another sample format
                yield from self._drain()
                self._queue = av.AudioFifo()
                self._queue.write(frame)
            if self._queue.samples >= _QUEUE_SAMPLES:
                yield from self._drain()
        yield from self._drain()

    def _frames(self) -> Iterator[av.AudioFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.FFmpegError, OSError):
                self.n_damaged += 1
                return
            if self._jump_to > 0 and self._ends_before(packet, self._jump_to):
                self._has_jumped = True
                continue
            try:
                yield from packet.decode()
            except av.FFmpegError:
                if not self._ends_before(packet, self._start):
                    self.n_damaged += 1
                    self._n_failed_samples += round((packet.duration or 0) * self._per_tick)

    def _ends_before(self, packet: av.Packet[AudioStream], position: float) -> bool:
        if self._zero is None or packet.pts is None:
            return False
        return (packet.pts + (packet.duration or 0)) * self._per_tick - self._zero < position

    def _missing_before(self, frame: av.AudioFrame) -> int:
        """Samples that should have come between the last frame and this one; sets the clock to this one's start."""
        failed, self._n_failed_samples = self._n_failed_samples, 0
        if frame.pts is None:
            self._clock += failed
            return failed
        time = frame.pts * self._per_tick
        expected, self._clock = self._clock, time
        if self._zero is None:
            n_before = failed + self.position + self._queue.samples
            self._zero = self._time_of_first_sample(time - n_before, bool(failed))
            self.position += round(time - n_before - self._zero)
            return failed
        if self._has_jumped:
            self._has_jumped, self.position = False, round(time - self._zero)
            return 0
        if time - expected <= self._tolerance(frame):
            return 0
        self.n_damaged += not failed
        return round(time - expected)

    def _time_of_first_sample(self, begin: float, has_failed: bool) -> float:
        """Where the sound begins in the container's time, of which the first frame gives `begin`, in samples.

        The encoder's delay is cut from the first frame, so a frame that failed before it took that with it. What an
        edit list cuts comes with negative times.
        """
        if has_failed and self._stream.start_time is not None:
            begin = self._stream.start_time * self._per_tick
        return max(0.0, begin) if self._is_exact else begin

    def _tolerance(self, frame: av.AudioFrame) -> float:
        if self._info.codec == "vorbis":
            # FFmpeg counts the last long block before short ones too short, so that a sound page jumps by some blocks.
            return _VORBIS_JITTER_S * self._info.sample_rate
        return frame.samples / 2 + 2 * self._per_tick

    def _silence(self, n_samples: int, n_next: int) -> Samples:
        budget = round(_MAX_FILL_S * self._info.sample_rate) - self.n_filled
        if self._info.n_samples is not None:
            budget = min(budget, self._info.n_samples - self.position - n_next)
        n_samples = max(0, min(n_samples, budget))
        self.n_filled += n_samples
        return np.broadcast_to(np.float32(0), (self._info.channels, n_samples))

    def _drain(self) -> Iterator[Samples]:
        frame = self._queue.read() if self._queue.samples else None
        if frame is not None:
            yield from self._emit(samples_of(frame))

    def _emit(self, samples: Samples) -> Iterator[Samples]:
        first = max(0, self._start - self.position)
        self.position += samples.shape[1]
        if first < samples.shape[1]:
            yield samples[:, first:]


def samples_of(frame: av.AudioFrame) -> Samples:
    """The samples of a decoded frame as float32, (channel, time), without resampling or remixing."""
    zero, scale = _FORMATS[frame.format.name.removesuffix("p")]
    raw = frame.to_ndarray()
    if frame.format.is_packed:
        raw = raw.reshape(frame.samples, -1).T
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is the reader's to report
        samples: Samples = np.multiply(raw, np.float32(scale), dtype=np.float32, casting="unsafe")
    return samples - np.float32(zero * scale) if zero else samples
