"""Networks of the package `demucs`, from version 3 on: Hybrid Demucs and Hybrid Transformer Demucs, alone or in bags.

    955717e8.safetensors     tensors; in the metadata, as JSON, `klass`, `args` and `kwargs` of the network
    955717e8-8726e21a.th     a pickled dictionary of the same and `state`; after the dash, how its SHA-256 begins
    htdemucs.yaml            a bag: `models`, names of networks beside it; perhaps `weights` of the stems, and `segment`

Nothing is imported or built that a file names: the class is one of two, the arguments are mapped one by one
(`auralflow.pretrained.convert.demucs_options`).
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from auralflow.errors import CheckpointError
from auralflow.pretrained.convert.content import find_kind
from auralflow.pretrained.convert.converted import Converted, Member
from auralflow.pretrained.convert.demucs_options import Plan, plan_network
from auralflow.pretrained.convert.named import Named
from auralflow.pretrained.convert.public_yaml import read_yaml
from auralflow.pretrained.convert.unpickle import load_checkpoint
from auralflow.spec import ModelSpec

_CHECKED_NAME = re.compile(r"(?P<signature>.+)-(?P<check>[0-9a-f]{8})\.th")
_SUFFIXES = (".safetensors", ".th")


@dataclass(frozen=True, eq=False)
class _Package:
    """What a file says of its network."""

    klass: str
    args: Any
    kwargs: Any
    state: dict[str, Tensor]


def convert(path: Path, *, segment_s: float | None = None) -> Converted:
    """A network, or a bag of networks.

    Args:
        path: `.safetensors`, `.th`, or the `.yaml` of a bag with its networks beside it.
        segment_s: length of the pieces, where it is another than the file says; of networks with a transformer, at
            most that.

    Raises:
        CheckpointError: a file is damaged or missing, or has what is not known.
        ConfigError: a setting that cannot be.
    """
    if path.suffix.lower() in (".yaml", ".yml"):
        return _convert_bag(path, segment_s)
    plan, state = _read(path)
    return Converted(plan.architecture, plan.make_spec(segment_s), (Member(plan.config, state),))


def _convert_bag(path: Path, segment_s: float | None) -> Converted:
    bag = read_yaml(path)
    names = bag.get("models")
    if not isinstance(names, list) or not names or not all(isinstance(name, (str, int)) for name in names):
        raise CheckpointError(f"{path}: models: expected a list of names of networks, got {names!r:.60}")
    unknown = [str(key) for key in bag if key not in ("models", "weights", "segment")]
    if unknown:
        raise CheckpointError(f"{path}: {', '.join(unknown[:4])}: not known, so the model may not be what it was")
    files = [_find_network(path.parent, str(name)) for name in names]
    networks = [_read(file) for file in files]
    segment_s = bag.get("segment") if segment_s is None else segment_s
    specs = [plan.make_spec(segment_s) for plan, _ in networks]
    for file, (plan, _), spec in zip(files, networks, specs, strict=True):
        if spec != specs[0] or plan.architecture != networks[0][0].architecture:
            raise CheckpointError(f"{file}: is no network of one bag with {files[0].name}: {_compare(specs[0], spec)}")
    return Converted(
        networks[0][0].architecture,
        specs[0],
        tuple(Member(plan.config, state) for plan, state in networks),
        _read_weights(path, bag.get("weights"), len(names), specs[0].stems),
    )


def _compare(one: ModelSpec, other: ModelSpec) -> str:
    names = [name for name in ModelSpec.__dataclass_fields__ if getattr(one, name) != getattr(other, name)]
    return ", ".join(f"{name} {getattr(other, name)}, not {getattr(one, name)}" for name in names) or "its class"


def _find_network(folder: Path, signature: str) -> Path:
    """The file of a network; several are one too many, unless one is the safer format of the other."""
    found = [path for path in sorted(folder.iterdir()) if path.suffix in _SUFFIXES and _sign(path) == signature]
    chosen = [path for path in found if path.suffix == ".safetensors"] or found
    if len(chosen) != 1:
        others = ", ".join(path.name for path in chosen) or "none"
        raise CheckpointError(
            f"{folder}: expected one file of the network {signature} ({signature}.safetensors or "
            f"{signature}-<hash>.th), found {others}"
        )
    return chosen[0]


def _sign(path: Path) -> str:
    checked = _CHECKED_NAME.fullmatch(path.name)
    return checked["signature"] if checked else path.stem


def _read_weights(
    path: Path, weights: Any, n_models: int, stems: tuple[str, ...]
) -> tuple[tuple[float, ...], ...] | None:
    if weights is None:
        return None
    is_table = isinstance(weights, list) and len(weights) == n_models
    if not is_table or not all(isinstance(row, list) and len(row) == len(stems) for row in weights):
        raise CheckpointError(
            f"{path}: weights: expected {n_models} lists of {len(stems)}, a number for each stem, got {weights!r:.60}"
        )
    numbers = [weight for row in weights for weight in row]
    if not all(isinstance(weight, (int, float)) and weight >= 0 for weight in numbers):
        raise CheckpointError(f"{path}: weights: expected numbers, zero or more, got {weights!r:.80}")
    table = tuple(tuple(map(float, row)) for row in weights)
    for stem, of_stem in zip(stems, zip(*table, strict=True), strict=True):
        if not sum(of_stem):
            raise CheckpointError(f"{path}: weights: no network has one above zero for the stem '{stem}'")
    return table


def _read(path: Path) -> tuple[Plan, dict[str, Tensor]]:
    """What to build, and the tensors in single precision."""
    _check_name(path)
    package = _read_safetensors(path) if find_kind(path) == "safetensors" else _read_pickle(path)
    plan = plan_network(path, package.klass, package.args, package.kwargs)
    state = {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in package.state.items()}
    return plan, state


def _check_name(path: Path) -> None:
    """Refuse a file whose SHA-256 does not begin as its name says."""
    checked = _CHECKED_NAME.fullmatch(path.name)
    if not checked or not path.is_file():
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()[:8]
    if found != checked["check"]:
        raise CheckpointError(
            f"{path}: expected a SHA-256 that begins {checked['check']}, by its name, got {found}; download it again"
        )


def _read_safetensors(path: Path) -> _Package:
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  it is no dictionary
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: the file is damaged or incomplete ({error}); download it again") from None
    missing = [key for key in ("klass", "args", "kwargs") if key not in about]
    if missing:
        raise CheckpointError(
            f"{path}: expected metadata of a Demucs network, {', '.join(missing)} missing; it has "
            f"{', '.join(about) or 'none'}"
        )
    if "structure" in about:
        raise CheckpointError(f"{path}: is quantised (diffq), which is not read; take the network that is not")
    try:
        args, kwargs = (json.loads(about[key], object_hook=_decode) for key in ("args", "kwargs"))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: its arguments are not readable as JSON: {error}") from None
    return _Package(about["klass"], args, kwargs, state)


def _decode(value: dict[str, Any]) -> Any:
    if value.get("_type") != "fraction":
        return value
    numerator, denominator = value.get("numerator"), value.get("denominator")
    if type(numerator) is not int or type(denominator) is not int or denominator == 0:
        raise ValueError(f"expected a fraction, got {numerator!r:.40} / {denominator!r:.40}")
    return Fraction(numerator, denominator)


def _read_pickle(path: Path) -> _Package:
    content = load_checkpoint(path)
    keys = ("klass", "args", "kwargs", "state")
    if not isinstance(content, dict) or any(key not in content for key in keys):
        found = ", ".join(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise CheckpointError(f"{path}: expected a Demucs network with {', '.join(keys)}, found {found:.100}")
    klass, state = content["klass"], content["state"]
    if not isinstance(klass, Named):
        raise CheckpointError(f"{path}: klass: expected a class, got {klass!r:.60}")
    if isinstance(state, dict) and "__quantized" in state:
        raise CheckpointError(f"{path}: is quantised (diffq), which is not read; take the network that is not")
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise CheckpointError(f"{path}: state: expected tensors by name")
    return _Package(f"{klass.module}.{klass.name}", list(content["args"]), content["kwargs"], state)
