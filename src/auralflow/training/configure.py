"""Make a run folder: choose a model and its stems, and write everything else with its default."""

from __future__ import annotations

import dataclasses
import hashlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from auralflow.config import from_dict, to_dict
from auralflow.data.prepare import build_step
from auralflow.errors import ConfigError, OutputError
from auralflow.losses import build_losses
from auralflow.models import models
from auralflow.pretrained.bundle import BundleDescription, check_trained, find_architecture, read_description
from auralflow.pretrained.members import check_single
from auralflow.pretrained.trust import trust_code
from auralflow.registry import config_class
from auralflow.spec import FORMAT_VERSION, ModelSpec
from auralflow.training.config import FineTuneConfig, TrainConfig
from auralflow.training.folder import RunFolder
from auralflow.training.start import check_has_parameters

_MODEL_KEYS = ("spec", "config")


@dataclasses.dataclass(frozen=True)
class ConfigReport:
    """Where the config of a run lies."""

    folder: Path
    model_yaml: Path
    train_yaml: Path


def write_run(
    folder: RunFolder,
    *,
    model: str | None = None,
    source: str | None = None,
    stems: Sequence[str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> tuple[BundleDescription, TrainConfig]:
    """Write `model.yaml` and `train.yaml`.

    Args:
        model: an architecture, or a `.py` file that defines one; its file is copied into the folder.
        source: instead of it, a model or bundle to fine-tune: architecture and config are its own.
        stems: by default those of the architecture's spec, or of the source.
        overrides: dotted keys of either file to their values.

    Raises:
        ConfigError: the folder is a run already, or a setting that cannot be.
        OutputError: the folder cannot be written.
    """
    if folder.model_yaml.exists() or folder.train_yaml.exists():
        raise ConfigError(
            f"{folder.path}: is a run already; choose another name, or edit its model.yaml and train.yaml"
        )
    if (model is None) == (source is None):
        raise ConfigError("model: expected either an architecture (--model) or a model to fine-tune (--from)")
    origin = _find_source(source) if source is not None else _find_architecture(str(model))
    description = origin.description
    if stems is not None:
        description = dataclasses.replace(description, spec=dataclasses.replace(description.spec, stems=tuple(stems)))
    train = TrainConfig(fine_tune=FineTuneConfig(source=None if source is None else str(Path(source).absolute())))
    description, train = override(description, train, overrides or {}, origin.config_class)
    _try(origin, description, train)
    if origin.code is not None:
        _bring_code(folder, description.architecture, origin.code)
    folder.write(description, train)
    return description, train


def override(
    description: BundleDescription, train: TrainConfig, overrides: Mapping[str, Any], config_class: type[Any]
) -> tuple[BundleDescription, TrainConfig]:
    """Both descriptions with some dotted keys changed; `spec.` and `config.` are the model's, all others the run's.

    Args:
        config_class: the dataclass of the architecture's config.

    Raises:
        ConfigError: an unknown key (the nearest is named), or a value that cannot be.
    """
    values, model_values = to_dict(train), to_dict(description)
    for key, value in overrides.items():
        is_model = key.partition(".")[0] in _MODEL_KEYS
        _set(model_values if is_model else values, key, value)
    description = from_dict(BundleDescription, model_values)
    config = from_dict(config_class, description.config, "config")
    return dataclasses.replace(description, config=to_dict(config)), from_dict(TrainConfig, values)


def read_overrides(words: Sequence[str]) -> dict[str, Any]:
    """Words like `optimizer.learning_rate=1e-4` as keys and values; values are read as YAML.

    Raises:
        ConfigError: a word without `=`.

    Example:
        >>> read_overrides(["max_epochs=3", "valid.max_s=null"])
        {'max_epochs': 3, 'valid.max_s': None}
    """
    return dict(map(_read_override, words))


def _read_override(word: str) -> tuple[str, Any]:
    key, found, text = word.partition("=")
    if not found:
        raise ConfigError(f"{word}: expected KEY=VALUE")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError(f"{key}: not readable as a value: {text!r}") from None
    return key, _read_float(value)


def _read_float(value: Any) -> Any:
    """YAML takes 1e-4 for text, for it has no point; digits alone are text only where they were quoted."""
    if isinstance(value, str) and not value.isdigit():
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _set(values: dict[str, Any], key: str, value: Any) -> None:
    *path, last = key.split(".")
    inner: Any = values
    for part in path:
        if isinstance(inner, list) and part.isdigit() and int(part) <= len(inner):
            inner.extend([{}] * (int(part) == len(inner)))  # the first index behind the end adds an item
            inner = inner[int(part)]
            continue
        if not isinstance(inner, dict):
            is_list = isinstance(inner, list) and part.isdigit()
            raise ConfigError(
                f"{key}: the next item of this list has number {len(inner)}, got {part}"
                if is_list
                else f"{key}: nothing lies below '{part}'"
            )
        if inner.get(part) is None:
            inner[part] = {}  # an optional section that was not there; a misspelt one is refused when it is read
        inner = inner[part]
    if isinstance(inner, list) and last.isdigit() and int(last) < len(inner):
        inner[int(last)] = value
    elif isinstance(inner, dict):
        inner[last] = value
    else:
        raise ConfigError(f"{key}: expected a section before '.{last}', got {inner!r}")


@dataclasses.dataclass(frozen=True)
class _Origin:
    """What a run is made from."""

    description: BundleDescription
    model_class: type[Any]
    config_class: type[Any]
    code: bytes | None = None
    """Text of the model's file, where it is the user's own."""


def _find_architecture(model: str) -> _Origin:
    part = models.load(model)
    spec = getattr(sys.modules[part.__module__], "SPEC", None)
    if not isinstance(spec, ModelSpec):
        raise ConfigError(f"{model}: expected a constant SPEC, a ModelSpec, in the model's file; found none")
    of_part = config_class(part)
    code = Path(model).read_bytes() if model.endswith(".py") else None
    name = model if code is None else Path(model).stem
    digest = "" if code is None else hashlib.sha256(code).hexdigest()
    described = BundleDescription(FORMAT_VERSION, name, spec, to_dict(of_part()), "", digest)
    return _Origin(described, part, of_part, code)


def _find_source(source: str) -> _Origin:
    if not Path(source).is_dir():
        raise ConfigError(f"from: expected the folder of a bundle, got {source!r}, which is none")
    found = read_description(Path(source))
    check_trained(Path(source), found)
    check_single(source, found.bag)
    code = (Path(source) / f"{found.architecture}.py").read_bytes() if found.code_sha256 else None
    part = find_architecture(Path(source), found)
    return _Origin(dataclasses.replace(found, weights_sha256=""), part, config_class(part), code)


def _try(origin: _Origin, description: BundleDescription, train: TrainConfig) -> None:
    """Build everything that the config names, once, so that what cannot be is said before it is written.

    Raises:
        ConfigError: a model, loss or transform refuses a setting, or there is nothing to train.
    """
    build_losses(train.loss, sample_rate=description.spec.sample_rate)
    for index, term in enumerate(train.data.augment):
        build_step(term, f"data.augment.{index}")
    model = origin.model_class(description.spec, from_dict(origin.config_class, description.config, "config"))
    check_has_parameters(model, description.architecture)


def _bring_code(folder: RunFolder, architecture: str, code: bytes) -> None:
    """Copy the model's file into the run, and let it be imported from there: the user has named it."""
    trust_code(code)
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        (folder.path / f"{architecture}.py").write_bytes(code)
    except OSError as error:
        raise OutputError(f"{folder.path}: cannot be written: {error.strerror}; choose another folder") from None
