"""Look at a checkpoint before it is resumed. Nothing but tensors and plain containers is ever unpickled."""

from __future__ import annotations

import pickle
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from auralflow.errors import CheckpointError, ConfigError

# What torch raises on files that are none of its own, and we on those that hold something else.
_DAMAGE = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    OSError,
    EOFError,
    RuntimeError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
)


@dataclass(frozen=True)
class ResumePoint:
    """Where a run goes on."""

    path: Path | None
    """The checkpoint; None for a run that begins."""
    n_batches: int
    """Batches done so far, on each device."""


def read_checkpoint(path: Path, identity: dict[str, Any], fixed: dict[str, Any] | None = None) -> ResumePoint:
    """Find out where a checkpoint goes on.

    Args:
        identity: architecture, spec and config of the model that is to go on.
        fixed: settings, by their dotted keys, that a run keeps from its beginning to its end.

    Raises:
        CheckpointError: there is none, it is damaged or holds more than tensors and plain containers, or it belongs to
            another model.
        ConfigError: one of the fixed settings has changed.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: expected a checkpoint to resume, found none; leave --resume out to begin")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        theirs = dict(checkpoint["auralflow"]["identity"])
        kept = dict(checkpoint["auralflow"]["fixed"])
        progress = checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]
        # It was saved at the end of a batch, before Lightning counted that as completed.
        n_batches = int(progress["current"]["processed"])
    except _DAMAGE as error:
        reason = " ".join(str(error).split())[:120]
        raise CheckpointError(f"{path}: is damaged, or no checkpoint of auralflow: {reason}") from None
    for name, ours in identity.items():
        if theirs.get(name) != ours:
            raise CheckpointError(
                f"{path}: was trained with another {name} ({_difference(theirs.get(name), ours)}); resume it with its "
                "own model.yaml, or begin a new run with --from"
            )
    for key, value in (fixed or {}).items():
        if key in kept and kept[key] != value:
            raise ConfigError(
                f"{key}: a run that is resumed keeps it, expected {kept[key]!r}, got {value!r}; change it in a "
                "new run, which --from begins with these weights"
            )
    return ResumePoint(path, n_batches)


def _difference(theirs: Any, ours: Any, key: str = "") -> str:
    """The first thing that differs, in words."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name in (*theirs, *ours):
            if theirs.get(name) != ours.get(name):
                return _difference(theirs.get(name), ours.get(name), f"{key}.{name}" if key else name)
    return f"{key + ': ' if key else ''}{theirs!r} there, {ours!r} here"
