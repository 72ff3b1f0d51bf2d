"""Tell folders of songs from folders of stems by the names in them."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from auralflow.data.datasets._folders import MIXTURE, is_audio, sound_name, split_folders, walk
from auralflow.errors import AudioError

Kind = Literal["songs", "stems"]
_Tree = dict[str, dict[Path, set[str]]]

STEM_NAMES = frozenset(
    {"vocals", "drums", "bass", "other", "guitar", "piano", "keys", "strings", "synth", "percussion", "wind", "brass"}
    | {"accompaniment", "instrumental"}
)
"""Names by which a stem is known without being told."""
_NAMES_IN_SONGS = STEM_NAMES | {MIXTURE}


def guess_kinds(root: Path) -> frozenset[Kind]:
    """What the folders may be: both where the names allow both, nothing where there are no folders with audio.

    Never raises.
    """
    if not os.path.isdir(root):
        return frozenset()
    try:
        trees = [_read_tree(folder) for folder in split_folders(root).values()]
    except AudioError:
        return frozenset()
    return _by_known_names(trees) or _by_shared_names(trees)


def _read_tree(head: Path) -> _Tree:
    """Names of the files by first folder below the head ("" for the head itself), then by the folder they lie in."""
    tree: _Tree = defaultdict(dict)
    for folder in walk(head, is_audio):
        first = folder.path.relative_to(head).parts[:1]
        tree[sound_name("".join(first))][folder.path] = {sound_name(path.stem) for path in folder.files}
    return tree


def _by_known_names(trees: Iterable[_Tree]) -> frozenset[Kind]:
    """A stem's folder carries a known name; a song's folder holds files with known names."""
    kinds: set[Kind] = set()
    for tree in trees:
        for first, folders in tree.items():
            names = set[str]().union(*folders.values())
            # A song may be called "Bass", but then its files are called vocals, drums, ...
            is_song = names <= _NAMES_IN_SONGS and names != {first}
            if first in STEM_NAMES and not is_song:
                kinds.add("stems")
            elif names & _NAMES_IN_SONGS:
                kinds.add("songs")
    return frozenset(kinds)


def _by_shared_names(trees: Iterable[_Tree]) -> frozenset[Kind]:
    """Songs have stems of the same names; the sounds in stems' folders have names of their own, or numbers."""
    kinds: set[Kind] = set()
    for tree in trees:
        folders = {first: set[str]().union(*below.values()) for first, below in tree.items() if first}
        if len(folders) == 1:
            (below,) = (below for first, below in tree.items() if first)
            kinds |= {"songs"} if _share_names(below.values()) else {"songs", "stems"}
        elif folders:
            kinds.add("songs" if _share_names(folders.values()) else "stems")
    return frozenset(kinds)


def _share_names(folders: Iterable[set[str]]) -> bool:
    counts = Counter(name for names in folders for name in names)
    return any(count > 1 and not name.isdigit() for name, count in counts.items())
