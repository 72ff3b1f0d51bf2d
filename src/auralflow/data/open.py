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

AUTO = "auto"
"""The layout that stands for whichever is recognised."""


def open_dataset(root: Path, layout: str = AUTO) -> Dataset:
    """A data set in its layout; its files are looked at by `list_tracks` only.

    Args:
        root: folder, or manifest file.
        layout: a name from `auralflow.data.datasets`, a `.py` file that defines one, or `auto`: the one that recognises
            the root.

    Raises:
        AudioError: there is nothing at the root, or no layout recognises it.
        ConfigError: several layouts recognise it, or the file of a layout defines none.
        UnknownNameError: there is no layout of this name.
    """
    if not os.path.exists(root):
        raise AudioError(f"{root}: no such data set; expected a folder or a manifest (.csv, .jsonl)")
    return cast(Dataset, _load(layout if layout != AUTO else _find_layout(root))(root))


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
