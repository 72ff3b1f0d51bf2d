"""From what a user types to a system: a baseline, a model, or a folder of estimates."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from auralflow.data.track import Track
from auralflow.errors import AudioError, UnknownNameError
from auralflow.evaluation.baselines import BASELINES
from auralflow.evaluation.config import EvaluationConfig
from auralflow.evaluation.references import Reference
from auralflow.evaluation.systems.baseline import BaselineSystem, rivals
from auralflow.evaluation.systems.folder import EstimatesSystem, find_folder, list_estimates
from auralflow.evaluation.systems.model import ModelSystem
from auralflow.evaluation.systems.system import System, SystemDescription
from auralflow.pretrained.names import DESCRIPTION, sort_name
from auralflow.separation.build import describe_separator


def describe_system(config: EvaluationConfig, tracks: Sequence[Track]) -> SystemDescription:
    """What the system is, found out without loading a model.

    Raises:
        UnknownNameError: no model, baseline or folder is called so.
        AudioError: the folder has estimates of none of the songs.
        CheckpointError: the model cannot be loaded.
    """
    name = config.system
    if name in BASELINES:
        return SystemDescription("baseline", name, f"baseline {name}", None)
    folder = Path(name).expanduser()
    if folder.is_dir() and not (folder / DESCRIPTION).is_file() and sort_name(str(folder)) != "foreign":
        stems = _find_stems(folder, tracks)
        return SystemDescription("estimates", folder.resolve().name, str(folder.resolve()), stems)
    try:
        model = describe_separator(config.separation)
    except UnknownNameError as error:
        raise UnknownNameError("model, baseline or folder of estimates", name, {*error.known, *BASELINES}) from None
    return SystemDescription("model", model.name, f"model {model.identity}", model.spec.stems)


def open_system(description: SystemDescription, config: EvaluationConfig) -> System:
    """The system itself.

    Raises:
        AuralflowError: the model cannot be loaded, or its device is not there.
    """
    if description.kind == "baseline":
        return BaselineSystem(config.system)
    if description.kind == "estimates":
        return EstimatesSystem(Path(config.system).expanduser(), is_mono=config.channels == "mono")
    return ModelSystem(config.separation)


def list_files(description: SystemDescription, config: EvaluationConfig, reference: Reference) -> list[Path]:
    """What the estimates of a song are made from, besides its own stems and its mixture.

    Of a folder of estimates its files, none where one is missing; of an oracle the stems that are not scored.
    """
    if description.kind == "model":
        return []
    if description.kind == "baseline":
        return [sound.path for sound in rivals(config.system, reference)]
    try:
        return list(EstimatesSystem(Path(config.system).expanduser()).find(reference).values())
    except AudioError:
        return []


def list_stems(description: SystemDescription, tracks: Sequence[Track]) -> tuple[str, ...]:
    """Every stem that the system gives."""
    return description.stems or tuple(dict.fromkeys(stem for track in tracks for stem in track.stems))


def choose_stems(given: Sequence[str], asked: Sequence[str] | None) -> tuple[str, ...]:
    """The stems to score: those asked for, or all that the system gives.

    Raises:
        UnknownNameError: a stem that the system does not give.

    Example:
        >>> choose_stems(("vocals", "other"), None)
        ('vocals', 'other')
    """
    for stem in asked or ():
        if stem not in given:
            raise UnknownNameError("stem", stem, given)
    return tuple(given if asked is None else asked)


def _find_stems(root: Path, tracks: Sequence[Track]) -> tuple[str, ...]:
    """Every name that some song's estimates have."""
    folders = [folder for track in tracks if (folder := find_folder(root, track.name)) is not None]
    names = {name for folder in folders for name in list_estimates(folder)}
    if not names:
        example = os.path.join(root, tracks[0].name if tracks else "SONG", "vocals.wav")
        raise AudioError(f"{root}: expected a model's bundle or estimates such as {example}, found neither")
    return tuple(sorted(names))
