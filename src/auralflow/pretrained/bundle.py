"""A trained model as a folder: `weights.safetensors` and `model.yaml`.

    model.yaml
      format_version: 1
      architecture: spectrogram_net_simple
      weights_sha256: 9f0c...
      spec: {stems: [vocals, other], sample_rate: 44100, ...}
      config: {...}

A bag has no config; instead a list `bag` says, for each of its networks, `config` and `weights` (see
`auralflow.pretrained.members`).

The weights are plain tensors, some perhaps in eight bits (see `auralflow.pretrained.eight_bits`), and the architecture
is a name of this package or of an installed plug-in. A model that was trained from a file of the user's own has that
file beside it, `<architecture>.py`, and its SHA-256 in the description; it is imported only where the user has trusted
it (see `auralflow.pretrained.trust`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from safetensors.torch import load_file, save
from torch import Tensor, nn

from auralflow.config import from_dict, from_yaml, to_dict, to_yaml
from auralflow.errors import AuralflowError, CheckpointError
from auralflow.fetch.folder import hash_file
from auralflow.models import models
from auralflow.pretrained.eight_bits import widen
from auralflow.pretrained.members import MemberDescription, build_bag
from auralflow.pretrained.names import DESCRIPTION
from auralflow.pretrained.trust import is_trusted, trust_code
from auralflow.registry import config_class
from auralflow.spec import FORMAT_VERSION, ModelSpec

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class BundleDescription:
    """What `model.yaml` says."""

    format_version: int
    """Version of the bundle format."""
    architecture: str
    """Name of the code, a file of `auralflow.models`."""
    spec: ModelSpec
    """What the model takes and gives."""
    config: dict[str, Any] = field(default_factory=dict)
    """Settings of the architecture."""
    weights_sha256: str = ""
    """SHA-256 of the weights file; empty before the model is trained."""
    code_sha256: str = ""
    """SHA-256 of `<architecture>.py` in the bundle; empty where the architecture is a known name."""
    bag: tuple[MemberDescription, ...] = ()
    """Its networks, of a bag; `config` is empty then."""


def save_bundle(model: nn.Module, folder: Path, *, architecture: str, config: Any, code: bytes | None = None) -> None:
    """Write a model as a bundle.

    The description is written last, so a folder whose description names weights is complete.

    Args:
        model: a module with a `spec`.
        architecture: name of its code, a file of `auralflow.models`.
        config: the dataclass it was built with, or the same as a dictionary.
        code: text of the file that defines the architecture, where it is no name of this package or of a plug-in.

    Raises:
        CheckpointError: the folder cannot be written.
    """
    values = config if isinstance(config, dict) else to_dict(config)
    description = BundleDescription(FORMAT_VERSION, architecture, cast(ModelSpec, model.spec), values)
    try:
        write_bundle(folder, description, model.state_dict(), code)
    except OSError as error:
        raise CheckpointError(f"{folder}: cannot write the bundle there: {error.strerror or error}") from error


def write_bundle(
    folder: Path, description: BundleDescription, state: Mapping[str, Tensor], code: bytes | None = None
) -> None:
    """Write tensors and what they are the weights of as a bundle; the SHA-256 sums are filled in.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{WEIGHTS}.tmp"
    # Not save_file, which makes files that only their owner can read.
    weights = save(_untie(state))
    unfinished.write_bytes(weights)
    os.replace(unfinished, folder / WEIGHTS)
    if code is not None:
        (folder / f"{description.architecture}.py").write_bytes(code)
    described = replace(
        description,
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        code_sha256="" if code is None else hashlib.sha256(code).hexdigest(),
    )
    unfinished = folder / f".{DESCRIPTION}.tmp"
    unfinished.write_text(to_yaml(described), encoding="utf-8")
    os.replace(unfinished, folder / DESCRIPTION)


def _untie(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors on the CPU that share no memory, as safetensors wants them: tied ones are written once each."""
    seen: set[int] = set()
    apart = {}
    for key, tensor in state.items():
        plain = tensor.detach().cpu().contiguous()
        place = plain.untyped_storage().data_ptr()
        apart[key] = plain.clone() if place in seen else plain
        seen.add(place)
    return apart


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


def check_trained(folder: Path, description: BundleDescription) -> None:
    """Refuse a bundle that has no weights yet.

    Raises:
        CheckpointError: it is a training run that has not got so far.
    """
    if not description.weights_sha256:
        raise CheckpointError(f"{folder}: is not trained yet; run 'auralflow train {folder} DATA'")


def load_bundle(folder: Path) -> nn.Module:
    """The model of a bundle, on the CPU, in evaluation mode.

    Raises:
        CheckpointError: the weights are missing, damaged or of another architecture.
        UnknownNameError: the architecture is not known here.
    """
    description = read_description(folder)
    path = folder / WEIGHTS
    check_trained(folder, description)
    if not path.is_file() or hash_file(path) != description.weights_sha256:
        raise CheckpointError(
            f"{path}: missing or damaged (its SHA-256 is not the one in {DESCRIPTION}); copy it again"
        )
    model = build_described(folder, description)
    try:
        model.load_state_dict(widen(load_file(path)))
    except RuntimeError as error:
        raise CheckpointError(
            f"{path}: the weights do not fit {description.architecture}: {_first_line(error)}"
        ) from error
    return model.eval()


def build_described(folder: Path, description: BundleDescription) -> nn.Module:
    """The model of a description, with fresh weights.

    Raises:
        UnknownNameError: the architecture is not known here.
        ConfigError: a setting it does not have.
        CheckpointError: it needs code that comes with the bundle and was not trusted, or is not the code it names.
    """
    model_class = find_architecture(folder, description)
    if description.bag:
        return build_bag(model_class, description.spec, description.bag)
    config: Any = from_dict(config_class(model_class), description.config, "config")
    return cast(nn.Module, model_class(description.spec, config))


def find_architecture(folder: Path, description: BundleDescription) -> type[Any]:
    """The class that a bundle's model is made of; raises as `build_described` does."""
    return cast(type[Any], models.load(_code_of(folder, description)))


def trust_bundle(folder: Path) -> str:
    """Trust the code of a bundle; gives its SHA-256.

    Raises:
        CheckpointError: the folder is no bundle, or brings no code.
    """
    description = read_description(folder)
    path = folder / f"{description.architecture}.py"
    if not description.code_sha256 or not description.architecture.isidentifier() or not path.is_file():
        raise CheckpointError(f"{folder}: brings no code of its own; there is nothing to trust")
    return trust_code(path.read_bytes())


def _code_of(folder: Path, description: BundleDescription) -> str:
    """What the registry loads: a name, or the path of the bundle's own code."""
    name = description.architecture
    if not description.code_sha256:
        if name.endswith(".py"):
            raise CheckpointError(f"{folder}: names code by its path, {name}; a bundle brings its code along")
        return name
    path = folder / f"{name}.py"
    if not name.isidentifier() or not path.is_file() or hash_file(path) != description.code_sha256:
        raise CheckpointError(f"{path}: missing or changed (its SHA-256 is not the one in {DESCRIPTION})")
    if not is_trusted(description.code_sha256):
        raise CheckpointError(
            f"{folder}: needs its own code, {path.name}, which has not been trusted on this machine; read it, and if "
            f"it does no harm run 'auralflow trust {folder}'"
        )
    return str(path)


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
