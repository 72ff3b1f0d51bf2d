"""Batches are the same ones for any number of workers and ranks, and from any point on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import soundfile
import torch

from auralflow.audio.types import Samples
from auralflow.data.augment import augmentations
from auralflow.data.draw import Chunk, ChunkDrawer, ChunkKey, Policy, Step
from auralflow.data.loader import Batch, RankSampler, Schedule, collate, make_loader
from auralflow.data.pool import make_pool
from auralflow.data.reader import SoundReader
from auralflow.data.track import Track, find_sound
from auralflow.errors import AudioError, ConfigError

RATE = 8000
STEMS = ("vocals", "drums", "bass")
N_CHUNK = 400

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


@dataclass(frozen=True)
class Noise:
    """Adds noise from the generator that it is given."""

    SCOPE: ClassVar[str] = "stem"

    def __call__(self, samples: Samples, sample_rate: int, random: np.random.Generator) -> Samples:
        return samples + 0.1 * random.standard_normal(samples.shape, dtype=np.float32)


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> list[Track]:
    """Four songs of noise, one of them with a stem that cannot be read."""
    root, random, made = tmp_path_factory.mktemp("songs"), np.random.default_rng(0), []
    for song in range(4):
        stems = {}
        for stem in STEMS:
            path = root / f"{song} {stem}.wav"
            soundfile.write(path, random.uniform(-0.5, 0.5, (3000, 2)), RATE)
            stems[stem] = find_sound(path)
        made.append(Track(f"song {song}", stems))
    made[3].stems["bass"].path.write_bytes(b"")
    return made


def make_drawer(tracks: Sequence[Track]) -> ChunkDrawer:
    names = {"gain": 1.0, "channel_swap": 0.5, "polarity": 0.5, "pitch_tempo": 0.2}
    steps = [Step(augmentations.load(name)(), probability) for name, probability in names.items()]
    policy = Policy(N_CHUNK, remix=0.5, keep_silent=0.1, steps=(*steps, Step(Noise(), 0.5)))
    return ChunkDrawer([make_pool(tracks, STEMS, are_songs=True)], SoundReader(RATE, 2), policy, 3)


def assert_equal(batches: Sequence[Batch], expected: Sequence[Batch]) -> None:
    assert len(batches) == len(expected)
    for batch, other in zip(batches, expected, strict=True):
        assert torch.equal(batch.mixture, other.mixture)
        assert torch.equal(batch.targets, other.targets)
        assert batch.failures == other.failures


def test_workers_change_nothing(tracks: list[Track]) -> None:
    schedule = Schedule(n_samples=8, batch_size=2, n_epochs=2)
    plain, *others = (
        list(make_loader(make_drawer(tracks), schedule, n_workers=n_workers, prefetch=prefetch))
        for n_workers, prefetch in ((0, 4), (1, 4), (3, 1), (3, 8))
    )
    assert len(plain) == 8
    assert {batch.mixture.shape for batch in plain} == {(2, 2, N_CHUNK)}
    assert {batch.targets.shape for batch in plain} == {(2, 3, 2, N_CHUNK)}
    assert any(batch.failures for batch in plain)
    assert len({float(mixture.sum()) for batch in plain for mixture in batch.mixture}) == 16
    for batches in others:
        assert_equal(batches, plain)


def test_a_loader_gives_what_the_drawer_draws(tracks: list[Track]) -> None:
    drawer = make_drawer(tracks)
    (batch,) = make_loader(drawer, Schedule(n_samples=3, batch_size=3, n_epochs=1))
    assert_equal([batch], [collate([drawer.draw(ChunkKey(0, number)) for number in range(3)])])


@pytest.mark.parametrize("n_workers", [0, 2])
@pytest.mark.parametrize("first", [1, 4, 5, 11])
def test_a_loader_that_begins_in_the_middle_goes_on_exactly(tracks: list[Track], n_workers: int, first: int) -> None:
    schedule = Schedule(n_samples=9, batch_size=2, n_epochs=3)
    whole = list(make_loader(make_drawer(tracks), schedule))
    rest = list(make_loader(make_drawer(tracks), schedule, n_workers=n_workers, first_batch=first))
    assert len(whole) == 12
    assert_equal(rest, whole[first:])


def test_the_global_generator_is_left_alone(tracks: list[Track]) -> None:
    """What dropout draws must not depend on how many workers there are, or on when a loader was begun."""
    torch.manual_seed(0)
    expected = torch.rand(5)
    for n_workers in (0, 2):
        torch.manual_seed(0)
        list(make_loader(make_drawer(tracks), Schedule(n_samples=2, batch_size=1, n_epochs=1), n_workers=n_workers))
        assert torch.equal(torch.rand(5), expected)


def test_ranks_see_together_what_one_sees_with_the_larger_batch(tracks: list[Track]) -> None:
    one = list(make_loader(make_drawer(tracks), Schedule(n_samples=13, batch_size=6, n_epochs=2)))
    ranks = [
        list(make_loader(make_drawer(tracks), Schedule(13, batch_size=3, n_epochs=2, n_ranks=2, rank=rank)))
        for rank in range(2)
    ]
    assert len(one) == 4
    for batch, *parts in zip(one, *ranks, strict=True):
        assert torch.equal(torch.stack([part.mixture for part in parts], 1).flatten(0, 1), batch.mixture)
        assert torch.equal(torch.stack([part.targets for part in parts], 1).flatten(0, 1), batch.targets)


def batches_of(schedule: Schedule, first_batch: int = 0) -> list[tuple[ChunkKey, ...]]:
    keys = list(RankSampler(schedule, first_batch))
    return list(zip(*[iter(keys)] * schedule.batch_size, strict=True))


@pytest.mark.parametrize(
    ("n_samples", "batch_size", "n_ranks", "accumulate"),
    list(product((24, 25, 47), (1, 3), (1, 2, 4), (1, 2))),
)
def test_laws_of_schedules(n_samples: int, batch_size: int, n_ranks: int, accumulate: int) -> None:
    n_epochs = 3
    schedules = [Schedule(n_samples, batch_size, n_epochs, n_ranks, rank, accumulate) for rank in range(n_ranks)]
    n_batches, n_in_step = schedules[0].n_batches, batch_size * n_ranks * accumulate
    assert n_batches % accumulate == 0
    assert 0 <= n_samples - n_batches * batch_size * n_ranks < n_in_step
    by_rank = [batches_of(schedule) for schedule in schedules]
    assert {len(batches) for batches in by_rank} == {n_batches * n_epochs}
    # An epoch is the first numbers, once each, in order: of all ranks' first chunks, then of their second, ...
    for number, batches in enumerate(zip(*by_rank, strict=True)):
        epoch, at = divmod(number, n_batches)
        expected = [ChunkKey(epoch, at * batch_size * n_ranks + i) for i in range(batch_size * n_ranks)]
        assert list(chain(*zip(*batches, strict=True))) == expected
    alone = replace(schedules[0], batch_size=batch_size * n_ranks, n_ranks=1)
    assert [sorted(chain(*batches)) for batches in zip(*by_rank, strict=True)] == [list(b) for b in batches_of(alone)]


@pytest.mark.parametrize("rank", [0, 1])
def test_a_sampler_goes_on_from_any_batch(rank: int) -> None:
    schedule = Schedule(n_samples=17, batch_size=2, n_epochs=3, n_ranks=2, rank=rank)
    whole = batches_of(schedule)
    for first in range(len(whole) + 1):
        assert batches_of(schedule, first) == whole[first:]
    assert batches_of(schedule, len(whole) + 5) == []


def test_a_sampler_counts_the_whole_run() -> None:
    schedule = Schedule(n_samples=17, batch_size=2, n_epochs=3, n_ranks=2)
    assert len(RankSampler(schedule)) == len(RankSampler(schedule, 7)) == 4 * 3 * 2 == len(list(RankSampler(schedule)))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"n_samples": 3, "batch_size": 4},
            "data.batch_size: an epoch of 3 chunks does not fill a batch of 4 on each of 1 devices; lower it, or raise "
            "data.n_samples",
        ),
        (
            {"n_samples": 7, "batch_size": 2, "n_ranks": 4},
            "data.batch_size: an epoch of 7 chunks does not fill a batch of 2 on each of 4 devices; lower it, or raise "
            "data.n_samples",
        ),
        (
            {"n_samples": 7, "batch_size": 2, "n_ranks": 2, "accumulate": 2},
            "data.batch_size: an epoch of 7 chunks does not fill a batch of 2 on each of 2 devices x 2 batches of a "
            "step; lower it, or raise data.n_samples",
        ),
    ],
)
def test_an_epoch_without_a_batch(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Schedule(n_epochs=1, **values)
    assert str(caught.value) == message


def test_just_one_batch_is_enough() -> None:
    assert Schedule(n_samples=8, batch_size=2, n_epochs=1, n_ranks=2, accumulate=2).n_batches == 2


def test_collate() -> None:
    chunks = [
        Chunk(np.full((2, 1, 3), value, np.float32), np.full((1, 3), 10 * value, np.float32), failures)
        for value, failures in ((1, ()), (2, ("a: b", "c: d")), (3, ("a: b",)))
    ]
    batch = collate(chunks)
    assert batch.targets.shape == (3, 2, 1, 3)
    assert batch.mixture[:, 0, 0].tolist() == [10, 20, 30]
    assert batch.failures == ("a: b", "c: d", "a: b")
    moved = batch.to("meta")
    assert {moved.mixture.device.type, moved.targets.device.type} == {"meta"}
    assert moved.failures == batch.failures


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_pinned_batches(tracks: list[Track]) -> None:
    schedule = Schedule(n_samples=2, batch_size=2, n_epochs=1)
    (batch,) = make_loader(make_drawer(tracks), schedule, pin_memory=True)
    assert batch.mixture.is_pinned()
    assert batch.targets.is_pinned()
    assert_equal([batch], list(make_loader(make_drawer(tracks), schedule)))


@pytest.mark.parametrize("n_workers", [0, 1])
def test_where_nothing_can_be_read_the_error_comes_through(tracks: list[Track], tmp_path: Path, n_workers: int) -> None:
    loader = make_loader(make_drawer(tracks[3:]), Schedule(n_samples=1, batch_size=1, n_epochs=1), n_workers=n_workers)
    with pytest.raises(AudioError, match=r"16 files in a row could not be read, the last: .*3 bass\.wav.*empty"):
        next(iter(loader))
