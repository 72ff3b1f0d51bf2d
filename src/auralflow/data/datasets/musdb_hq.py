"""Folders of songs, as MUSDB18-HQ has them: a folder for each song, in it a file for each stem."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from auralflow.data.datasets._folders import (
    MIXTURE,
    Folder,
    check_nothing_beside,
    is_audio,
    sound_name,
    split_folders,
    walk,
)
from auralflow.data.datasets._guess import guess_kinds
from auralflow.data.datasets._listing import Listed, Place, open_tracks
from auralflow.data.track import Split, Track
from auralflow.errors import ConfigError


class MusdbHQ:
    """A folder for each song, in it a file for each stem.

    Layout:
        train/Artist - Song/{mixture,vocals,drums,bass,other}.wav
        valid/...   test/...

    Without `train`, `valid` and `test` the songs are unsplit. They may lie deeper (`train/album/song`), but not one in
    the other. Stems have any names, read in lower case, and any audio format, but one file each. `mixture` or `mix` is
    the published mixture and no stem; a song has at least one stem beside it.

    Source: MUSDB18-HQ, 150 songs of 44.1 kHz stereo (100 train, 50 test), https://doi.org/10.5281/zenodo.3338373.
    Licence: for educational purposes, no commercial use; 46 songs are from MedleyDB under CC BY-NC-SA 4.0. The record
    on Zenodo has the terms.

    Cite:
        @misc{musdb18-hq,
          author = {Rafii, Zafar and Liutkus, Antoine and St{\\"o}ter, Fabian-Robert and Mimilakis, Stylianos Ioannis
                    and Bittner, Rachel},
          title = {{MUSDB18-HQ} - an uncompressed version of {MUSDB18}},
          year = {2019}, doi = {10.5281/zenodo.3338373}
        }
    """

    ARE_SONGS = True

    def __init__(self, root: Path) -> None:
        self._root = root

    @staticmethod
    def recognises(root: Path) -> bool:
        """Whether files have names of stems, or several folders files of the same names."""
        return "songs" in guess_kinds(root)

    def list_tracks(self) -> dict[Split, tuple[Track, ...]]:
        """Songs by split; a song is called like its folder, seen from the root.

        Raises:
            AudioError: a file cannot be read as audio, or there are no songs.
            ConfigError: audio beside the splits or inside a song, a stem in two files, a song without stems.
        """
        check_nothing_beside(self._root, is_audio)
        songs = {split: list(walk(folder, is_audio)) for split, folder in split_folders(self._root).items()}
        for folders in songs.values():
            _check_not_nested(folders)
        return open_tracks(self._root, {split: list(self._list(folders)) for split, folders in songs.items()})

    def _list(self, folders: Sequence[Folder]) -> Iterator[Listed]:
        for folder in folders:
            sounds = _by_stem(folder)
            mixture = sounds.pop(MIXTURE, None)
            if not sounds:
                raise ConfigError(
                    f"{folder.path}: expected stems beside the mixture, found none; add them or move it away"
                )
            yield Listed(_song_name(folder.path, self._root), sounds, mixture)


def _song_name(folder: Path, root: Path) -> str:
    return folder.relative_to(root).as_posix() if folder != root else root.resolve().name


def _by_stem(folder: Folder) -> dict[str, Place]:
    sounds: dict[str, Place] = {}
    for path in folder.files:
        twin = sounds.setdefault(sound_name(path.stem), Place(path)).path
        if twin != path:
            raise ConfigError(
                f"{folder.path}: expected one file for '{sound_name(path.stem)}', got {twin.name} and {path.name}; "
                "keep one of them"
            )
    return sounds


def _check_not_nested(folders: Sequence[Folder]) -> None:
    songs = {folder.path for folder in folders}
    for folder in folders:
        around = next((parent for parent in folder.path.parents if parent in songs), None)
        if around is not None:
            raise ConfigError(
                f"{folder.path}: expected no audio in folders inside a song, but {around} holds audio as well; "
                "move one of them away"
            )
