"""What an input is, and which pictures it gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from auralflow.audio.probe import AUDIO_SUFFIXES
from auralflow.errors import AudioError, ConfigError
from auralflow.evaluation.compare import SCORES
from auralflow.pictures.results import Kind
from auralflow.training.folder import RunFolder

MAX_ROWS = 12
"""Sounds of a folder that one picture has room for."""


@dataclass(frozen=True)
class Subject:
    """Something to draw."""

    kind: Kind
    source: Path
    """What the user named, or a file in it."""
    sounds: tuple[Path, ...] = ()
    """Files of a picture of sounds; of a comparison the estimate and the target."""

    @property
    def name(self) -> str:
        """What its picture is called."""
        return _name(self.source) if self.source.is_dir() else self.source.stem


def find_subjects(path: Path, target: Path | None) -> list[Subject]:
    """What is to be drawn of an input.

    Raises:
        AudioError: there is no such file or folder, or a folder with more sounds than a picture has room for.
        ConfigError: there is nothing in it to draw, or nothing to compare it with.
    """
    for missing in (path, target):
        if missing is not None and not missing.exists():
            raise AudioError(f"{missing}: no such file or folder")
    folder = _find_folder(path)
    if target is not None:
        return list(_find_pairs(path, target))
    if folder is None:
        return [Subject("sound", path, (path,))]
    if _is_run(folder):
        return [Subject("curves", folder)]
    if (folder / SCORES).is_file():
        return [Subject("scores", folder)]
    return [Subject("sounds", folder, _list_rows(folder))]


def _find_folder(path: Path) -> Path | None:
    """The folder that is meant; that of a file which a run or an evaluation has written is meant too."""
    if path.is_dir():
        return path
    if path.name == SCORES:
        return path.parent
    return path.parent.parent if path.name == "metrics.csv" else None


def _is_run(folder: Path) -> bool:
    run = RunFolder(folder)
    return run.train_yaml.is_file() or (run.logs / "metrics.csv").is_file()


def _list_rows(folder: Path) -> tuple[Path, ...]:
    sounds = tuple(_list_sounds(folder))
    if not sounds:
        raise ConfigError(
            f"{folder}: expected sounds, or what 'auralflow test' or 'auralflow train' has written; found none of them"
        )
    if len(sounds) > MAX_ROWS:
        raise AudioError(
            f"{folder}: holds {len(sounds)} sounds, and a picture has room for {MAX_ROWS}; name the files instead, "
            "each gets a picture of its own"
        )
    return sounds


def _list_sounds(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file())


def _find_pairs(path: Path, target: Path) -> Iterator[Subject]:
    """An estimate and its target; of folders, the sounds of one name."""
    estimates = _list_sounds(path) if path.is_dir() else [path]
    if path.is_dir() and not target.is_dir():
        raise ConfigError(f"target: '{path}' is a folder, so expected a folder with its targets, got '{target}'")
    targets = {sound.stem: sound for sound in _list_sounds(target)} if target.is_dir() else {}
    pairs = [(sound, target if target.is_file() else targets.get(sound.stem)) for sound in estimates]
    found = [(sound, other) for sound, other in pairs if other is not None]
    if not found:
        raise ConfigError(
            f"{path}: nothing to compare: expected a sound called as one in '{target}' "
            f"({', '.join(sorted(targets)) or 'which holds none'})"
        )
    for sound, other in found:
        yield Subject("comparison", sound, (sound, other))


def _name(folder: Path) -> str:
    return folder.resolve().name or "picture"
