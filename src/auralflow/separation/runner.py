"""Run a model on batches of segments: precision, silence, normalisation, too little memory."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from auralflow.dsp.threads import spread
from auralflow.errors import DeviceError, ShapeError
from auralflow.separation.segments import Segment
from auralflow.speed.precision import half_precision

_SILENCE_FRAME_SAMPLES = 2048


@dataclass(frozen=True)
class TrackStatistics:
    """Mean and standard deviation of each group's mono mixture over the whole track."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]


class ModelRunner:
    """A model on a device, fed with segments.

    Args:
        model: maps (batch, channel, time) to (batch, stem, channel, time).
        keep: indices of the stems to keep of its output.
        is_half: compute in half precision.
        statistics: of the track, for models that want it normalised.
    """

    def __init__(
        self,
        model: nn.Module,
        keep: Sequence[int],
        device: torch.device,
        is_half: bool = False,
        statistics: TrackStatistics | None = None,
    ) -> None:
        self._model, self._keep, self.device = model, list(keep), device
        self._statistics, self._is_half = statistics, is_half
        self.warnings: list[str] = []

    def run(self, segments: Sequence[Segment]) -> list[Tensor]:
        """Estimates of each segment, on the CPU.

        Shape:
            segment (group, channel, time) -> (stem, group, channel, time)

        Raises:
            DeviceError: a single segment does not fit in memory.
            ShapeError: the model breaks its promise on shapes.
        """
        mixtures = [torch.from_numpy(segment.samples) for segment in segments]
        n_groups = mixtures[0].shape[0]
        items = torch.cat(mixtures)
        estimates = items.new_zeros(items.shape[0], len(self._keep), *items.shape[1:])
        heard = [i for i in range(len(items)) if items[i].any()]
        for batch in _chunks(heard, len(segments)):
            groups = [i % n_groups for i in batch]
            filled = self._level_silence(items[batch], [segments[i // n_groups] for i in batch], groups)
            estimates[batch] = self._run_items(filled, groups)
        _mute_silence(estimates, items)
        return [e.transpose(0, 1) for e in torch.split(estimates, n_groups)]

    def _level_silence(self, items: Tensor, segments: Sequence[Segment], groups: list[int]) -> Tensor:
        """Silence beyond the track at the track's mean, so that it is zero to models that want the track normalised."""
        if self._statistics is not None:
            for item, segment, group in zip(items, segments, groups, strict=True):
                for beyond in segment.beyond:
                    item[..., beyond] = self._statistics.mean[group]
        return items

    def _run_items(self, items: Tensor, groups: list[int]) -> Tensor:
        """Halve the batch until it fits; a single item that does not fit an accelerator goes to the CPU."""
        try:
            return self._run_lanes(items, groups) if self.device.type == "cpu" else self._forward(items, groups)
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
        if len(items) > 1:
            half = len(items) // 2
            return torch.cat(
                [self._run_items(items[:half], groups[:half]), self._run_items(items[half:], groups[half:])]
            )
        if self.device.type == "cpu":
            raise DeviceError(
                f"out of memory on a segment of {items.shape[-1]} samples; try a shorter one with --segment"
            )
        self.warnings.append(f"{self.device} has too little memory for one segment; going on with the cpu")
        self.device = torch.device("cpu")
        self._model.to(self.device)
        return self._run_items(items, groups)

    def _run_lanes(self, items: Tensor, groups: list[int]) -> Tensor:
        """Items side by side, each with its share of the threads, which on a CPU is faster than all in one batch."""

        def run(number: int) -> Tensor:
            return self._forward(items[number : number + 1], groups[number : number + 1])

        return torch.cat(list(spread(run, range(len(items)), len(items))))

    def _forward(self, items: Tensor, groups: list[int]) -> Tensor:
        parameter = next(self._model.parameters(), None)
        if parameter is not None:  # another run of the same model may have moved it to where there is memory
            self.device = parameter.device
        moments = self._moments(groups)
        scaled = items if moments is None else (items - moments[0]) / moments[1]
        with torch.inference_mode(), self._autocast():
            stems: Tensor = self._model(_send(scaled, self.device))
        kept = keep_stems(stems, self._keep, items.shape)
        return kept if moments is None else kept * moments[1][:, None] + moments[0][:, None]

    def _moments(self, groups: list[int]) -> tuple[Tensor, Tensor] | None:
        """Mean and deviation of each item's track, for models that want it normalised."""
        if self._statistics is None:
            return None
        mean = torch.tensor([self._statistics.mean[g] for g in groups])[:, None, None]
        deviation = torch.tensor([self._statistics.deviation[g] for g in groups])[:, None, None]
        return mean, deviation + 1e-8

    def _autocast(self) -> contextlib.AbstractContextManager[object]:
        return half_precision(self.device) if self._is_half else contextlib.nullcontext()


def keep_stems(stems: Tensor, keep: Sequence[int], mixture_shape: Sequence[int], giver: str = "the model") -> Tensor:
    """Some of a model's stems on the CPU in single precision, once they are what it promises.

    Args:
        mixture_shape: of what it was given, (batch, channel, time).
        giver: what gave them, for the error.

    Raises:
        ShapeError: they have another shape, or samples that are not finite.
    """
    n_items, n_channels, n_samples = mixture_shape
    if stems.dim() != 4 or stems.shape[0] != n_items or tuple(stems.shape[2:]) != (n_channels, n_samples):
        raise ShapeError(
            f"expected {giver} to give (batch, stem, channel, time) = ({n_items}, stem, "
            f"{n_channels}, {n_samples}), got {tuple(stems.shape)}"
        )
    kept = _receive((stems if list(range(stems.shape[1])) == list(keep) else stems[:, list(keep)]).float())
    if not torch.isfinite(kept.sum()):
        raise ShapeError("expected finite samples from the model, got NaN or infinity; its weights may be damaged")
    return kept


def _send(items: Tensor, device: torch.device) -> Tensor:
    """To a device; to a CUDA one from pinned memory, which it reads by itself, without a copy in between."""
    return items.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else items.to(device)


def _receive(stems: Tensor) -> Tensor:
    """To the CPU, from a CUDA device into pinned memory."""
    if stems.device.type != "cuda":
        return stems.cpu()
    return torch.empty(stems.shape, dtype=stems.dtype, pin_memory=True).copy_(stems)


def _chunks(indices: list[int], size: int) -> list[list[int]]:
    return [indices[i : i + size] for i in range(0, len(indices), size)]


def _is_out_of_memory(error: Exception) -> bool:
    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in text or "can't allocate memory" in text


def _mute_silence(estimates: Tensor, mixtures: Tensor) -> None:
    """Where the mixture is digital silence, so are the stems.

    Silence is a frame of exact zeros with no other frame beside it, so that a zero crossing is none.
    """
    loud = torch.stack([_is_loud(item) for item in mixtures])
    edge = loud.new_zeros(len(loud), 1)
    near = loud | torch.cat([loud[:, 1:], edge], 1) | torch.cat([edge, loud[:, :-1]], 1)
    for item, frame in (~near).nonzero().tolist():
        begin = frame * _SILENCE_FRAME_SAMPLES
        estimates[item, ..., begin : begin + _SILENCE_FRAME_SAMPLES] = 0


def _is_loud(mixture: Tensor) -> Tensor:
    """For each frame, whether any sample is not zero; the first sample of a frame mostly tells."""
    frames = torch.split(mixture, _SILENCE_FRAME_SAMPLES, dim=-1)
    first = torch.stack([frame[:, 0] for frame in frames]).any(1)
    for index in (~first).nonzero().flatten().tolist():
        first[index] = bool(frames[index].any())
    return first
