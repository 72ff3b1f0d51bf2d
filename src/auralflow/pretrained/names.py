"""What a user may type as the name of a model, told apart without loading or fetching anything."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from auralflow.fetch.address import is_address
from auralflow.fetch.hub import PREFIX
from auralflow.pretrained.card import name_cards

Kind = Literal["code", "bundle", "foreign", "hub", "address", "card", "other"]

DESCRIPTION = "model.yaml"
"""The file that makes a folder a bundle."""
CHECKPOINTS = (".th", ".pth", ".pt", ".ckpt", ".chpt", ".bin", ".safetensors", ".onnx")
"""How the files of weights end that other packages write."""
BESIDE = (".yaml", ".yml", ".json")
"""How files end that say what such a file is."""


def sort_name(name: str) -> Kind:
    """What a name stands for.

    `code` is a `.py` file, `bundle` a folder of ours, `foreign` a file or folder in the format of another package,
    `hub` a repository, `address` a file on a server, `card` a model in the list; `other` is none of these.

    Example:
        >>> [sort_name(name) for name in ("net.py", "hf:a/b", "https://example.org/a.ckpt", "a.ckpt", "default", "?")]
        ['code', 'hub', 'address', 'foreign', 'card', 'other']
    """
    if name.startswith(PREFIX):
        return "hub"
    if is_address(name):
        return "address"
    path = Path(name)
    if path.suffix == ".py":
        return "code"
    if path.is_dir():
        return _sort_folder(path, name)
    if path.suffix.lower() in CHECKPOINTS:
        return "foreign"
    return "card" if name in name_cards() else "other"


def _sort_folder(path: Path, name: str) -> Kind:
    """A folder of stems may be called like a model; a bundle has the description, a foreign folder has weights."""
    if (path / DESCRIPTION).is_file():
        return "bundle"
    if any(entry.suffix.lower() in CHECKPOINTS for entry in path.iterdir()):
        return "foreign"
    return "card" if name in name_cards() else "bundle"
