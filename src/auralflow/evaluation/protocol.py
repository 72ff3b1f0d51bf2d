"""How scores were made. Two sets of scores can be compared only where this agrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from auralflow.config import from_dict
from auralflow.errors import ConfigError
from auralflow.evaluation.config import EvaluationConfig
from auralflow.evaluation.references import MAX_PADDING_S, Reference
from auralflow.metrics import Metric

VERSION = 1
"""Raised when a change of ours changes scores."""


@dataclass(frozen=True)
class Protocol:
    """What has to be said beside a score."""

    version: int
    """Of this programme's way to score."""
    split: str
    """Songs of the data that were to be scored."""
    stems: tuple[str, ...]
    """The set: metrics that look at all targets look at these."""
    mixture: str
    """`published`, `sum`, or both, of what was separated."""
    channels: str
    """`all`: every channel is scored; `mono`: their mean."""
    sample_rates: tuple[int, ...]
    """Of the songs. Estimates are scored at this rate; a model of another rate is resampled to it by the engine."""
    window_s: float | None
    """Length of frames, and hop between them."""
    framewise: tuple[str, ...]
    """Columns that are a median over frames and then over songs; all others are a mean over songs."""
    max_songs: int | None
    """Songs were left out beyond this number."""
    sources: dict[str, str]
    """Metrics, and where they are defined."""

    def lines(self) -> list[str]:
        """The protocol in sentences, to print beside the numbers."""
        rates = ", ".join(f"{rate} Hz" for rate in self.sample_rates)
        how = "all channels" if self.channels == "all" else "the mean over channels"
        told = [
            f"songs: {self.split}" + (f", the first {self.max_songs}" if self.max_songs else ""),
            f"set of stems: {', '.join(self.stems)}; a stem that a song lacks leaves the set for that song",
            f"mixture: {_MIXTURES[self.mixture]}; scored at {rates}, {how}",
            f"lengths: files off by up to {MAX_PADDING_S} s are cut or padded at their end, others are refused",
        ]
        if self.framewise:
            told += [
                f"{', '.join(self.framewise)}: windows and hops of {self.window_s:g} s, median over frames, then over "
                "songs; a frame in which any target or estimate of the set is silent counts for no stem",
                "all other scores: the whole song, then the mean over songs",
            ]
        else:
            told.append("scores: the whole song, then the mean over songs")
        told.append("silent targets score NaN; NaN and infinity are counted and left out of averages")
        return told


_MIXTURES = {
    "published": "the data's own",
    "sum": "the sum of the stems",
    "published and sum": "the data's own, and the sum of the stems where there is none",
}
_MAY_DIFFER = ("sources", "framewise", "window_s")
"""What belongs to a metric that the other side may not have been asked for."""


def make_protocol(
    config: EvaluationConfig,
    split: str,
    stems: Sequence[str],
    references: Sequence[Reference],
    metrics: Sequence[Metric],
) -> Protocol:
    """The protocol of an evaluation."""
    kinds = sorted({"sum" if reference.mixture is None else "published" for reference in references})
    windows = {metric.window_s for metric in metrics if metric.window_s is not None}
    return Protocol(
        version=VERSION,
        split=split,
        stems=tuple(stems),
        mixture=" and ".join(kinds),
        channels=config.channels,
        sample_rates=tuple(sorted({sound.sample_rate for reference in references for sound in reference.sounds})),
        window_s=next(iter(windows), None),
        framewise=tuple(c.name for metric in metrics for c in metric.columns if c.is_framewise),
        max_songs=config.max_songs,
        sources={metric.name: metric.source for metric in metrics},
    )


def check_same(a: Protocol, b: Protocol, column: str) -> None:
    """Refuse to compare scores that were made in different ways.

    Raises:
        ConfigError: the protocols differ; it says in what.
    """
    # Stems are a set: a folder and a model have them in orders of their own.
    ours, theirs = (vars(protocol) | {"stems": tuple(sorted(protocol.stems))} for protocol in (a, b))
    differing = [name for name in ours if name not in _MAY_DIFFER and ours[name] != theirs[name]]
    told = [f"{name}: {_show(ours[name])} and {_show(theirs[name])}" for name in differing]
    if (column in a.framewise) != (column in b.framewise):
        told.append(f"framewise: {column} is a median over frames in one of them only")
    elif column in a.framewise and a.window_s != b.window_s:
        told.append(f"window_s: {a.window_s} and {b.window_s}")
    shared = [name for name in sorted(a.sources) if name in b.sources and a.sources[name] != b.sources[name]]
    told += [f"definition of {name}: {a.sources[name]} and {b.sources[name]}" for name in shared]
    if told:
        raise ConfigError(
            f"protocol: A and B were scored in different ways, score both alike to compare them: {'; '.join(told)}"
        )


def _show(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def read_protocol(values: dict[str, Any]) -> Protocol:
    """A protocol from JSON.

    Raises:
        ConfigError: it is none.
    """
    return from_dict(Protocol, values, "protocol")
