"""A folder of estimates as a system: audio files that any program may have made.

ESTIMATES/SONG/vocals.wav            SONG is the song's folder in the data, with or without its split
ESTIMATES/SONG/mixture/vocals.wav    (or mix) what `auralflow separate DATA --out ESTIMATES` makes
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from auralflow.data.datasets._folders import MIXTURE, is_audio, sound_name
from auralflow.data.track import Sound, find_sound
from auralflow.errors import AudioError, ShapeError
from auralflow.evaluation.references import Recording, Reference, check_rate, read_sound
from auralflow.evaluation.systems.system import Estimates


class EstimatesSystem:
    """A folder of estimates.

    Args:
        is_mono: the scores are of the mean over channels, so that mono estimates will do.
    """

    def __init__(self, root: Path, *, is_mono: bool = False) -> None:
        self._root, self._is_mono = root, is_mono

    def estimate(self, reference: Reference, recording: Recording, beat: Callable[[float], None]) -> Estimates:
        files = self.find(reference)
        estimates = np.empty_like(recording.targets)
        notes: list[str] = []
        for index, stem in enumerate(recording.stems):
            sound = find_sound(files[stem])
            self._check(sound, recording)
            allowed = {recording.targets.shape[1], *([1] if self._is_mono else [])}
            estimates[index] = read_sound(sound, recording.n_samples, allowed, notes.append)
            beat((index + 1) / len(recording.stems))
        return Estimates(estimates, tuple(notes))

    def find(self, reference: Reference) -> dict[str, Path]:
        """The file of each stem.

        Raises:
            AudioError: one is missing.
        """
        folder = find_folder(self._root, reference.name)
        if folder is None:
            raise AudioError(f"{reference.name}: expected estimates in {self._root / reference.name}, found none")
        files = list_estimates(folder)
        _refuse_twins(folder, reference.parts)
        missing = [stem for stem in reference.parts if stem not in files]
        if missing:
            raise AudioError(
                f"{folder}: expected an estimate of {', '.join(missing)}, found {', '.join(files) or 'no audio'}; "
                "add it, or choose stems with --stems"
            )
        return {stem: files[stem] for stem in reference.parts}

    def _check(self, sound: Sound, recording: Recording) -> None:
        check_rate(sound, recording.sample_rate)
        channels = recording.targets.shape[1]
        if sound.channels != channels and not (self._is_mono and sound.channels == 1):
            hint = "; --channels mono scores the mean over channels" if sound.channels == 1 else ""
            raise ShapeError(f"{sound.path}: expected {channels} channels, as the song has, got {sound.channels}{hint}")


def find_folder(root: Path, song: str) -> Path | None:
    """Where the estimates of a song are: under its whole name, or without what stands before it, as its split."""
    parts = PurePosixPath(song).parts
    for start in range(len(parts)):
        folder = root.joinpath(*parts[start:])
        for candidate in (folder, *_folders_of_mixtures(folder)):
            if list_estimates(candidate):
                return candidate
    return None


def _folders_of_mixtures(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if sound_name(path.name) == MIXTURE and path.is_dir())


def _refuse_twins(folder: Path, stems: Collection[str]) -> None:
    names: dict[str, str] = {}
    for path in _list_audio(folder):
        twin = names.setdefault(sound_name(path.stem), path.name)
        if twin != path.name and sound_name(path.stem) in stems:
            raise AudioError(
                f"{folder}: expected one file for '{sound_name(path.stem)}', got {twin} and {path.name}; "
                "keep one of them"
            )


def list_estimates(folder: Path) -> dict[str, Path]:
    """Audio files of a folder by the stem that they are called after; a mixture is none."""
    found = {sound_name(path.stem): path for path in _list_audio(folder)}
    found.pop(MIXTURE, None)
    return found


def _list_audio(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
        yield from (folder / name for name in names if is_audio(name) and not name.startswith("."))
