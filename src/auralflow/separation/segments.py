"""Cut a stream of blocks into overlapping segments of one length."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from auralflow.audio.types import Samples
from auralflow.errors import ConfigError
from auralflow.spec import ModelSpec


@dataclass(frozen=True)
class Segmentation:
    """How long segments are and how they blend, in samples at the model's rate."""

    segment_samples: int
    hop_samples: int
    context_samples: int
    """At each end of a segment, samples that are not used (except at the ends of the track)."""
    ramp_samples: int
    """Length over which neighbours blend."""
    grid_samples: int = 1
    """Segments begin at multiples of it."""
    blend: Literal["trapezoid", "triangle"] = "trapezoid"
    tail: Literal["move", "pad", "short"] = "move"
    """What becomes of the end of the track; see `ModelSpec`."""

    @classmethod
    def of(cls, spec: ModelSpec, segment_s: float | None = None, overlap: float | None = None) -> Segmentation:
        """From the model's spec, or from a segment length in seconds and an overlap as a fraction of it.

        By default neighbours share what the spec says; where it says nothing, the context that the model needs on both
        sides and half a second (at most a quarter of what is left) to blend over.

        Raises:
            ConfigError: the segment does not hold its context, or the overlap is not in 0 to below 1.
        """
        if segment_s is not None and not math.isfinite(segment_s):
            raise ConfigError(f"segment: expected seconds, got {segment_s}")
        segment = spec.segment_samples if segment_s is None else round(segment_s * spec.sample_rate)
        least = 2 * spec.context_samples + (spec.grid_samples if spec.grid_samples > 1 else 0)
        if segment <= least or segment < 1:
            raise ConfigError(
                f"segment: this model needs at least {(least + 1) / spec.sample_rate:.3g} s, "
                f"got {segment / spec.sample_rate:.3g} s"
            )
        shared = cls._share(spec, segment, spec.overlap if overlap is None else overlap)
        hop = segment - shared
        if spec.grid_samples > 1:
            hop = max(1, hop // spec.grid_samples) * spec.grid_samples
            shared = segment - hop
        context = min(spec.context_samples, shared // 2)
        ramp = min(shared - 2 * context, segment // 2 - context)
        return cls(segment, hop, context, ramp, spec.grid_samples, spec.blend, spec.tail)

    @staticmethod
    def _share(spec: ModelSpec, segment: int, overlap: float | None) -> int:
        """Samples that neighbours have in common."""
        if overlap is None:
            free = segment - 2 * spec.context_samples
            return 2 * spec.context_samples + min(spec.sample_rate // 2, free // 4)
        if not 0 <= overlap < 1:
            raise ConfigError(f"overlap: expected a fraction from 0 to below 1, got {overlap}")
        if spec.blend == "triangle":  # rounded as Demucs does
            return segment - max(1, int((1 - overlap) * segment))
        return min(round(overlap * segment), segment - 1)


@dataclass(frozen=True, eq=False)
class Segment:
    """A piece of the conformed mixture."""

    start: int
    """Number in the track of the first sample that counts."""
    samples: Samples
    """What the model hears, (group, channel, time)."""
    is_first: bool
    is_last: bool
    offset: int = 0
    """Where in what the model hears the samples begin that count."""
    length: int = 0
    """How many of them count; 0 for all."""

    @property
    def end(self) -> int:
        return self.start + (self.length or int(self.samples.shape[-1]))

    @property
    def counted(self) -> slice:
        """The samples that count."""
        return slice(self.offset, self.offset + self.end - self.start)

    @property
    def beyond(self) -> tuple[slice, slice]:
        """Where it was filled up with silence, before the track and after it."""
        return slice(0, max(0, self.offset - self.start)), slice(self.counted.stop, None)


def cut_segments(blocks: Iterable[Samples], segmentation: Segmentation) -> Iterator[Segment]:
    """Segments of `segment_samples`; blocks are read no further than the next segment needs.

    Shape:
        blocks (group, channel, time)
    """
    cut = _cut_and_move if segmentation.tail == "move" else _cut_on_grid
    return cut(blocks, segmentation)


def _cut_and_move(blocks: Iterable[Samples], cut: Segmentation) -> Iterator[Segment]:
    """The last segment is moved back to end with the track, as far as the grid lets it, so that the model hears only
    music; a track that is shorter than a segment is one segment."""
    held = _Held()
    start = 0
    for block in blocks:
        held.append(block)
        while held.end > start + cut.segment_samples:
            yield Segment(start, held.slice(start, start + cut.segment_samples), start == 0, is_last=False)
            held.drop_before(start)
            start += cut.hop_samples
    if held.end == 0:
        return
    last = max(0, -(-(held.end - cut.segment_samples) // cut.grid_samples) * cut.grid_samples)
    yield Segment(last, held.slice(last, held.end), is_first=start == 0, is_last=True)


def _cut_on_grid(blocks: Iterable[Samples], cut: Segmentation) -> Iterator[Segment]:
    """A segment begins at every hop of the track; those that reach beyond its end are padded or short."""
    held = _Held()
    start = 0
    for block in blocks:
        held.append(block)
        while held.end >= start + cut.segment_samples:
            yield Segment(start, held.slice(start, start + cut.segment_samples), start == 0, is_last=False)
            start += cut.hop_samples
            held.drop_before(start - cut.segment_samples // 2)  # padding may reach back so far
    while start < held.end:
        length = held.end - start
        offset = (cut.segment_samples - length) // 2 if cut.tail == "pad" else 0
        end = start - offset + cut.segment_samples if cut.tail == "pad" else held.end
        samples = held.slice_padded(start - offset, end)
        is_last = start + cut.hop_samples >= held.end
        yield Segment(start, samples, start == 0, is_last, offset, length)
        start += cut.hop_samples


class _Held:
    """Blocks that a later segment still needs."""

    def __init__(self) -> None:
        self._blocks: list[Samples] = []
        self._start = self.end = 0

    def append(self, block: Samples) -> None:
        if block.shape[-1]:
            self._blocks.append(block)
            self.end += int(block.shape[-1])

    def slice(self, start: int, end: int) -> Samples:
        if len(self._blocks) > 1:
            self._blocks = [np.concatenate(self._blocks, axis=-1)]
        return self._blocks[0][..., start - self._start : end - self._start]

    def slice_padded(self, start: int, end: int) -> Samples:
        """The same, with silence before the track and after it."""
        samples = self.slice(max(0, start), min(end, self.end))
        before, after = max(0, -start), max(0, end - self.end)
        return np.pad(samples, ((0, 0), (0, 0), (before, after))) if before or after else samples

    def drop_before(self, start: int) -> None:
        """Forget what lies before `start`."""
        self._blocks = [self._blocks[0][..., start - self._start :].copy()] if start > self._start else self._blocks
        self._start = max(start, self._start)
