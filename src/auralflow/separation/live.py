"""Separate a stream while it is heard, with a causal model: blocks are pushed in, and what is done comes out.

    push(block) -> conform(spec) -> model.step -> without the latency -> restore -> outputs

It remembers what the model does and the samples that are on their way, however long the stream is. Segments, overlap
and batch have no part in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from auralflow.audio.layout import ChannelLayout
from auralflow.audio.ops import Conform, Fifo, Restore
from auralflow.audio.types import Samples
from auralflow.errors import AudioError
from auralflow.models.blocks.causal import CausalModel
from auralflow.separation.outputs import OutputPlan, add_band
from auralflow.separation.progress import Stopwatch
from auralflow.separation.runner import keep_stems
from auralflow.spec import ModelSpec
from auralflow.speed.precision import half_precision

_MAX_SAMPLES = 1 << 16
"""Of what the model gets at once, so that memory does not grow with the block."""


def is_causal(model: nn.Module) -> bool:
    """Whether a model can separate a stream while it is heard."""
    spec = getattr(model, "spec", None)
    return isinstance(spec, ModelSpec) and spec.latency_samples is not None and isinstance(model, CausalModel)


class Stepper:
    """A causal model on a device with the state of a stream; it gives what is aligned with what it takes.

    Args:
        model: a causal model (see `auralflow.models.blocks.causal`).
        keep: indices of the stems to keep of its output.
        is_half: compute in half precision.
        n_groups: independent streams, side by side.

    Shape:
        (group, channel, time) in, (stem, group, channel, time) out.
    """

    def __init__(
        self, model: nn.Module, keep: Sequence[int], n_groups: int, device: torch.device, is_half: bool = False
    ) -> None:
        self._model, self._keep, self._device = cast(CausalModel, model), list(keep), device
        self._missing = self.latency_samples = cast(int, self._model.spec.latency_samples)
        self._is_half = is_half
        with torch.inference_mode():
            self._state: Any = self._model.initial_state(n_groups)

    def step(self, groups: Samples) -> Samples:
        """The estimates that a block finishes: those of samples heard `latency_samples` ago."""
        pieces = [groups[..., at : at + _MAX_SAMPLES] for at in range(0, groups.shape[-1], _MAX_SAMPLES)]
        done = [self._step(piece) for piece in pieces] or [self._step(groups)]
        estimates = done[0] if len(done) == 1 else np.concatenate(done, axis=-1)
        early = min(self._missing, estimates.shape[-1])
        self._missing -= early
        return estimates[..., early:]

    def finish(self, n_groups: int, n_channels: int) -> Samples:
        """The rest, by silence after the end; no block may follow."""
        return self.step(np.zeros((n_groups, n_channels, self.latency_samples), np.float32))

    def _step(self, groups: Samples) -> Samples:
        with torch.inference_mode(), half_precision(self._device) if self._is_half else nullcontext():
            block = torch.from_numpy(np.ascontiguousarray(groups)).to(self._device)
            stems, self._state = self._model.step(block, self._state)
        kept = keep_stems(stems, self._keep, groups.shape, "the model's step")
        return cast(Samples, kept.transpose(0, 1).numpy())


class LiveStream:
    """A stream being separated; from `Separator.open_stream`.

    All that comes out is as long as all that went in, and aligned with it: the first blocks give nothing or little,
    until the latency has passed, and `close()` gives the rest.

    Example:
        >>> from auralflow import Separator
        >>> from auralflow.models.spectrogram_net_causal import SPEC, TINY, SpectrogramNetCausal
        >>> live = Separator(SpectrogramNetCausal(SPEC, TINY)).open_stream(44100, channels=2)
        >>> [stem.shape for stem in live.push(np.zeros((2, 4096), np.float32))]
        [(2, 2049), (2, 2049), (2, 2049), (2, 2049)]
        >>> live.close()[0].shape
        (2, 2047)
    """

    def __init__(
        self,
        stepper: Stepper,
        spec: ModelSpec,
        sample_rate: int,
        channels: int,
        plan: OutputPlan,
        watch: Stopwatch | None = None,
    ) -> None:
        self._stepper, self._plan, self._watch = stepper, plan, watch or Stopwatch()
        self._layout = ChannelLayout(channels, spec.channels)
        self._conform = Conform(sample_rate, spec.sample_rate, self._layout)
        self._restore: Restore | None = None
        if sample_rate != spec.sample_rate:
            self._restore = Restore(sample_rate, spec.sample_rate, self._layout, len(plan.stems) + 1)
        self._size = (len(self._layout.groups), spec.channels)
        self._originals, self._conformed = Fifo(), Fifo()

    def push(self, block: Samples) -> list[Samples]:
        """Take the next samples, give what is done.

        Shape:
            block (channel, time), any time; a block (channel, time) for each output, all of one length, maybe zero.

        Raises:
            AudioError: another number of channels than the stream has, or samples that are not finite.
        """
        if block.ndim != 2 or block.shape[0] != self._layout.file_channels:
            raise AudioError(f"expected a block of shape ({self._layout.file_channels}, time), got {block.shape}")
        if not np.isfinite(block).all():
            raise AudioError("expected finite samples, got NaN or infinity; clean them first")
        self._originals.push(block)
        with self._watch.measure("resample"):
            groups = self._conform.process(block)
        return self._mix(self._restored(self._run(groups)))

    def close(self) -> list[Samples]:
        """Give the rest; the stream takes no more."""
        with self._watch.measure("resample"):
            groups = self._conform.flush()
        estimates = [self._run(groups)]
        with self._watch.measure("model"):
            estimates.append(self._stepper.finish(*self._size))
        sounds = [self._restored(np.concatenate(estimates, axis=-1))]
        if self._restore is not None:
            sounds.append(self._restore.flush())
        joined = np.concatenate(sounds, axis=-1)
        missing = self._originals.n_samples - joined.shape[-1]  # both conversions round the length
        return self._mix(np.pad(joined, ((0, 0), (0, 0), (0, max(0, missing)))))

    def _run(self, groups: Samples) -> Samples:
        if self._restore is not None:
            self._conformed.push(groups)
        with self._watch.measure("model"):
            return self._stepper.step(groups)

    def _restored(self, estimates: Samples) -> Samples:
        """Estimates at the stream's own rate and channels; where the rates differ, the mixture that passed before them.

        Shape:
            (stem, group, channel, time) to (sound, channel, time)
        """
        if self._restore is None:
            return self._layout.join(estimates)
        n_samples = estimates.shape[-1]
        mixture = self._conformed.pop(n_samples) if n_samples else np.zeros(estimates.shape[1:], np.float32)
        with self._watch.measure("resample"):
            return self._restore.process(np.concatenate([mixture[None], estimates]))

    def _mix(self, sounds: Samples) -> list[Samples]:
        """Outputs from sounds."""
        n_samples = min(sounds.shape[-1], self._originals.n_samples)
        if not n_samples:
            return [np.zeros((self._layout.file_channels, 0), np.float32) for _ in self._plan.names]
        mixture, sounds = self._originals.pop(n_samples), sounds[..., :n_samples]
        with self._watch.measure("mix"):
            if self._restore is not None:
                sounds = add_band(sounds, mixture, self._plan)
            return self._plan.apply(mixture, list(sounds))


def measure_latency_s(spec: ModelSpec, sample_rate: int, block_samples: int) -> float:
    """Seconds by which outputs lag behind inputs of this rate, in blocks of this length.

    Where the rates are equal, that is the model's latency. Where they differ, both conversions hold back samples as
    well, and the lag is the greatest that is seen while two seconds pass through them.
    """
    latency_samples = cast(int, spec.latency_samples)
    if sample_rate == spec.sample_rate:
        return latency_samples / sample_rate
    layout = ChannelLayout(1, 1)
    down, up = Conform(sample_rate, spec.sample_rate, layout), Restore(sample_rate, spec.sample_rate, layout, 1)
    n_in = n_out = greatest = 0
    missing = latency_samples
    while n_in < 2 * sample_rate:
        through = down.process(np.zeros((1, block_samples), np.float32))
        early = min(missing, through.shape[-1])
        missing -= early
        n_in += block_samples
        n_out += up.process(through[None, ..., early:]).shape[-1]
        greatest = max(greatest, n_in - n_out)
    return greatest / sample_rate
