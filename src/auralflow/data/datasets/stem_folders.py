"""Folders of stems: a folder for each stem, in it sounds that have nothing to do with those of the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from auralflow.data.datasets._folders import (
    MIXTURE,
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


class StemFolders:
    """A folder for each stem, with unrelated sounds: training mixes them at random.

    Layout:
        train/vocals/any name.wav
        train/drums/kits/any name.flac
        valid/...   test/...

    Without `train`, `valid` and `test` the sounds are unsplit. The folder's name, read in lower case, is the stem;
    below it files may lie deeper. Each file is a track with one stem. A folder `mixture` or `mix` is passed over.

    Source: your own sounds.
    Licence: theirs.
    """

    ARE_SONGS = False

    def __init__(self, root: Path) -> None:
        self._root = root

    @staticmethod
    def recognises(root: Path) -> bool:
        """Whether folders have names of stems, or none of them shares a file name with another."""
        return "stems" in guess_kinds(root)

    def list_tracks(self) -> dict[Split, tuple[Track, ...]]:
        """Sounds by split; each is called like its file, seen from the root.

        Raises:
            AudioError: a file cannot be read as audio, or there is none.
            ConfigError: audio beside the splits, or in no stem's folder.
        """
        check_nothing_beside(self._root, is_audio)
        listed = {split: list(self._list(folder)) for split, folder in split_folders(self._root).items()}
        return open_tracks(self._root, listed)

    def _list(self, head: Path) -> Iterator[Listed]:
        for folder in walk(head, is_audio):
            if folder.path == head:
                raise ConfigError(f"{folder.files[0]}: expected it in the folder of a stem, such as {head / 'vocals'}")
            stem = sound_name(folder.path.relative_to(head).parts[0])
            if stem != MIXTURE:
                for path in folder.files:
                    yield Listed(path.relative_to(self._root).as_posix(), {stem: Place(path)})
