"""What an export says of itself: the model's name and its input contract, as JSON in the file's metadata."""

from __future__ import annotations

import json
from dataclasses import dataclass

from auralflow.config import from_dict, to_dict
from auralflow.errors import CheckpointError, ConfigError
from auralflow.spec import ModelSpec

KEY = "auralflow"
"""Name of the metadata in an ONNX file."""
TORCH_FILE = "auralflow.json"
"""Name of the same in a `.pt2` file."""
VERSION = 1


@dataclass(frozen=True)
class ExportDescription:
    """What is written beside the graph."""

    format_version: int
    """Version of this description."""
    name: str
    """What the model was called."""
    spec: ModelSpec
    """What the graph takes and gives; `segment_samples` is its fixed length."""


def to_json(description: ExportDescription) -> str:
    """The text for the metadata."""
    return json.dumps(to_dict(description), ensure_ascii=False)


def from_json(text: str | None, source: str) -> ExportDescription:
    """The inverse of `to_json`.

    Args:
        text: None where the file has no such metadata.
        source: the file, for messages.

    Raises:
        CheckpointError: the file is no export of auralflow, or of a later one.
    """
    if text is None:
        raise CheckpointError(f"{source}: expected a file of 'auralflow export', got one without its metadata")
    try:
        values = json.loads(text)
        if isinstance(values, dict) and values.get("format_version") != VERSION:
            raise CheckpointError(
                f"{source}: this auralflow reads exports of version {VERSION}, got "
                f"{values.get('format_version')!r}; upgrade auralflow, or export the model again"
            )
        return from_dict(ExportDescription, values)
    except (ValueError, ConfigError) as error:
        raise CheckpointError(f"{source}: its metadata cannot be read: {error}; export the model again") from None
