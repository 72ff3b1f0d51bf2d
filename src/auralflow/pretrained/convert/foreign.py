"""Checkpoints of other packages, converted once into a bundle.

What a file is, is found out from what is in it: its first bytes, the metadata of a safetensors file, the names of the
tensors. The converter of that format (a file of this folder) says which architecture it is, with which settings; the
weights are then held against that architecture, and only what fits it exactly is written.
"""

from __future__ import annotations

import importlib
import inspect
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from auralflow.config import to_dict
from auralflow.errors import CheckpointError, ConfigError, OutputError, UnknownNameError
from auralflow.pretrained.bundle import BundleDescription, build_described, write_bundle
from auralflow.pretrained.convert.converted import Converted
from auralflow.pretrained.convert.formats import FORMATS, find_format, find_source
from auralflow.pretrained.convert.named import show_names
from auralflow.pretrained.members import MemberDescription, name_state
from auralflow.spec import FORMAT_VERSION


def convert_checkpoint(
    source: Path, folder: Path, *, format: str | None = None, options: dict[str, Any] | None = None
) -> None:
    """Write a checkpoint of another package as a bundle.

    Args:
        source: the file, or the folder with all files that belong to it.
        folder: where the bundle goes; it must not exist, or be empty. It appears when it is complete.
        format: `demucs`, `mdx_net`, `msst`, `open_unmix` or `torchaudio_hdemucs`; by default it is found out.
        options: what the converter must be told because no file says it.

    Raises:
        CheckpointError: it is none of these, damaged, incomplete, its weights do not fit the architecture, or an option
            that its converter does not have.
        UnknownNameError: another format.
        OutputError: the folder is there already, or cannot be written.
    """
    name = format or find_format(source)
    if name not in FORMATS:
        raise UnknownNameError("format", name, FORMATS)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder}: is there already; name another folder")
    try:
        description, state = _describe(_convert(name, source, options or {}))
        _check_fits(source, description, state)
    except ConfigError as error:
        raise CheckpointError(f"{source}: {error}") from error
    _write(description, state, folder)


def _convert(name: str, source: Path, options: dict[str, Any]) -> Converted:
    convert: Callable[..., Converted] = importlib.import_module(f"auralflow.pretrained.convert.{name}").convert
    known = list(inspect.signature(convert).parameters)[1:]
    for option in options:
        if option not in known:
            raise CheckpointError(
                f"{source}: the format '{name}' has no option '{option}'; known: {', '.join(known) or 'none'}"
            )
    return convert(find_source(source, name), **options)


def _describe(converted: Converted) -> tuple[BundleDescription, dict[str, Tensor]]:
    description = BundleDescription(FORMAT_VERSION, converted.architecture, converted.spec)
    first, *others = converted.members
    if not others:
        return replace(description, config=to_dict(first.config)), first.state
    weights = converted.weights or ((1.0,) * len(converted.spec.stems),) * len(converted.members)
    bag = tuple(
        MemberDescription(to_dict(member.config), of_stems)
        for member, of_stems in zip(converted.members, weights, strict=True)
    )
    return replace(description, bag=bag), name_state([member.state for member in converted.members])


def _check_fits(source: Path, description: BundleDescription, state: dict[str, Tensor]) -> None:
    """Refuse weights that are not those of the architecture, naming the first few that differ."""
    # Not on the device "meta": the first model there loads torch's compiler, which takes longer than random weights.
    with torch.random.fork_rng(devices=[]):
        expected = build_described(source, description).state_dict()
    found = [
        _list_some("missing", [key for key in expected if key not in state]),
        _list_some("unexpected", [key for key in state if key not in expected]),
        _list_some("of another shape", list(_compare_shapes(expected, state))),
    ]
    if any(found):
        differences = "; ".join(filter(None, found))
        raise CheckpointError(f"{source}: the weights do not fit {description.architecture}: {differences}")
    broken = [key for key, tensor in state.items() if not bool(torch.isfinite(tensor).all())]
    if broken:
        raise CheckpointError(f"{source}: {_list_some('not finite', broken)}; the file is damaged")


def _compare_shapes(expected: dict[str, Tensor], state: dict[str, Tensor]) -> Iterable[str]:
    for key in expected.keys() & state.keys():
        if expected[key].shape != state[key].shape:
            yield f"{key} (expected {list(expected[key].shape)}, got {list(state[key].shape)})"


def _list_some(what: str, keys: Sequence[str]) -> str:
    return f"{what}: {show_names(sorted(keys), 3)}" if keys else ""


def _write(description: BundleDescription, state: dict[str, Tensor], folder: Path) -> None:
    unfinished = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        write_bundle(unfinished, description, state)
        if folder.exists():
            folder.rmdir()
        os.replace(unfinished, folder)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}; name another folder") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
