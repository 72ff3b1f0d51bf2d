"""Separate audio of any length, rate and channel count with any model.

    blocks -> conform(spec) -> segments -> model -> overlap-add -> restore -> outputs

Everything is a stream: memory is that of a few segments, however long the audio is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from itertools import islice

import numpy as np
import psutil
import torch
from torch import nn

from auralflow.audio.layout import ChannelLayout
from auralflow.audio.ops import Conform, Fifo, Restore
from auralflow.audio.types import Samples
from auralflow.dsp.overlap_add import OverlapAdd, trapezoid, triangle
from auralflow.dsp.threads import beside
from auralflow.errors import ConfigError
from auralflow.separation.base import BaseSeparator
from auralflow.separation.device import choose_device
from auralflow.separation.live import LiveStream, Stepper, is_causal, measure_latency_s
from auralflow.separation.outputs import OutputPlan, add_band, plan_outputs
from auralflow.separation.progress import CancelToken, Stopwatch
from auralflow.separation.runner import ModelRunner, TrackStatistics
from auralflow.separation.segments import Segment, Segmentation, cut_segments
from auralflow.separation.statistics import StatisticsMeter
from auralflow.spec import ModelSpec
from auralflow.speed.compile import compile_model
from auralflow.speed.precision import Precision, refuse_half
from auralflow.speed.prepare import prepare

_ROOM_BYTES = 4 * 2**30
"""With less free memory segments are computed one after the other."""


class Separator(BaseSeparator[TrackStatistics]):
    """A model made ready to separate audio; use it for as many files or arrays as you like.

    Args:
        model: a module with a `spec` (see `auralflow.models`).
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps` or `xpu`.
        segment_s: seconds a segment is long; by default what the model's spec says.
        overlap: part of a segment that neighbours share, 0 to below 1; by default no more than the model needs.
        batch: segments computed at once; by default 2 networks on the CPU, side by side, each with half of torch's
            threads (1 where there is one thread, or less than 4 GiB of free memory), 4 elsewhere. Halved when memory
            runs out.
        precision: `exact` (float32) or `fast` (half precision, where it was measured to be faithful).
        compile: let torch compile the model; the first segment then takes a minute or more.

    Example:
        >>> from auralflow import Audio, load_model
        >>> separator = Separator(load_model("classic"))
        >>> stems = separator.separate(Audio(np.zeros((2, 44100)), 44100))
        >>> stems["vocals"].n_samples
        44100
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        device: str = "auto",
        segment_s: float | None = None,
        overlap: float | None = None,
        batch: int | None = None,
        precision: Precision = "exact",
        compile: bool = False,
    ) -> None:
        if not isinstance(getattr(model, "spec", None), ModelSpec):
            raise ConfigError("model: expected a module with a ModelSpec as its attribute 'spec'")
        if batch is not None and batch < 1:
            raise ConfigError(f"batch: expected 1 or more, got {batch}")
        if precision not in ("exact", "fast"):
            raise ConfigError(f"precision: expected 'exact' or 'fast', got {precision!r}")
        self.spec: ModelSpec = model.spec  # type: ignore[assignment]
        self.device = choose_device(device)
        self.batch = batch or _choose_batch(model, self.device, compile)
        self.segmentation = Segmentation.of(self.spec, segment_s, overlap)
        self.precision: Precision = precision
        self._model = model.eval().to(self.device)
        self._is_compiled = compile
        self._parts: dict[tuple[str, ...], nn.Module] = {}
        self._compiled: dict[tuple[str, ...], nn.Module] = {}

    def stream(
        self,
        blocks: Iterable[Samples],
        sample_rate: int,
        channels: int,
        *,
        outputs: OutputPlan | None = None,
        statistics: TrackStatistics | None = None,
        cancel: CancelToken | None = None,
        stopwatch: Stopwatch | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> Iterator[list[Samples]]:
        """Separate a stream of blocks of any length.

        A causal model gives each block as soon as it can, `latency_s` after it came; others wait for whole segments.

        Args:
            blocks: pieces of the mixture, (channel, time), float32.
            outputs: what to give, from `plan_outputs`; by default every stem of the model.
            statistics: of the whole track, from `measure`; needed by models with `normalise="track"`.

        Yields:
            Lists with a block (channel, time) for each output, all of one length; together as long as the mixture.

        Raises:
            ConfigError: the model needs the track's statistics and there are none.
        """
        plan = outputs or plan_outputs(self.spec.stems)
        cancel, watch = cancel or CancelToken(), stopwatch or Stopwatch()
        if is_causal(self._model):
            live = self.open_stream(sample_rate, channels, outputs=plan, stopwatch=watch)
            yield from _push_all(live, _timed(blocks, watch, "decode"), cancel)
            if warn is not None and self.half_refusal is not None:
                warn(self.half_refusal)
            return
        layout = ChannelLayout(channels, self.spec.channels)
        originals, conformed = Fifo(), Fifo()
        runner = self._runner(plan.stems, statistics)
        incoming = _checked(_timed(blocks, watch, "decode"), originals, cancel)
        pieces = self._conform(incoming, sample_rate, layout, watch)
        if sample_rate == self.spec.sample_rate:
            stems: Iterator[Samples] = (layout.join(block) for block in self._estimate(pieces, runner, watch, cancel))
        else:
            estimates = self._estimate(_tee(pieces, conformed), runner, watch, cancel)
            restored = self._restore(estimates, conformed, sample_rate, layout, len(plan.stems), watch)
            stems = _add_bands(restored, plan, originals, watch)
        for block in stems:
            with watch.measure("mix"):
                mixed = plan.apply(originals.pop(block.shape[-1]), list(block))
            yield mixed
        for text in runner.warnings:
            (warn or (lambda _: None))(text)

    def open_stream(
        self,
        sample_rate: int,
        channels: int,
        *,
        outputs: OutputPlan | None = None,
        stopwatch: Stopwatch | None = None,
    ) -> LiveStream:
        """Begin to separate a stream whose blocks are pushed, such as those of an audio device.

        Args:
            outputs: what to give, from `plan_outputs`; by default every stem of the model.

        Raises:
            ConfigError: the model is not causal.
        """
        if not is_causal(self._model):
            raise ConfigError("model: expected a causal one, such as 'live'; this one needs whole segments: use stream")
        plan = outputs or plan_outputs(self.spec.stems)
        model, given = self._part_for(plan.stems)
        n_groups = len(ChannelLayout(channels, self.spec.channels).groups)
        keep = [given.index(stem) for stem in plan.stems]
        stepper = Stepper(model.to(self.device), keep, n_groups, self.device, self._is_half)
        return LiveStream(stepper, self.spec, sample_rate, channels, plan, stopwatch)

    @property
    def latency_samples(self) -> int | None:
        """Algorithmic latency at the model's rate; None where the model is not causal."""
        return self.spec.latency_samples if is_causal(self._model) else None

    def latency_s(self, sample_rate: int, block_samples: int = 512) -> float | None:
        """Seconds by which a stream's stems come late, conversion of the rate included; None where the model is not
        causal.

        Args:
            sample_rate: of the stream.
            block_samples: length of its blocks; it matters where the rate is not the model's.
        """
        return measure_latency_s(self.spec, sample_rate, block_samples) if is_causal(self._model) else None

    def measure(self, blocks: Iterable[Samples], sample_rate: int, channels: int) -> TrackStatistics | None:
        """Mean and deviation of a track, or None when the model does not ask for them."""
        if self.spec.normalise == "none":
            return None
        meter = StatisticsMeter(self.spec.sample_rate, self.spec.channels, sample_rate, channels)
        for block in blocks:
            meter.add(block)
        return meter.finish()

    def _runner(self, stems: tuple[str, ...], statistics: TrackStatistics | None) -> ModelRunner:
        if self.spec.normalise == "track" and statistics is None:
            raise ConfigError("statistics: this model wants the track normalised; pass what Separator.measure gives")
        model, given = self._part_for(stems)
        keep = [given.index(stem) for stem in stems]
        # To the device again: a runner that ran out of memory there has moved it to the CPU.
        ready = self._make_fast(model.to(self.device), given)
        runner = ModelRunner(ready, keep, self.device, self._is_half, statistics)
        runner.warnings += [self.half_refusal] if self.half_refusal else []
        return runner

    @cached_property
    def half_refusal(self) -> str | None:
        """Why half precision was asked for and is not used."""
        return refuse_half(self._model, self.spec, self.device) if self.precision == "fast" else None

    @property
    def _is_half(self) -> bool:
        return self.precision == "fast" and self.half_refusal is None

    def _make_fast(self, model: nn.Module, stems: tuple[str, ...]) -> nn.Module:
        """The model as it computes fastest, made anew for each track, as its weights may have been trained on."""
        if not self._is_compiled:
            return prepare(model)
        if stems not in self._compiled:
            self._compiled[stems] = compile_model(prepare(model))
        return self._compiled[stems]

    def _part_for(self, stems: tuple[str, ...]) -> tuple[nn.Module, tuple[str, ...]]:
        """The cheapest model that gives these stems, and the stems it gives."""
        select = getattr(self._model, "select", None)
        if select is None or set(stems) == set(self.spec.stems):
            return self._model, self.spec.stems
        if stems not in self._parts:
            self._parts[stems] = select(stems).eval().to(self.device)
        return self._parts[stems], stems

    def _conform(
        self, blocks: Iterable[Samples], sample_rate: int, layout: ChannelLayout, watch: Stopwatch
    ) -> Iterator[Samples]:
        conform = Conform(sample_rate, self.spec.sample_rate, layout)
        for block in blocks:
            with watch.measure("resample"):
                conformed = conform.process(block)
            yield conformed
        with watch.measure("resample"):
            rest = conform.flush()
        yield rest

    def _estimate(
        self, blocks: Iterable[Samples], runner: ModelRunner, watch: Stopwatch, cancel: CancelToken
    ) -> Iterator[Samples]:
        """Conformed mixture to estimates (stem, group, channel, time), at the model's rate."""
        adder = OverlapAdd()
        segments = cut_segments(blocks, self.segmentation)
        batch = list(islice(segments, 1))  # the first one alone, so that there is something to hear
        with beside(self.device.type != "cpu") as begin:  # an accelerator computes while the next batch is decoded
            while batch:
                cancel.check()
                wait = begin(partial(self._run, batch, runner, watch))
                following = list(islice(segments, self.batch))
                for segment, estimates in wait():
                    with watch.measure("overlap_add"):
                        adder.add(estimates[..., segment.counted], self._window(segment), segment.start)
                ready = adder.take(following[0].start if following else batch[-1].end)
                batch = following
                if ready.shape[-1]:
                    yield ready.numpy()

    def _run(
        self, batch: Sequence[Segment], runner: ModelRunner, watch: Stopwatch
    ) -> list[tuple[Segment, torch.Tensor]]:
        # A track's only or last segments may differ in length from its batch; it then runs alone.
        same = [s for s in batch if s.samples.shape == batch[0].samples.shape]
        with watch.measure("model"):
            estimates = runner.run(same)
        done = list(zip(same, estimates, strict=True))
        return done + self._run(batch[len(same) :], runner, watch) if len(same) < len(batch) else done

    def _window(self, segment: Segment) -> torch.Tensor:
        cut = self.segmentation
        if cut.blend == "triangle":
            return triangle(cut.segment_samples)[: segment.end - segment.start]
        return trapezoid(
            segment.samples.shape[-1],
            cut.context_samples,
            cut.ramp_samples,
            is_first=segment.is_first,
            is_last=segment.is_last,
        )

    def _restore(
        self,
        estimates: Iterable[Samples],
        conformed: Fifo,
        sample_rate: int,
        layout: ChannelLayout,
        n_stems: int,
        watch: Stopwatch,
    ) -> Iterator[Samples]:
        """Estimates to sounds (sound, channel, time) at the file's rate; the first sound is the conformed mixture."""
        restore = Restore(sample_rate, self.spec.sample_rate, layout, n_stems + 1)
        for block in estimates:
            with watch.measure("resample"):
                mixture = conformed.pop(block.shape[-1])[None]
                restored = restore.process(np.concatenate([mixture, block]))
            yield restored
        with watch.measure("resample"):
            rest = restore.flush()
        yield rest


def _choose_batch(model: nn.Module, device: torch.device, is_compiled: bool) -> int:
    """Segments at once, unless the user says.

    On a CPU two networks side by side are faster than one on all threads. What is compiled is so for one number of
    threads, and methods without parameters wait for memory, which two would only share.
    """
    if device.type != "cpu":
        return 4
    is_network = next(model.parameters(), None) is not None
    is_roomy = psutil.virtual_memory().available >= _ROOM_BYTES
    return 2 if is_network and is_roomy and not is_compiled and torch.get_num_threads() > 1 else 1


def _push_all(live: LiveStream, blocks: Iterable[Samples], cancel: CancelToken) -> Iterator[list[Samples]]:
    for block in blocks:
        cancel.check()
        if (done := live.push(block))[0].shape[-1]:
            yield done
    if (rest := live.close())[0].shape[-1]:
        yield rest


def _timed(blocks: Iterable[Samples], watch: Stopwatch, stage: str) -> Iterator[Samples]:
    iterator = iter(blocks)
    while True:
        with watch.measure(stage):
            block = next(iterator, None)
        if block is None:
            return
        yield block


def _checked(blocks: Iterable[Samples], originals: Fifo, cancel: CancelToken) -> Iterator[Samples]:
    for block in blocks:
        cancel.check()
        originals.push(block)
        yield block


def _tee(blocks: Iterable[Samples], fifo: Fifo) -> Iterator[Samples]:
    for block in blocks:
        fifo.push(block)
        yield block


def _add_bands(restored: Iterable[Samples], plan: OutputPlan, originals: Fifo, watch: Stopwatch) -> Iterator[Samples]:
    """Restored sounds to stems of the file's own length, with the band that the model does not hear."""
    for sounds in _fit(restored, originals):
        with watch.measure("mix"):
            stems = add_band(sounds, originals.peek(sounds.shape[-1]), plan)
        yield stems


def _fit(restored: Iterable[Samples], originals: Fifo) -> Iterator[Samples]:
    """Cut or pad the end: both conversions round the length, which may leave it some samples off."""
    axes: tuple[int, ...] = ()
    for sounds in restored:
        axes = sounds.shape[:-1]
        length = min(sounds.shape[-1], originals.n_samples)
        if length:
            yield sounds[..., :length]
    if originals.n_samples:
        yield np.zeros((*axes, originals.n_samples), np.float32)
