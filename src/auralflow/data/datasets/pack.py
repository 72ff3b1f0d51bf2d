"""Packs: what `auralflow data pack` writes, here or in a store."""

from __future__ import annotations

import os
from pathlib import Path

from auralflow.data.packs.index import INDEX_NAME, make_tracks, read_index
from auralflow.data.track import Split, Track
from auralflow.errors import AudioError
from auralflow.storage.address import Address, Place
from auralflow.storage.store import Store


class Pack:
    """A data set that `auralflow data pack` has packed, in a folder or in a store.

    Layout:
        pack.json
        train-000000.tar    train-000001.tar    valid-000000.tar    ...

    Shards are in the convention of WebDataset: a sample is a piece of a track, with an audio file for each stem.
    Tracks, splits and samples are those of the data set that was packed, bit for bit.

    Source: the data set that was packed.
    Licence: as that one.
    """

    ARE_SONGS = True

    def __init__(self, root: Place) -> None:
        are_songs, self._shards = read_index(root, _read(root))
        self._root = root
        self.ARE_SONGS = are_songs

    @staticmethod
    def recognises(root: Path) -> bool:
        """Whether there is a `pack.json`."""
        return os.path.isfile(root / INDEX_NAME)

    def list_tracks(self) -> dict[Split, tuple[Track, ...]]:
        """Tracks by split, with the names that they had."""
        return make_tracks(self._root, self._shards)


def _read(root: Place) -> bytes:
    try:
        return Store(root).read(INDEX_NAME) if isinstance(root, Address) else (root / INDEX_NAME).read_bytes()
    except OSError as error:
        raise AudioError(f"{root}: expected a pack, cannot read its {INDEX_NAME}: {error.strerror or error}") from None
