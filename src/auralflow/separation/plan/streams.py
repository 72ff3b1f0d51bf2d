"""Streams of blocks that meet and part: several readers of one stream, and several streams at one pace."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from auralflow.audio.ops import Fifo
from auralflow.audio.types import Samples
from auralflow.separation.outputs import weighted_sum


def fan_out(source: Iterator[Sequence[Samples]], picks: Sequence[int]) -> list[Iterator[Samples]]:
    """One stream for each of `picks`, which has that element of what the source gives, and is read at its own pace.

    What the slowest has not read yet is kept, so each must be read. Blocks are shared: nobody may write into them.

    Example:
        >>> import numpy as np
        >>> left, right = fan_out(iter([[np.zeros((1, 2)), np.ones((1, 2))]]), [0, 1])
        >>> next(right)
        array([[1., 1.]])
    """
    waiting: list[deque[Samples]] = [deque() for _ in picks]

    def read(own: deque[Samples]) -> Iterator[Samples]:
        while True:
            if not own:
                item = next(source, None)
                if item is None:
                    return
                for queue, pick in zip(waiting, picks, strict=True):
                    queue.append(item[pick])
            yield own.popleft()

    return [read(queue) for queue in waiting]


def share(blocks: Iterable[Samples], n_readers: int) -> list[Iterator[Samples]]:
    """The same stream for several readers; see `fan_out`."""
    return fan_out(([block] for block in blocks), [0] * n_readers)


def lockstep(streams: Sequence[Iterator[Samples]]) -> Iterator[list[Samples]]:
    """Blocks of all streams, cut to one length, to the end of the first; all must be equally long.

    Shape:
        blocks (..., time)
    """
    held = [Fifo() for _ in streams]
    while True:
        # Each is asked, also at the end, where a stream may still have a warning to give.
        filled = [_fill(fifo, stream) for fifo, stream in zip(held, streams, strict=True)]
        if not all(filled):
            return
        length = min(fifo.n_samples for fifo in held)
        yield [fifo.pop(length) for fifo in held]


def mix(streams: Sequence[Iterator[Samples]], weights: Sequence[float]) -> Iterator[Samples]:
    """Weighted sum of streams."""
    if len(streams) == 1 and weights[0] == 1:
        return streams[0]
    return (weighted_sum(weights, blocks) for blocks in lockstep(streams))


def _fill(fifo: Fifo, stream: Iterator[Samples]) -> bool:
    """Whether there is something, read from the stream where there was nothing."""
    while not fifo.n_samples:
        block = next(stream, None)
        if block is None:
            return False
        fifo.push(block)
    return True
