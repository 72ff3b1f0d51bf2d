"""One audio stream of a container as float samples, in its own time: what is damaged becomes silence of equal length."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer

from auralflow.audio.types import AudioInfo, Samples

_FORMATS: dict[str, tuple[str, int, float]] = {
    "u8": ("u1", 128, 2.0**-7),
    "s16": ("i2", 0, 2.0**-15),
    "s32": ("i4", 0, 2.0**-31),
    "flt": ("f4", 0, 1.0),
    "dbl": ("f8", 0, 1.0),
}
"""FFmpeg's sample format: numpy's type, the value of zero, the scale to -1..1 (24 bits come in the upper bits of s32)."""

_WARM_UP_S = 1.0
_MAX_FILL_S = 60.0
_SEEKABLE_CODECS = frozenset({"mp3", "aac", "flac", "alac"})
"""Codecs whose decoder forgets its past within the warm-up, to the last bit."""


class StreamDecoder:
    """Iterates over the samples of one stream from `start` on, in arrays (channel, time) of any length.

    Time is kept by the container's timestamps: where packets do not decode, or are missing, zeros of the same length
    stand in (60 s at most for the whole file; larger jumps are taken for nonsense). Only jumps of more than half a
    frame count, and each is measured against the frame before, so that rounded timestamps change nothing.
    """

    def __init__(self, container: InputContainer, stream: AudioStream, info: AudioInfo, start: int) -> None:
        self._container, self._stream, self._info, self._start = container, stream, info, start
        self._per_tick = float((stream.time_base or 0) * info.sample_rate)
        is_exact = self._per_tick > 0 and (1 / self._per_tick).is_integer()
        self._can_jump = is_exact and info.codec in _SEEKABLE_CODECS
        self._zero: float | None = None
        self._clock = 0.0
        self._at = 0
        self._failed_samples = 0
        self._has_jumped = False
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
        packets = self._container.demux(self._stream)
        while self.changed_at is None:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError:
                self.n_damaged += 1
                return
            if self._is_skipped(packet):
                continue
            try:
                frames = packet.decode()
            except av.FFmpegError:
                self._note_failure(packet)
                continue
            for frame in frames:
                yield from self._place(frame)

    def _is_skipped(self, packet: av.Packet) -> bool:
        if not self._can_jump or self._zero is None or packet.pts is None or not packet.duration:
            return False
        end = (packet.pts + packet.duration) * self._per_tick - self._zero
        if end >= self._start - _WARM_UP_S * self._info.sample_rate:
            return False
        self._has_jumped = True
        return True

    def _note_failure(self, packet: av.Packet) -> None:
        if packet.pts is not None and self._zero is not None:
            end = (packet.pts + (packet.duration or 0)) * self._per_tick - self._zero
            if end < self._start:
                return
        self.n_damaged += 1
        self._failed_samples += round((packet.duration or 0) * self._per_tick)

    def _place(self, frame: av.AudioFrame) -> Iterator[Samples]:
        if frame.sample_rate != self._info.sample_rate or frame.layout.nb_channels != self._info.channels:
            self.changed_at = self._at
            return
        yield from self._emit(self._silence_before(frame))
        yield from self._emit(samples_of(frame))
        self._clock += frame.samples

    def _silence_before(self, frame: av.AudioFrame) -> Samples:
        """Zeros for what is missing between the last frame and this one, (channel, time)."""
        failed, self._failed_samples = self._failed_samples, 0
        if frame.pts is None:
            missing = failed
        else:
            time = frame.pts * self._per_tick
            if self._zero is None:
                self._zero = self._clock = time
            if self._has_jumped:
                self._has_jumped, self._clock, self._at = False, time, round(time - self._zero)
            tolerance = frame.samples / 2 + 2 * self._per_tick
            missing = round(time - self._clock) if time - self._clock > tolerance else 0
            self._clock = time - missing
            self.n_damaged += bool(missing and not failed)
        budget = round(_MAX_FILL_S * self._info.sample_rate) - self.n_filled
        if self._info.n_samples is not None:
            budget = min(budget, self._info.n_samples - self._at - frame.samples)
        missing = max(0, min(missing, budget))
        self._clock += missing
        self.n_filled += missing
        return np.broadcast_to(np.float32(0), (self._info.channels, missing))

    def _emit(self, samples: Samples) -> Iterator[Samples]:
        first = max(0, self._start - self._at)
        self._at += samples.shape[1]
        if first < samples.shape[1]:
            yield samples[:, first:]


def samples_of(frame: av.AudioFrame) -> Samples:
    """The samples of a decoded frame as float32, (channel, time), without resampling or remixing."""
    name = frame.format.name
    dtype, zero, scale = _FORMATS[name.removesuffix("p")]
    if name.endswith("p"):
        raw = np.stack([np.frombuffer(plane, dtype, frame.samples) for plane in frame.planes])
    else:
        channels = frame.layout.nb_channels
        raw = np.frombuffer(frame.planes[0], dtype, frame.samples * channels).reshape(frame.samples, channels).T
    with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite, which the reader reports
        samples = raw.astype(np.float32, copy=False)
    if scale == 1.0:
        return samples
    return (samples - np.float32(zero)) * np.float32(scale) if zero else samples * np.float32(scale)
