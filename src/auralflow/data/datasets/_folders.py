"""What lies in the folders of a data set: its splits, and the files that count."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from auralflow.audio.probe import AUDIO_SUFFIXES
from auralflow.data.track import SPLITS, Split
from auralflow.errors import AudioError, ConfigError

STEM_FILE_SUFFIX = ".stem.mp4"
MIXTURE = "mixture"
"""What is called so is no stem."""

_UNSPLIT = SPLITS[-1]


@dataclass(frozen=True)
class Folder:
    """A folder and the files that count in it, sorted by name; folders below it not among them."""

    path: Path
    files: tuple[Path, ...]


def is_audio(name: str) -> bool:
    """Whether a file of this name holds one sound; Stem files hold five."""
    return os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES and not is_stem_file(name)


def is_stem_file(name: str) -> bool:
    """Whether this is the name of a Stem file."""
    return name.lower().endswith(STEM_FILE_SUFFIX)


def sound_name(name: str) -> str:
    """A stem's name in lower case, so that `Vocals.wav` and `vocals.wav` are one; `mix` is the mixture too.

    Example:
        >>> sound_name("Lead Vocals"), sound_name("Mix")
        ('lead vocals', 'mixture')
    """
    # Accents have two spellings in Unicode; file systems differ in which they keep.
    plain = unicodedata.normalize("NFC", name).strip().lower()
    return MIXTURE if plain == "mix" else plain


def split_folders(root: Path) -> dict[Split, Path]:
    """`train`, `valid` and `test` as far as they are there; else the root itself, `unsplit`."""
    found = {split: root / split for split in SPLITS if split != _UNSPLIT and (root / split).is_dir()}
    return found or {_UNSPLIT: root}


def walk(folder: Path, counts: Callable[[str], bool], above: frozenset[Path] = frozenset()) -> Iterator[Folder]:
    """Every folder from here down that holds files which count, sorted by name.

    Hidden files and folders are passed over. Links are followed, but never in a circle. What a link promises counts
    even when it is not there: a missing sound is to be noticed.

    Raises:
        AudioError: a folder cannot be listed.
    """
    here = folder.resolve()
    if here in above:
        return
    folders, files = _list_folder(folder)
    counted = tuple(path for path in files if counts(path.name))
    if counted:
        yield Folder(folder, counted)
    for below in folders:
        yield from walk(below, counts, above | {here})


def check_nothing_beside(root: Path, counts: Callable[[str], bool]) -> None:
    """Refuse files that count but lie in none of the splits, such as those of a folder `validation`.

    Raises:
        ConfigError: there is one.
    """
    splits = split_folders(root)
    if _UNSPLIT in splits:
        return
    folders, files = _list_folder(root)
    others = (folder for folder in folders if folder not in splits.values())
    stray = next((path for path in files if counts(path.name)), None)
    stray = stray or next((found.path for other in others for found in walk(other, counts)), None)
    if stray is not None:
        raise ConfigError(
            f"{stray}: expected audio in the folders train, valid and test only, found it beside "
            f"{', '.join(splits)}; move it into one of them or away"
        )


def _list_folder(folder: Path) -> tuple[list[Path], list[Path]]:
    folders: list[Path] = []
    files: list[Path] = []
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if not entry.name.startswith("."):
                    (folders if entry.is_dir() else files).append(folder / entry.name)
    except OSError as error:
        raise AudioError(f"{folder}: cannot be listed: {error.strerror or error}") from None
    return folders, files
