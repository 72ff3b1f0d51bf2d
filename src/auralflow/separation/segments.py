"""Cut a stream of blocks into overlapping segments of one length."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

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

    @classmethod
    def of(cls, spec: ModelSpec, segment_s: float | None = None, overlap: float | None = None) -> Segmentation:
        """From the model's spec, or from a segment length in seconds and an overlap as a fraction of it.

        By default neighbours share the context that the model needs on both sides and half a second (at most a quarter
        of what is left) to blend over.

        Raises:
            ConfigError: the segment does not hold its context, or the overlap is not in 0 to below 1.
        """
        if segment_s is not None and not math.isfinite(segment_s):
            raise ConfigError(f"segment: expected seconds, got {segment_s}")
        segment = spec.segment_samples if segment_s is None else round(segment_s * spec.sample_rate)
        if segment <= 2 * spec.context_samples or segment < 1:
            least = (2 * spec.context_samples + 1) / spec.sample_rate
            raise ConfigError(f"segment: this model needs at least {least:.3g} s, got {segment_s:.3g} s")
        if overlap is None:
            ramp = min(spec.sample_rate // 2, (segment - 2 * spec.context_samples) // 4)
            shared = 2 * spec.context_samples + ramp
        elif 0 <= overlap < 1:
            shared = min(round(overlap * segment), segment - 1)
        else:
            raise ConfigError(f"overlap: expected a fraction from 0 to below 1, got {overlap}")
        context = min(spec.context_samples, shared // 2)
        ramp = min(shared - 2 * context, segment // 2 - context)
        return cls(segment, segment - shared, context, ramp)


@dataclass(frozen=True, eq=False)
class Segment:
    """A piece of the conformed mixture."""

    start: int
    """Number of its first sample in the track."""
    samples: Samples
    """(group, channel, time)"""
    is_first: bool
    is_last: bool

    @property
    def end(self) -> int:
        return self.start + int(self.samples.shape[-1])


def cut_segments(blocks: Iterable[Samples], segmentation: Segmentation) -> Iterator[Segment]:
    """Segments of exactly `segment_samples`; a track that is shorter is one segment.

    The last one is moved back to end with the track rather than padded, so that the model hears only music. Blocks are
    read no further than the next segment needs.

    Shape:
        blocks (group, channel, time)
    """
    n_segment, hop = segmentation.segment_samples, segmentation.hop_samples
    held = _Held()
    start = 0
    for block in blocks:
        held.append(block)
        while held.end > start + n_segment:
            yield Segment(start, held.slice(start, start + n_segment), start == 0, is_last=False)
            held.drop_before(start)
            start += hop
    if held.end == 0:
        return
    last = max(0, held.end - n_segment)
    yield Segment(last, held.slice(last, held.end), is_first=start == 0, is_last=True)


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

    def drop_before(self, start: int) -> None:
        """Forget what lies before `start`; the next segment cannot begin before the last one did."""
        self._blocks = [self._blocks[0][..., start - self._start :].copy()] if start > self._start else self._blocks
        self._start = max(start, self._start)
