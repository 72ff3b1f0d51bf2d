"""Configs of other packages: plain YAML, and of Python's own tags the tuple alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from auralflow.errors import CheckpointError
from auralflow.pretrained.convert.named import check_extent

_MAX_BYTES = 1 << 20


class _Loader(yaml.SafeLoader):
    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Leave merge keys (`<<`) alone, so that they are refused: merges of merges grow without end."""


def _make_tuple(loader: _Loader, node: yaml.Node) -> tuple[Any, ...]:
    if not isinstance(node, yaml.SequenceNode) or not all(isinstance(item, yaml.ScalarNode) for item in node.value):
        raise yaml.YAMLError("it has a tuple of other things than plain values")
    return tuple(loader.construct_sequence(node))


_Loader.add_constructor("tag:yaml.org,2002:python/tuple", _make_tuple)
# YAML takes 1e-3 for text, for it has no point; the packages whose files these are do not.
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?\d+[eE][-+]?\d+$"), list("-+0123456789"))


def read_yaml(path: Path) -> dict[str, Any]:
    """What a config says.

    Raises:
        CheckpointError: it cannot be read, is no YAML, has tags of Python's objects, or is no mapping.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise CheckpointError(f"{path}: is larger than a config can be")
        values = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # a safe one
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path}: not readable as YAML: {reason}") from None
    if not isinstance(values, dict):
        raise CheckpointError(f"{path}: expected a config with sections, got {type(values).__name__}")
    try:
        check_extent(values)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    return values
