"""A list of files: a CSV table or JSON lines that say which sound is which stem of which song."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from auralflow.data.datasets._folders import MIXTURE
from auralflow.data.datasets._listing import Listed, Place, open_tracks
from auralflow.data.datasets._rows import Cell, Row, read_csv, read_json_lines
from auralflow.data.track import SPLITS, Split, Track
from auralflow.errors import AudioError, ConfigError

_READERS: dict[str, Callable[[Path], list[Row]]] = {".csv": read_csv, ".jsonl": read_json_lines}


class Manifest:
    """A `.csv` or `.jsonl` file that lists the sounds; they may lie anywhere and have any names.

    Layout:
        name,split,mixture,vocals,drums                 a table with a column for each stem, or
        name,split,stem,path                            a table with a row for each sound, or
        {"name": "Song", "split": "train", "stems": {"vocals": "a.wav", "drums": "b.flac"}, "mixture": "c.wav"}

    Paths are relative to the manifest, or absolute. The split (train, valid, test; unsplit if empty) and the mixture
    may be left out, and a song need not have every stem.

    Source: your own sounds.
    Licence: theirs.
    """

    ARE_SONGS = True

    def __init__(self, root: Path) -> None:
        self._root = root

    @staticmethod
    def recognises(root: Path) -> bool:
        """Whether this is a file that ends in `.csv` or `.jsonl`."""
        return root.suffix.lower() in _READERS and os.path.isfile(root)

    def list_tracks(self) -> dict[Split, tuple[Track, ...]]:
        """Songs by split, with the names that the manifest gives them.

        Raises:
            AudioError: a file is missing or cannot be read as audio, or nothing is listed; the line is named.
            ConfigError: an unknown column, key or split, a name that stands twice, a song without stems.
        """
        reader = _READERS.get(self._root.suffix.lower())
        if reader is None:
            raise ConfigError(f"{self._root}: expected a manifest, a file that ends in {' or '.join(_READERS)}")
        rows = reader(self._root)
        _check_names(self._root, rows)
        return open_tracks(
            self._root, {split: [self._list(row) for row in rows if row.split == split] for split in SPLITS}
        )

    def _list(self, row: Row) -> Listed:
        stems = {stem: self._place(stem, cell) for stem, cell in row.sounds.items()}
        mixture = stems.pop(MIXTURE, None)
        if not stems:
            raise ConfigError(f"{self._root}:{row.line}: expected a stem of '{row.name}', got none")
        return Listed(row.name, stems, mixture)

    def _place(self, stem: str, cell: Cell) -> Place:
        path = self._root.parent / cell.text
        told_by = f"{self._root}:{cell.line}: {stem}"
        if not os.path.isfile(path):  # which never raises, whatever the text
            raise AudioError(f"{told_by}: {path}: no such file; paths are relative to the manifest")
        return Place(path, told_by=told_by)


def _check_names(path: Path, rows: Iterable[Row]) -> None:
    lines: dict[str, int] = {}
    for row in rows:
        if row.name in lines:
            raise ConfigError(
                f"{path}:{row.line}: expected a new name, '{row.name}' stands in line {lines[row.name]} too"
            )
        lines[row.name] = row.line
