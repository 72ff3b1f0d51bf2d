"""Streams part and meet, and nothing of them is lost or mixed up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auralflow.separation.plan.streams import fan_out, lockstep, mix, share


def ramp(start: int, *lengths: int) -> Iterator[np.ndarray]:
    """Blocks of counting numbers, (1, time)."""
    for length in lengths:
        yield np.arange(start, start + length, dtype=np.float32)[None]
        start += length


def test_readers_hear_the_same_at_their_own_pace() -> None:
    first, second = share(ramp(0, 3, 0, 4), 2)
    ahead = np.concatenate(list(first), -1)
    behind = np.concatenate(list(second), -1)
    np.testing.assert_array_equal(ahead, np.arange(7)[None])
    np.testing.assert_array_equal(behind, ahead)


def test_a_source_is_read_once_and_no_further_than_asked() -> None:
    n_read = 0

    def source() -> Iterator[np.ndarray]:
        nonlocal n_read
        while True:
            n_read += 1
            yield np.zeros((1, 2), np.float32)

    readers = share(source(), 3)
    for reader in readers:
        next(reader)
        next(reader)
    assert n_read == 2


def test_each_reader_gets_its_element() -> None:
    pairs = ([np.full((1, 1), i), np.full((1, 1), -i)] for i in range(4))
    plus, minus, again = fan_out(pairs, [0, 1, 0])
    assert [int(block.item()) for block in minus] == [0, -1, -2, -3]
    assert [int(block.item()) for block in again] == [int(block.item()) for block in plus]


def test_streams_are_cut_alike() -> None:
    blocks = list(lockstep([ramp(0, 5, 5), ramp(10, 1, 0, 2, 7)]))
    assert all(a.shape == b.shape for a, b in blocks)
    np.testing.assert_array_equal(np.concatenate([a for a, _ in blocks], -1), np.arange(10)[None])
    np.testing.assert_array_equal(np.concatenate([b for _, b in blocks], -1), np.arange(10, 20)[None])
    assert list(lockstep([ramp(0), ramp(0)])) == []


def test_every_stream_is_read_to_its_end() -> None:
    """What a stream does after its last block, such as warning, is done."""
    ended = []

    def source(name: str) -> Iterator[np.ndarray]:
        yield from ramp(0, 4)
        ended.append(name)

    list(lockstep([source("a"), source("b")]))
    assert ended == ["a", "b"]


def test_a_mix_is_a_weighted_sum() -> None:
    (mixed,) = mix([ramp(0, 4), ramp(1, 4)], [1.0, -0.5])
    np.testing.assert_array_equal(mixed, [[-0.5, 0, 0.5, 1]])
    (same,) = mix([ramp(0, 4)], [1.0])
    np.testing.assert_array_equal(same, [[0, 1, 2, 3]])
