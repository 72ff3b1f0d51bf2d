"""Open a data set: find out which layout it has, or take the one that is named."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Any, cast

from auralflow.data.datasets import datasets
from auralflow.data.datasets._folders import is_audio, is_stem_file
from auralflow.data.track import Dataset
from auralflow.errors import AudioError, ConfigError
from auralflow.storage.address import Address, Place, read_place

AUTO = "auto"
"""The layout that stands for whichever is recognised."""
_STORED = "pack"
"""The layout whose files need not be here."""


def find_root(name: str | Path) -> Place:
    """Where a data set lies, by what a user calls it: a path, perhaps one that begins with `~`, or an address."""
    place = read_place(str(name))
    return place.expanduser() if isinstance(place, Path) else place


def open_dataset(root: Place, layout: str = AUTO) -> Dataset:
    """A data set in its layout; its files are looked at by `list_tracks` only.

    Args:
        root: folder, or manifest file; or the address of a pack.
        layout: a name from `auralflow.data.datasets`, a `.py` file that defines one, or `auto`: the one that recognises
            the root.

    Raises:
        AudioError: there is nothing at the root, or no layout recognises it.
        ConfigError: several layouts recognise it, or the file of a layout defines none.
        UnknownNameError: there is no layout of this name.
    """
    if isinstance(root, Address):
        return _open_stored(root, layout)
    if not os.path.exists(root):
        raise AudioError(f"{root}: no such data set; expected a folder or a manifest (.csv, .jsonl)")
    return cast(Dataset, _load(layout if layout != AUTO else _find_layout(root))(root))


def _open_stored(root: Address, layout: str) -> Dataset:
    if layout not in (AUTO, _STORED):
        raise ConfigError(f"layout: only packs are read from elsewhere, {root} cannot be '{layout}'; pack it first")
    return cast(Dataset, _load(_STORED)(root))


def _find_layout(root: Path) -> str:
    layouts = {name: _load(name) for name in datasets.names()}
    found = [name for name, layout in layouts.items() if layout.recognises(root)]
    if not found and not _has_audio(root):
        raise AudioError(f"{root}: expected songs in stems, found no audio files in it")
    if not found:
        known = "; ".join(f"{name}: {_first_line(layout)}" for name, layout in layouts.items())
        raise AudioError(f"{root}: expected a data set in one of these layouts, recognised none. {known}")
    if len(found) > 1:
        raise ConfigError(f"layout: {root} may be {' or '.join(found)}; say which")
    return found[0]


def _has_audio(root: Path) -> bool:
    return root.is_file() or any(is_audio(path.name) or is_stem_file(path.name) for path in root.rglob("*"))


def _load(layout: str) -> Any:
    part = datasets.load(layout)
    missing = [name for name in ("ARE_SONGS", "recognises", "list_tracks") if not hasattr(part, name)]
    if missing:
        raise ConfigError(f"layout: '{layout}' lacks {', '.join(missing)}; see 'Add a data set in one file'")
    return part


def _first_line(layout: Any) -> str:
    return (inspect.getdoc(layout) or "").partition("\n")[0].rstrip(".")
