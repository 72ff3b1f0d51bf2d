"""From chunk numbers to batches, in processes of their own.

    RankSampler (which numbers) -> ChunkDataset (number -> chunk) -> collate -> Batch

Of R ranks, rank r takes the chunks r, r + R, r + 2 R, ... so that R ranks with batches of B see together what one rank
with batches of R B sees. The sampler runs over all epochs in one go: a loader never restarts between epochs, and one
that begins in the middle goes on with exactly the chunks that were to come.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from auralflow.data.draw import Chunk, ChunkDrawer, ChunkKey
from auralflow.errors import ConfigError


@dataclass
class Batch:
    """Chunks side by side.

    Shape:
        mixture: (batch, channel, time); targets: (batch, stem, channel, time)
    """

    mixture: Tensor
    targets: Tensor
    failures: tuple[str, ...] = ()
    """What could not be read for it."""

    def pin_memory(self) -> Batch:
        """In page-locked memory (called by torch's loader)."""
        return Batch(self.mixture.pin_memory(), self.targets.pin_memory(), self.failures)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Batch:
        """On a device."""
        return Batch(
            self.mixture.to(device, non_blocking=non_blocking),
            self.targets.to(device, non_blocking=non_blocking),
            self.failures,
        )


class ChunkDataset(Dataset[Chunk]):
    """Chunks by their key, for torch's loader."""

    def __init__(self, drawer: ChunkDrawer) -> None:
        self._drawer = drawer

    def __getitem__(self, key: ChunkKey) -> Chunk:
        return self._drawer.draw(key)


@dataclass(frozen=True)
class Schedule:
    """How many chunks, in what batches, seen by how many ranks.

    Raises:
        ConfigError: an epoch has less than a batch for every rank.
    """

    n_samples: int
    """Chunks that an epoch has at hand; what does not fill a batch is left out."""
    batch_size: int
    """Chunks in a batch of one rank."""
    n_epochs: int
    n_ranks: int = 1
    rank: int = 0
    accumulate: int = 1
    """Batches of one optimizer step; an epoch has a whole number of steps."""

    def __post_init__(self) -> None:
        if self.n_batches == 0:
            step = f" x {self.accumulate} batches of a step" if self.accumulate > 1 else ""
            raise ConfigError(
                f"data.batch_size: an epoch of {self.n_samples} chunks does not fill a batch of {self.batch_size} on "
                f"each of {self.n_ranks} devices{step}; lower it, or raise data.n_samples"
            )

    @property
    def n_batches(self) -> int:
        """Batches of an epoch."""
        return self.n_samples // (self.batch_size * self.n_ranks * self.accumulate) * self.accumulate

    def keys(self, batch: int) -> list[ChunkKey]:
        """The chunks of this rank's batch of that number, counted over all epochs."""
        epoch, number = divmod(batch, self.n_batches)
        first = number * self.batch_size
        return [ChunkKey(epoch, (first + item) * self.n_ranks + self.rank) for item in range(self.batch_size)]


class RankSampler(Sampler[ChunkKey]):
    """The keys of one rank's chunks, over all epochs, from a batch on.

    Example:
        >>> sampler = RankSampler(Schedule(n_samples=4, batch_size=1, n_epochs=1, n_ranks=2, rank=1))
        >>> [key.number for key in sampler]
        [1, 3]
    """

    def __init__(self, schedule: Schedule, first_batch: int = 0) -> None:
        self._schedule, self._first = schedule, first_batch

    def __iter__(self) -> Iterator[ChunkKey]:
        plan = self._schedule
        for number in range(self._first, plan.n_batches * plan.n_epochs):
            yield from plan.keys(number)

    def __len__(self) -> int:
        """Of the whole run, whatever batch it begins with: torch counts what is left, Lightning the whole."""
        return self._schedule.n_batches * self._schedule.n_epochs * self._schedule.batch_size


def collate(chunks: Sequence[Chunk]) -> Batch:
    """Chunks to a batch."""
    return Batch(
        torch.stack([torch.from_numpy(chunk.mixture) for chunk in chunks]),
        torch.stack([torch.from_numpy(chunk.targets) for chunk in chunks]),
        tuple(failure for chunk in chunks for failure in chunk.failures),
    )


def _listen_to_parent_only(worker: int) -> None:
    """Let a worker end when the process that trains says so, and not with it when a signal reaches them all.

    Ctrl-C in a terminal, or Slurm before time is up, signals every process of a run. The one that trains then ends at
    the next step, and needs its workers until then.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "sigwaitinfo"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()


def _end_with_parent(parent: int) -> None:
    while (found := signal.sigwaitinfo({signal.SIGTERM})) is None or found.si_pid != parent:
        pass
    os._exit(0)


class _Loader(DataLoader[Chunk]):
    def check_worker_number_rationality(self) -> None:
        """Torch warns here, each time, of more workers than cores; that is the user's choice."""


def make_loader(
    drawer: ChunkDrawer,
    schedule: Schedule,
    *,
    n_workers: int = 0,
    prefetch: int = 4,
    pin_memory: bool = False,
    first_batch: int = 0,
) -> DataLoader[Chunk]:
    """A loader of `Batch`es, the same ones for any number of workers.

    Args:
        first_batch: number of the batch to begin with, counted over all epochs.
    """
    return _Loader(
        ChunkDataset(drawer),
        schedule.batch_size,
        sampler=RankSampler(schedule, first_batch),
        num_workers=n_workers,
        prefetch_factor=prefetch if n_workers else None,
        collate_fn=collate,
        pin_memory=pin_memory,
        worker_init_fn=_listen_to_parent_only,
        # Workers are seeded from here, so that the global generator, which dropout draws from, is left alone.
        generator=torch.Generator(),
    )
