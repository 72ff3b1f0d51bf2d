"""One song from its files to its scores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np

from auralflow.audio.types import Samples
from auralflow.errors import AudioError
from auralflow.evaluation.excerpt import save_excerpt
from auralflow.evaluation.references import Reference, read_recording
from auralflow.evaluation.results import SongScore
from auralflow.evaluation.scoring import score_stems
from auralflow.evaluation.systems import System
from auralflow.metrics import Metric


def evaluate_song(
    reference: Reference,
    system: System,
    metrics: Sequence[Metric],
    *,
    channels: Literal["all", "mono"] = "all",
    excerpt: Path | None = None,
    beat: Callable[[float], None] = lambda fraction: None,
) -> SongScore:
    """Read a song, separate it, score its stems.

    Args:
        channels: `mono` averages targets and estimates over channels before they are scored.
        excerpt: file to write the song's excerpt to; None writes none.
        beat: takes the fraction done.

    Raises:
        AuralflowError: a file cannot be read or does not fit; the message is for the list of failures.
    """
    seconds: dict[str, float] = {}
    with _measured(seconds, "read"):
        recording = read_recording(reference)
    beat(_READ)
    with _measured(seconds, "separate"):
        estimates = system.estimate(reference, recording, lambda f: beat(_READ + (_SEPARATED - _READ) * f))
    if not all(np.isfinite(estimate).all() for estimate in estimates.samples):
        raise AudioError(f"{reference.name}: the estimates have samples that are NaN or infinite; nothing to score")
    targets, samples = recording.targets, estimates.samples
    if channels == "mono":
        targets, samples = _average(targets), _average(samples)
    scores = score_stems(
        samples,
        targets,
        metrics,
        sample_rate=recording.sample_rate,
        seconds=seconds,
        beat=lambda f: beat(_SEPARATED + (1 - _SEPARATED) * f),
    )
    if excerpt is not None:
        save_excerpt(excerpt, recording, estimates.samples)
    return SongScore(
        reference.name,
        recording.n_samples / recording.sample_rate,
        recording.sample_rate,
        targets.shape[1],
        "sum" if reference.mixture is None else "published",
        dict(zip(recording.stems, scores, strict=True)),
        reference.absent,
        (*recording.notes, *estimates.notes),
        seconds,
    )


_READ, _SEPARATED = 0.05, 0.6
"""About how far a song is then."""


def _average(sounds: Samples) -> Samples:
    mean: Samples = sounds.mean(axis=1, keepdims=True, dtype=np.float32)
    return mean


@contextmanager
def _measured(seconds: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - started
