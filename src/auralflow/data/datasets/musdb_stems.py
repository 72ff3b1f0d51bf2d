"""Stem files, as MUSDB18 has them: a `.stem.mp4` for each song, with the mixture and the stems as its streams."""

from __future__ import annotations

import os
from pathlib import Path

from auralflow.audio.probe import probe
from auralflow.audio.stem_mp4 import read_stem_names
from auralflow.data.datasets._folders import (
    STEM_FILE_SUFFIX,
    check_nothing_beside,
    is_stem_file,
    sound_name,
    split_folders,
    walk,
)
from auralflow.data.datasets._listing import Listed, Place, map_in_order, open_tracks
from auralflow.data.left_out import leave_out
from auralflow.data.track import Split, Track
from auralflow.errors import AudioError, ConfigError

MUSDB_STEMS = ("drums", "bass", "other", "vocals")
"""Streams 1 to 4 of a file that does not name them; stream 0 is the mixture."""


class MusdbStems:
    """A Stem file for each song.

    Layout:
        train/Artist - Song.stem.mp4
        valid/...   test/...

    Without `train`, `valid` and `test` the songs are unsplit; they may lie deeper. Stream 0 is the published mixture.
    The file names the others (read in lower case); where it does not, they are drums, bass, other and vocals. Other
    files are not looked at.

    Source: MUSDB18, 150 songs of 44.1 kHz stereo (100 train, 50 test), https://doi.org/10.5281/zenodo.1117372. AAC is
    lossy: the stems do not quite sum to the mixture. MUSDB18-HQ has the same songs as WAV.
    Licence: as `musdb_hq`.

    Cite:
        @misc{musdb18,
          author = {Rafii, Zafar and Liutkus, Antoine and St{\\"o}ter, Fabian-Robert and Mimilakis, Stylianos Ioannis
                    and Bittner, Rachel},
          title = {The {MUSDB18} corpus for music separation},
          year = {2017}, doi = {10.5281/zenodo.1117372}
        }
    """

    ARE_SONGS = True

    def __init__(self, root: Path) -> None:
        self._root = root

    @staticmethod
    def recognises(root: Path) -> bool:
        """Whether there is a `.stem.mp4`."""
        if not os.path.isdir(root):
            return False
        try:
            return any(True for folder in split_folders(root).values() for _ in walk(folder, is_stem_file))
        except AudioError:
            return False

    def list_tracks(self) -> dict[Split, tuple[Track, ...]]:
        """Songs by split; a song is called like its file, seen from the root, without `.stem.mp4`.

        Raises:
            AudioError: a file cannot be read, or there is none.
            ConfigError: Stem files beside the splits, or a stem's name twice in a file.
        """
        check_nothing_beside(self._root, is_stem_file)
        listed = {split: self._list(folder) for split, folder in split_folders(self._root).items()}
        return open_tracks(self._root, listed)

    def _list(self, folder: Path) -> list[Listed]:
        paths = [path for found in walk(folder, is_stem_file) for path in found.files]
        listed = []
        for path, stems in zip(paths, map_in_order(_find_stems, paths), strict=True):
            name = path.relative_to(self._root).as_posix()[: -len(STEM_FILE_SUFFIX)]
            if isinstance(stems, AudioError):
                leave_out(name, None, stems)
            else:
                listed.append(Listed(name, stems, Place(path)))
        return listed


def _find_stems(path: Path) -> dict[str, Place] | AudioError:
    """Where the stems are, or why they cannot be found."""
    try:
        return {stem: Place(path, stream) for stream, stem in enumerate(_stem_names(path), start=1)}
    except AudioError as error:
        return error


def _stem_names(path: Path) -> list[str]:
    n_stems = probe(path).n_streams - 1
    try:
        names = [sound_name(name) for name in read_stem_names(path)]
    except AudioError:
        names = list(MUSDB_STEMS)
    if len(names) != n_stems:
        raise AudioError(
            f"{path}: expected a mixture and {len(names)} stems ({', '.join(names)}), got {1 + n_stems} audio streams"
        )
    if len(set(names)) != len(names):
        raise ConfigError(f"{path}: expected stems of different names, got {', '.join(names)}; rename one of them")
    return names
