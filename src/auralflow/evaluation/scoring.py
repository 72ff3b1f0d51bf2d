"""Score the estimates of one song with every metric."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from auralflow.audio.types import Samples
from auralflow.dsp.bss_eval import cut, sounding_frames, sounds
from auralflow.evaluation.results import IDENTICAL, SILENT_ESTIMATE, SILENT_TARGET, FrameCounts, StemScore
from auralflow.evaluation.statistics import score_song
from auralflow.metrics import Metric

Waveforms = Float[Tensor, "stem channel time"]
Scores = NDArray[np.float64]
"""Of one stem: a single score, or one for each frame."""


def score_stems(
    estimates: Samples,
    targets: Samples,
    metrics: Sequence[Metric],
    *,
    sample_rate: int,
    seconds: dict[str, float] | None = None,
    beat: Callable[[float], None] = lambda fraction: None,
) -> list[StemScore]:
    """The scores of each stem in the order of the arrays.

    A metric that refuses silence (BSS Eval) is asked about the stems whose target and estimate sound; the others leave
    its set and score NaN. Of a metric with frames, the song's score is the median of those that are finite.

    Args:
        seconds: is told the wall time of each metric.
        beat: takes the fraction done.

    Shape:
        estimates, targets: (stem, channel, time)

    Example:
        >>> from auralflow.metrics import load_metric
        >>> targets = np.ones((1, 2, 100), np.float32)
        >>> found = score_stems(0.9 * targets, targets, [load_metric("sdr")], sample_rate=44100)
        >>> round(found[0].scores["sdr"], 3)
        20.0
    """
    e, t = torch.from_numpy(estimates), torch.from_numpy(targets)
    is_audible = [sounds(target) and sounds(estimate) for target, estimate in zip(t, e, strict=True)]
    columns: dict[str, list[Scores]] = {}
    for number, metric in enumerate(metrics):
        started = time.perf_counter()
        asked = [i for i, audible in enumerate(is_audible) if audible or not metric.refuses_silence]
        columns |= _ask(metric, e, t, asked, sample_rate)
        if seconds is not None:
            seconds[metric.name] = time.perf_counter() - started
        beat((number + 1) / len(metrics))
    window_s = next((metric.window_s for metric in metrics if metric.window_s is not None), None)
    counts: Sequence[FrameCounts | None] = [None] * len(t)
    if window_s is not None:
        counts = _count_frames(e, t, is_audible, round(window_s * sample_rate))
    return [
        _collect({name: values[stem] for name, values in columns.items()}, e[stem], t[stem], counts[stem])
        for stem in range(len(t))
    ]


def _ask(
    metric: Metric, estimates: Waveforms, targets: Waveforms, asked: Sequence[int], sample_rate: int
) -> dict[str, list[Scores]]:
    """Each column of a metric for all stems; NaN for those that it was not asked about."""
    if not asked:
        return _blank(metric, targets, sample_rate)
    everything = len(asked) == len(targets)
    pair = (estimates, targets) if everything else (estimates[list(asked)], targets[list(asked)])
    columns: dict[str, list[Scores]] = {}
    for name, values in metric.function(*pair, sample_rate=sample_rate).items():
        found = values.double().cpu().numpy()
        columns[name] = [np.full(found.shape[1:], np.nan) for _ in targets]
        for place, stem in enumerate(asked):
            columns[name][stem] = found[place]
    return columns


def _blank(metric: Metric, targets: Waveforms, sample_rate: int) -> dict[str, list[Scores]]:
    """NaN in every column."""
    window_samples = round((metric.window_s or 1.0) * sample_rate)
    n_frames = len(list(cut(targets.shape[-1], window_samples, window_samples)))
    shapes = {column.name: (n_frames,) if column.is_framewise else () for column in metric.columns}
    return {name: [np.full(shape, np.nan) for _ in targets] for name, shape in shapes.items()}


def _collect(
    columns: dict[str, Scores],
    estimate: Float[Tensor, "channel time"],
    target: Float[Tensor, "channel time"],
    counts: FrameCounts | None,
) -> StemScore:
    frames = {name: tuple(values.tolist()) for name, values in columns.items() if values.ndim}
    scores = {n: score_song(values) if values.ndim else float(values) for n, values in columns.items()}
    return StemScore(scores, frames, counts if frames else None, tuple(_flag(estimate, target)))


def _flag(estimate: Float[Tensor, "channel time"], target: Float[Tensor, "channel time"]) -> list[str]:
    flags = []
    if not target.any():
        flags.append(SILENT_TARGET)
    if not estimate.any():
        flags.append(SILENT_ESTIMATE)
    if torch.equal(estimate, target):
        flags.append(IDENTICAL)
    return flags


def _count_frames(
    estimates: Waveforms, targets: Waveforms, is_audible: Sequence[bool], window_samples: int
) -> list[FrameCounts]:
    frames = list(cut(targets.shape[-1], window_samples, window_samples))
    is_sounding = sounding_frames(estimates, targets, frames)
    audible = torch.tensor(is_audible)
    is_scored = is_sounding[audible].all(0) & audible.any()
    counts = []
    for stem, own in enumerate(is_sounding):
        n_used = int(is_scored.sum()) if is_audible[stem] else 0
        n_own_silence = int((~own).sum())
        counts.append(FrameCounts(len(frames), n_used, n_own_silence, len(frames) - n_used - n_own_silence))
    return counts
