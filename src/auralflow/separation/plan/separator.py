"""Run a plan: separators one after another and side by side, each at its own rate, joined at that of the file.

    mixture ──┬─────────────> step 0 ──> vocals ──┬──────────────> outputs
              ├── mixture - vocals <──────────────┤
              │          └──> step 1 ──> drums, bass, other ─────> outputs
              └──────────────────────────────────────────────────> outputs

Outputs are pulled, and each step pulls what it needs, so that what is held is what one branch is ahead of another: some
segments, however long the audio is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from auralflow.audio.types import Samples
from auralflow.separation.base import BaseSeparator
from auralflow.separation.engine import Separator
from auralflow.separation.outputs import OutputPlan, plan_outputs
from auralflow.separation.plan.average import average
from auralflow.separation.plan.complete import list_work
from auralflow.separation.plan.config import MIXTURE, PlanConfig, PlanStep
from auralflow.separation.plan.streams import fan_out, lockstep, mix, share
from auralflow.separation.plan.variants import list_variants, run_variants
from auralflow.separation.progress import CancelToken, Stopwatch
from auralflow.separation.runner import TrackStatistics
from auralflow.separation.statistics import StatisticsMeter
from auralflow.spec import ModelSpec

Statistics = Mapping[tuple[int, int], TrackStatistics]
"""Of the mixture, as models of each rate and number of channels hear it."""
OpenStep = Callable[[int], Separator]
"""Gives the separator of a step, by its number."""


class PlanSeparator(BaseSeparator[Statistics]):
    """A plan made ready to separate audio; used like a `Separator`.

    Args:
        plan: a completed plan.
        specs: of the model of each step.
        open_step: called once for each step that has to run.
    """

    def __init__(self, plan: PlanConfig, specs: Sequence[ModelSpec], open_step: OpenStep) -> None:
        self.plan, self.spec = plan, join_specs(plan, specs)
        self._specs, self._open_step = tuple(specs), open_step
        self._separators: dict[int, Separator] = {}

    def open(self, stems: Iterable[str]) -> None:
        """Load the models that some stems need; others are loaded when they are."""
        for number in list_work(self.plan, stems):
            if number not in self._separators:
                self._separators[number] = self._open_step(number)

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
        wanted = outputs or plan_outputs(self.spec.stems)
        work = list_work(self.plan, wanted.stems)
        self.open(wanted.stems)
        heard = Counter([MIXTURE, *wanted.stems])
        for number in work:
            heard.update(self.plan.steps[number].terms.keys())
        sounds = _Sounds(heard, self.plan, sample_rate)
        sounds.add(MIXTURE, iter(blocks), 1.0)
        for number, stems in work.items():
            step, separator = self.plan.steps[number], self._separators[number]
            separate = partial(
                separator.stream,
                sample_rate=sample_rate,
                channels=channels,
                outputs=_choose(step, stems, separator.spec),
                statistics=(statistics or {}).get((separator.spec.sample_rate, separator.spec.channels)),
                cancel=cancel,
                stopwatch=stopwatch,
                warn=partial(_warn_of, step.name, warn),
            )
            variants = list_variants(step.shifts, step.augment, sample_rate, channels)
            hears = mix([sounds.take(name) for name in step.terms], list(step.terms.values()))
            estimates = run_variants(variants, separate, hears, channels)
            for stem, estimate in zip(stems, fan_out(estimates, range(len(stems))), strict=True):
                sounds.add(stem, estimate, step.weight_of(stem))
        for mixture, *estimated in lockstep([sounds.take(name) for name in (MIXTURE, *wanted.stems)]):
            # Every step has heard what comes before the end of these, so they may be written into.
            yield wanted.apply(mixture, estimated)

    def measure(self, blocks: Iterable[Samples], sample_rate: int, channels: int) -> Statistics | None:
        """Mean and deviation of the mixture for the models that ask for them, or None where none does."""
        kinds = {(spec.sample_rate, spec.channels) for spec in self._specs if spec.normalise == "track"}
        if not kinds:
            return None
        meters = {kind: StatisticsMeter(*kind, sample_rate, channels) for kind in sorted(kinds)}
        for block in blocks:
            for meter in meters.values():
                meter.add(block)
        return {kind: meter.finish() for kind, meter in meters.items()}


class _Sounds:
    """Every sound of a running plan by its name, with as many readers as it will have."""

    def __init__(self, n_readers: Mapping[str, int], plan: PlanConfig, sample_rate: int) -> None:
        self._n_readers, self._rule, self._sample_rate = n_readers, plan.average, sample_rate
        self._parts: dict[str, list[tuple[Iterator[Samples], float]]] = {}
        self._readers: dict[str, list[Iterator[Samples]]] = {}

    def add(self, name: str, blocks: Iterator[Samples], weight: float) -> None:
        """One more estimate of a sound, which nobody has read yet."""
        self._parts.setdefault(name, []).append((blocks, weight))

    def take(self, name: str) -> Iterator[Samples]:
        """A reader of a sound: the average of its estimates."""
        if name not in self._readers:
            streams, weights = zip(*self._parts[name], strict=True)
            self._readers[name] = share(average(streams, weights, self._rule, self._sample_rate), self._n_readers[name])
        return self._readers[name].pop()


def join_specs(plan: PlanConfig, specs: Sequence[ModelSpec]) -> ModelSpec:
    """What a completed plan takes and gives: the highest rate, most channels and longest segment of its models."""
    sample_rate = max(spec.sample_rate for spec in specs)
    is_normalised = any(spec.normalise == "track" for spec in specs)
    return ModelSpec(
        stems=plan.stems or (),
        sample_rate=sample_rate,
        channels=max(spec.channels for spec in specs),
        segment_samples=round(max(spec.segment_s for spec in specs) * sample_rate),
        normalise="track" if is_normalised else "none",
    )


def _choose(step: PlanStep, stems: Sequence[str], spec: ModelSpec) -> OutputPlan:
    """Some stems of a step as outputs of its model."""
    names = step.stems or {}
    return plan_outputs(spec.stems, [names[stem] for stem in stems])


def _warn_of(step: str, warn: Callable[[str], None] | None, text: str) -> None:
    if warn is not None:
        warn(f"{step}: {text}")
