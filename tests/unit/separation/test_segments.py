"""Segments cover every sample and move back at the end rather than pad."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import numpy as np
import pytest

from auralflow.errors import ConfigError
from auralflow.separation.segments import Segmentation, cut_segments
from auralflow.spec import ModelSpec

SPEC = ModelSpec(("a",), 8000, 1, segment_samples=8000, context_samples=1000)


@pytest.mark.parametrize("n_samples", [0, 1, 99, 100, 101, 160, 161, 1000, 1037])
@pytest.mark.parametrize("block_samples", [1, 33, 5000])
def test_segments_cover_the_track(n_samples: int, block_samples: int) -> None:
    track = np.arange(n_samples, dtype=np.float32)[None, None]
    blocks = (track[..., i : i + block_samples] for i in range(0, n_samples, block_samples))
    segments = list(cut_segments(blocks, Segmentation(100, 60, 10, 20)))
    covered = np.zeros(n_samples)
    for segment in segments:
        np.testing.assert_array_equal(segment.samples, track[..., segment.start : segment.end])
        covered[segment.start : segment.end] += 1
    assert (covered > 0).all()
    assert all(s.samples.shape[-1] == min(100, n_samples) for s in segments)
    assert [s.is_first for s in segments] == [i == 0 for i in range(len(segments))]
    assert [s.is_last for s in segments] == [i == len(segments) - 1 for i in range(len(segments))]
    overlaps = [a.end - b.start for a, b in pairwise(segments)]
    assert all(overlap >= 40 for overlap in overlaps)


def test_reads_no_further_than_the_next_segment() -> None:
    n_read = 0

    def blocks() -> Iterator[np.ndarray]:
        nonlocal n_read
        for _ in range(1000):
            n_read += 1
            yield np.zeros((1, 1, 10), np.float32)

    segments = cut_segments(blocks(), Segmentation(100, 60, 10, 20))
    next(segments)
    assert n_read == 11


@pytest.mark.parametrize("n_samples", [1, 40, 99, 100, 101, 175, 176, 1000, 1037])
@pytest.mark.parametrize("block_samples", [1, 33, 5000])
@pytest.mark.parametrize("tail", ["pad", "short"])
def test_segments_on_a_grid_hear_what_surrounds_them(
    n_samples: int, block_samples: int, tail: Literal["pad", "short"]
) -> None:
    track = np.arange(1, n_samples + 1, dtype=np.float32)[None, None]
    blocks = (track[..., i : i + block_samples] for i in range(0, n_samples, block_samples))
    segments = list(cut_segments(blocks, Segmentation(100, 75, 0, 25, blend="triangle", tail=tail)))
    assert [s.start for s in segments] == list(range(0, n_samples, 75))
    around = np.pad(track, ((0, 0), (0, 0), (100, 100)))
    for segment in segments:
        assert segment.end == min(segment.start + 100, n_samples)
        np.testing.assert_array_equal(segment.samples[..., segment.counted], track[..., segment.start : segment.end])
        if tail == "pad":
            assert segment.samples.shape[-1] == 100
            heard = segment.start - (100 - (segment.end - segment.start)) // 2 + 100
            np.testing.assert_array_equal(segment.samples, around[..., heard : heard + 100])
        else:
            assert segment.samples.shape[-1] == segment.end - segment.start


@pytest.mark.parametrize("n_samples", [1, 100, 101, 133, 160, 1037])
def test_segments_begin_on_the_grid(n_samples: int) -> None:
    track = np.arange(n_samples, dtype=np.float32)[None, None]
    segments = list(cut_segments(iter([track]), Segmentation(100, 60, 10, 20, grid_samples=20)))
    assert all(s.start % 20 == 0 for s in segments)
    assert segments[-1].end == n_samples
    assert all(a.end - b.start >= 40 for a, b in pairwise(segments))


def test_grid_rounds_the_hop_down() -> None:
    spec = ModelSpec(("a",), 8000, 1, segment_samples=8000, context_samples=1000, grid_samples=1024)
    cut = Segmentation.of(spec)
    assert cut.hop_samples == 4096
    assert (cut.context_samples, cut.ramp_samples) == (1000, 1904)
    with pytest.raises(ConfigError, match="at least"):
        Segmentation.of(spec, 0.3)


def test_spec_says_the_overlap() -> None:
    cut = Segmentation.of(ModelSpec(("a",), 8000, 1, segment_samples=8001, overlap=0.25, blend="triangle", tail="pad"))
    assert (cut.hop_samples, cut.context_samples, cut.tail) == (6000, 0, "pad")


def test_default_overlap_is_the_context_and_half_a_second_at_most() -> None:
    cut = Segmentation.of(SPEC)
    assert (cut.segment_samples, cut.context_samples, cut.ramp_samples) == (8000, 1000, 1500)
    assert cut.hop_samples == 8000 - 2000 - 1500
    long = Segmentation.of(ModelSpec(("a",), 8000, 1, segment_samples=80_000))
    assert long.ramp_samples == 4000


@pytest.mark.parametrize("overlap", [0.0, 0.1, 0.25, 0.5, 0.75, 0.9])
def test_overlap_is_a_fraction_of_the_segment(overlap: float) -> None:
    cut = Segmentation.of(SPEC, overlap=overlap)
    assert cut.segment_samples - cut.hop_samples == round(overlap * 8000)
    assert cut.context_samples <= 1000
    assert 2 * (cut.context_samples + cut.ramp_samples) <= 8000


@pytest.mark.parametrize(("segment_s", "overlap"), [(0.25, None), (0.0, None), (None, 1.0), (None, -0.1)])
def test_what_cannot_be_is_refused(segment_s: float | None, overlap: float | None) -> None:
    with pytest.raises(ConfigError, match=r"segment: this model needs|overlap: expected"):
        Segmentation.of(SPEC, segment_s, overlap)
