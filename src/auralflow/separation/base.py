"""What every separator has, be it one model or a plan of several: streams, and over these arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

import numpy as np

from auralflow.audio.types import Audio, Samples
from auralflow.errors import AudioError
from auralflow.separation.outputs import OutputPlan, plan_outputs
from auralflow.separation.progress import CancelToken, ProgressCallback, ProgressMeter, Stopwatch
from auralflow.separation.results import Stems
from auralflow.spec import ModelSpec

_BLOCK_SAMPLES = 1 << 16

Statistics = TypeVar("Statistics")
"""What a separator has to know of the whole track."""


class BaseSeparator(ABC, Generic[Statistics]):
    """Something that separates streams of blocks, and so arrays."""

    spec: ModelSpec
    """What it takes and gives."""

    @abstractmethod
    def stream(
        self,
        blocks: Iterable[Samples],
        sample_rate: int,
        channels: int,
        *,
        outputs: OutputPlan | None = None,
        statistics: Statistics | None = None,
        cancel: CancelToken | None = None,
        stopwatch: Stopwatch | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> Iterator[list[Samples]]:
        """Separate a stream of blocks of any length; see `Separator.stream`."""

    @abstractmethod
    def measure(self, blocks: Iterable[Samples], sample_rate: int, channels: int) -> Statistics | None:
        """What `stream` has to know of the whole track, or None where that is nothing."""

    def separate(
        self,
        audio: Audio,
        *,
        outputs: OutputPlan | None = None,
        progress: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
    ) -> Stems:
        """Separate an array.

        Args:
            audio: the mixture.
            outputs: what to return, from `plan_outputs`; by default every stem of the model.
            progress: called after each piece with the fraction done and the time left.
            cancel: a token that stops the work from outside.

        Returns:
            One `Audio` for each output, with the rate, channels and length of the mixture: a dict by name, which a
            notebook shows as a mixer.

        Raises:
            AudioError: the samples are not finite.
            Cancelled: the token was cancelled.
        """
        plan = outputs or plan_outputs(self.spec.stems)
        done = np.empty((len(plan.names), *audio.samples.shape), np.float32)
        self.separate_into(done, audio, outputs=plan, progress=progress, cancel=cancel)
        sounds = (Audio(samples, audio.sample_rate) for samples in done)
        return Stems(zip(plan.names, sounds, strict=True))

    def separate_into(
        self,
        estimates: Samples,
        audio: Audio,
        *,
        outputs: OutputPlan | None = None,
        progress: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        """Separate an array into another; see `separate`.

        Shape:
            estimates: (output, channel, time), in the order of the plan.
        """
        if not np.isfinite(audio.samples).all():
            raise AudioError(
                "expected finite samples, got NaN or infinity; clean them first, e.g. with numpy.nan_to_num"
            )
        meter = ProgressMeter(progress, audio.sample_rate, audio.n_samples)
        position = 0
        for blocks in self.stream(
            _cut(audio.samples),
            audio.sample_rate,
            audio.channels,
            outputs=outputs,
            cancel=cancel,
            statistics=self._statistics_of(audio),
            warn=warn,
        ):
            length = blocks[0].shape[-1]
            for estimate, block in zip(estimates, blocks, strict=True):
                estimate[:, position : position + length] = block
            position += length
            meter.advance(length)

    def _statistics_of(self, audio: Audio) -> Statistics | None:
        return self.measure(_cut(audio.samples), audio.sample_rate, audio.channels)


def _cut(samples: Samples) -> Iterator[Samples]:
    for start in range(0, samples.shape[-1], _BLOCK_SAMPLES):
        yield samples[:, start : start + _BLOCK_SAMPLES]
