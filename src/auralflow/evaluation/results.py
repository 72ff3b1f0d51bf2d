"""Scores of songs and of a whole set, and their form in JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SILENT_TARGET = "silent target"
SILENT_ESTIMATE = "silent estimate"
IDENTICAL = "identical"
"""Flags of a stem: what makes its scores NaN or infinite."""


@dataclass(frozen=True)
class FrameCounts:
    """What became of the frames of a stem in metrics that leave out silence."""

    n_frames: int
    """Whole windows in the song."""
    n_used: int
    """Windows with a score."""
    n_own_silence: int
    """Windows without one since the stem's own target or estimate is silent."""
    n_others_silence: int
    """Windows in which it sounds, and has no score since another stem is silent: the rule of BSS Eval."""


@dataclass(frozen=True)
class StemScore:
    """One stem of one song."""

    scores: dict[str, float]
    """By column; of a metric with frames the median of those that are finite. NaN: nothing to score."""
    frames: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Of metrics that have frames, by column."""
    counts: FrameCounts | None = None
    """Of those frames."""
    flags: tuple[str, ...] = ()
    """`silent target`, `silent estimate`, `identical`."""


@dataclass(frozen=True)
class SongScore:
    """One song."""

    name: str
    duration_s: float
    sample_rate: int
    channels: int
    mixture: str
    """`published` or `sum`."""
    stems: dict[str, StemScore]
    absent: tuple[str, ...] = ()
    """Stems that the song lacks; they left the set."""
    notes: tuple[str, ...] = ()
    """What was done to files to make them fit."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Wall seconds of reading, separating and each metric."""


@dataclass(frozen=True)
class SongFailure:
    """A song that could not be scored."""

    name: str
    reason: str
    """One line."""


def tabulate(songs: Sequence[SongScore], column: str) -> dict[str, dict[str, float]]:
    """A column by song and stem, as `auralflow.evaluation.statistics.compare` takes it."""
    return {song.name: {name: stem.scores[column] for name, stem in song.stems.items()} for song in songs}


def encode_song(song: SongScore, *, with_frames: bool = True) -> dict[str, Any]:
    """A song in plain containers for JSON, which has no NaN and no infinity: null stands for both, and
    `not_finite` says which it is.

    Example:
        >>> score = StemScore({"sdr": math.inf}, flags=(IDENTICAL,))
        >>> stem = encode_song(SongScore("a", 1.0, 44100, 2, "sum", {"bass": score}))["stems"]["bass"]
        >>> stem["scores"], stem["not_finite"], stem["flags"]
        ({'sdr': None}, {'sdr': 'inf'}, ['identical'])
    """
    values = {key: getattr(song, key) for key in ("name", "duration_s", "sample_rate", "channels", "mixture")}
    stems = {name: _encode_stem(stem, with_frames) for name, stem in song.stems.items()}
    return {
        **values,
        "stems": stems,
        "absent": list(song.absent),
        "notes": list(song.notes),
        "seconds": {stage: round(seconds, 3) for stage, seconds in song.seconds.items()},
    }


def decode_song(values: Mapping[str, Any]) -> SongScore:
    """The inverse of `encode_song`."""
    stems = {name: _decode_stem(stem) for name, stem in values["stems"].items()}
    return SongScore(
        values["name"],
        values["duration_s"],
        values["sample_rate"],
        values["channels"],
        values["mixture"],
        stems,
        tuple(values["absent"]),
        tuple(values["notes"]),
        dict(values["seconds"]),
    )


def _encode_stem(stem: StemScore, with_frames: bool) -> dict[str, Any]:
    scores, not_finite = split_finite(stem.scores)
    values: dict[str, Any] = {"scores": scores, "not_finite": not_finite, "flags": list(stem.flags)}
    if stem.counts is not None:
        values["counts"] = vars(stem.counts)
    if with_frames and stem.frames:
        values["frames"] = {
            column: [frame if math.isfinite(frame) else None for frame in frames]
            for column, frames in stem.frames.items()
        }
        values["infinite_frames"] = {
            column: _find_infinities(frames) for column, frames in stem.frames.items() if any(map(math.isinf, frames))
        }
    return values


def split_finite(scores: Mapping[str, float]) -> tuple[dict[str, float | None], dict[str, str]]:
    """Scores with null for what is not finite, and what that is."""
    found = {name: score if math.isfinite(score) else None for name, score in scores.items()}
    return found, {name: str(float(score)) for name, score in scores.items() if not math.isfinite(score)}


def _decode_stem(values: Mapping[str, Any]) -> StemScore:
    not_finite = values["not_finite"]
    scores = {n: float(not_finite[n]) if score is None else score for n, score in values["scores"].items()}
    frames = {column: _decode_frames(values, column) for column in values.get("frames", {})}
    counts = FrameCounts(**values["counts"]) if "counts" in values else None
    return StemScore(scores, frames, counts, tuple(values["flags"]))


def _decode_frames(values: Mapping[str, Any], column: str) -> tuple[float, ...]:
    frames = np.array([math.nan if frame is None else frame for frame in values["frames"][column]], dtype=np.float64)
    for infinity, places in values.get("infinite_frames", {}).get(column, {}).items():
        frames[places] = float(infinity)
    return tuple(frames.tolist())


def _find_infinities(frames: Sequence[float]) -> dict[str, list[int]]:
    """The places of each infinity."""
    found = {str(infinity): [i for i, f in enumerate(frames) if f == infinity] for infinity in (math.inf, -math.inf)}
    return {infinity: places for infinity, places in found.items() if places}
