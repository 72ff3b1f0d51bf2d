"""What an evaluation will do, and all that can be wrong with it, found before anything is scored."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from auralflow.config import to_dict
from auralflow.errors import ConfigError
from auralflow.evaluation.config import EvaluationConfig
from auralflow.evaluation.journal import fingerprint
from auralflow.evaluation.protocol import Protocol, make_protocol
from auralflow.evaluation.references import Reference, list_tracks, make_references
from auralflow.evaluation.systems import SystemDescription, choose_stems, describe_system, list_stems
from auralflow.metrics import Column, Metric, load_metric
from auralflow.separation.names import model_name

_SHAPES_ESTIMATES = ("segment_s", "overlap", "precision")
_SHAPES_SCORES = ("mixture", "channels", "metrics")


@dataclass(frozen=True)
class Plan:
    """An evaluation, ready to run."""

    config: EvaluationConfig
    system: SystemDescription
    references: tuple[Reference, ...]
    metrics: tuple[Metric, ...]
    protocol: Protocol
    n_left_out: int = 0
    """Songs that have none of the stems."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """All numbers that are asked for."""
        return tuple(column for metric in self.metrics for column in metric.columns)

    @property
    def settings(self) -> str:
        """Short hash of all that shapes the score of a song besides its files."""
        values = to_dict(self.config)
        shaping = {name: values[name] for name in (*_SHAPES_ESTIMATES, *_SHAPES_SCORES)}
        code = [hashlib.sha256(Path(n).read_bytes()).hexdigest() for n in self.config.metrics if n.endswith(".py")]
        return fingerprint(self.system.identity, shaping, code, self.protocol.version, sorted(self.protocol.stems))


def make_plan(config: EvaluationConfig) -> Plan:
    """Look at data, system and metrics.

    Raises:
        AuralflowError: one of them is not there, or they do not fit.
    """
    metrics = tuple(load_metric(name) for name in config.metrics)
    _refuse_clashes(metrics)
    tracks, split = list_tracks(config)
    system = describe_system(config, tracks)
    given = list_stems(system, tracks)
    stems = choose_stems(given, config.stems)
    references = tuple(make_references(tracks, stems, given, config))
    protocol = make_protocol(config, split, stems, references, metrics)
    return Plan(config, system, references, metrics, protocol, len(tracks) - len(references))


def default_out(config: EvaluationConfig) -> Path:
    """Where the scores go when nothing is said: `evaluation/` and the name of the system.

    Example:
        >>> default_out(EvaluationConfig(system="models/my_model", data="songs")).as_posix()
        'evaluation/my_model'
    """
    name = Path(config.system).expanduser().resolve().name
    return Path("evaluation", model_name(name))


def _refuse_clashes(metrics: tuple[Metric, ...]) -> None:
    owners: dict[str, str] = {}
    for metric in metrics:
        for column in metric.columns:
            if column.name in owners:
                raise ConfigError(
                    f"metrics: {owners[column.name]} and {metric.name} both give a column '{column.name}'"
                )
            owners[column.name] = metric.name
    windows = {metric.name: metric.window_s for metric in metrics if metric.window_s is not None}
    if len(set(windows.values())) > 1:
        told = ", ".join(f"{name} {window_s:g} s" for name, window_s in windows.items())
        raise ConfigError(f"metrics: expected frames of one length, got {told}; score them one after the other")
