"""A trained model as a folder: `weights.safetensors` and `model.yaml`.

    model.yaml
      format_version: 1
      architecture: spectrogram_net_simple
      weights_sha256: 9f0c...
      spec: {stems: [vocals, other], sample_rate: 44100, ...}
      config: {...}

Nothing in it is executed: the weights are plain tensors and the architecture is a name of this package or of an
installed plug-in.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from safetensors.torch import load_file, save
from torch import nn

from auralflow.config import from_dict, from_yaml, to_dict, to_yaml
from auralflow.errors import AuralflowError, CheckpointError
from auralflow.models import models
from auralflow.registry import config_class
from auralflow.spec import FORMAT_VERSION, ModelSpec

WEIGHTS, DESCRIPTION = "weights.safetensors", "model.yaml"


@dataclass(frozen=True)
class BundleDescription:
    """What `model.yaml` says."""

    format_version: int
    """Version of the bundle format."""
    architecture: str
    """Name of the code, a file of `auralflow.models`."""
    weights_sha256: str
    """SHA-256 of the weights file."""
    spec: ModelSpec
    """What the model takes and gives."""
    config: dict[str, Any] = field(default_factory=dict)
    """Settings of the architecture."""


def save_bundle(model: nn.Module, folder: Path, *, architecture: str, config: Any) -> None:
    """Write a model as a bundle.

    The description is written last, so a folder that has one is complete.

    Args:
        model: a module with a `spec`.
        architecture: name of its code, a file of `auralflow.models`.
        config: the dataclass it was built with.

    Raises:
        CheckpointError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f".{WEIGHTS}.tmp"
        # Not save_file, which makes files that only their owner can read.
        unfinished.write_bytes(save({k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}))
        os.replace(unfinished, folder / WEIGHTS)
        description = BundleDescription(
            FORMAT_VERSION,
            architecture,
            _sha256(folder / WEIGHTS),
            cast(ModelSpec, model.spec),
            to_dict(config),
        )
        unfinished = folder / f".{DESCRIPTION}.tmp"
        unfinished.write_text(to_yaml(description), encoding="utf-8")
        os.replace(unfinished, folder / DESCRIPTION)
    except OSError as error:
        raise CheckpointError(f"{folder}: cannot write the bundle there: {error.strerror or error}") from error


def read_description(folder: Path) -> BundleDescription:
    """What a bundle says of itself, without loading its weights.

    Raises:
        CheckpointError: the folder is no bundle.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        raise CheckpointError(
            f"{folder}: expected a model bundle with {DESCRIPTION} and {WEIGHTS}, found no {DESCRIPTION}"
        )
    try:
        description = from_yaml(BundleDescription, path.read_text(encoding="utf-8"))
    except AuralflowError as error:
        raise CheckpointError(f"{path}: {error}") from error
    if description.format_version != FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: bundle format {description.format_version} is newer than this auralflow; upgrade it"
        )
    return description


def load_bundle(folder: Path) -> nn.Module:
    """The model of a bundle, on the CPU, in evaluation mode.

    Raises:
        CheckpointError: the weights are missing, damaged or of another architecture.
        UnknownNameError: the architecture is not known here.
    """
    description = read_description(folder)
    path = folder / WEIGHTS
    if not path.is_file() or _sha256(path) != description.weights_sha256:
        raise CheckpointError(
            f"{path}: missing or damaged (its SHA-256 is not the one in {DESCRIPTION}); copy it again"
        )
    model_class = models.load(description.architecture)
    config: Any = from_dict(config_class(model_class), description.config, "config")
    model: nn.Module = model_class(description.spec, config)
    try:
        model.load_state_dict(load_file(path))
    except RuntimeError as error:
        raise CheckpointError(
            f"{path}: the weights do not fit {description.architecture}: {_first_line(error)}"
        ) from error
    return model.eval()


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
