"""From a model to a file: trace, convert, write, and compare what was written with the model."""

from __future__ import annotations

import dataclasses
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import torch
from torch import Tensor, nn

from auralflow.audio.pending import PART_PREFIX, PART_SUFFIX
from auralflow.errors import ConfigError, OutputError, import_extra
from auralflow.export.description import KEY, TORCH_FILE, VERSION, ExportDescription, to_json
from auralflow.export.parity import check_parity, measure_parity
from auralflow.export.runtime import ExportedModel
from auralflow.export.trace import convert_to_onnx, trace_model
from auralflow.models.mdx_net import MdxNet
from auralflow.spec import ModelSpec

ExportFormat = Literal["onnx", "torch"]
SUFFIXES: dict[ExportFormat, str] = {"onnx": ".onnx", "torch": ".pt2"}


@dataclass(frozen=True)
class ExportReport:
    """What was written."""

    path: Path
    name: str
    """What the model is called."""
    format: ExportFormat
    segment_samples: int
    """Length of the mixture that the file takes."""
    segment_s: float
    size_bytes: int
    parity: dict[str, float]
    """Largest relative error against the model, on noise and on a song."""


def export_model(
    model: nn.Module, name: str, path: Path, *, to: ExportFormat = "onnx", segment_s: float | None = None
) -> ExportReport:
    """Write a model with its input contract as one file, for mixtures of one length and a batch of one.

    The file has its name only when it is complete and was found to compute what the model does.

    Args:
        model: a module with a `spec`, on the CPU.
        name: what the model is called.
        path: the file; its suffix is that of the format.
        segment_s: seconds that the file takes; by default a segment of the model's spec.

    Raises:
        ConfigError: the model cannot be exported, or not with such a segment; the message says why.
        CheckpointError: the export would differ from the model.
        OutputError: the file cannot be written.
        MissingExtraError: a package of the extra `onnx` is not installed.
    """
    if path.suffix != SUFFIXES[to]:
        raise ConfigError(f"out: expected a name that ends in {SUFFIXES[to]}, got '{path}'")
    if isinstance(model, MdxNet):
        raise ConfigError(f"export: {name} is an ONNX graph already, which cannot be exported once more")
    if to == "onnx":
        import_extra("onnxruntime", "onnx")
    spec = choose_segment(cast(ModelSpec, model.spec), segment_s)
    program = trace_model(model.eval(), spec, name)
    text = to_json(ExportDescription(VERSION, name, spec))
    with _pending(path) as unfinished:
        if to == "onnx":
            graph = convert_to_onnx(program, spec, name)
            graph.model.metadata_props[KEY] = text
            graph.save(str(unfinished), external_data=False)
            exported: Callable[[Tensor], Tensor] = ExportedModel(unfinished)
        else:
            torch.export.save(program, str(unfinished), extra_files={TORCH_FILE: text})
            exported = torch.export.load(str(unfinished)).module()
        parity = measure_parity(model, exported, spec)
        check_parity(parity, str(path))
        size = unfinished.stat().st_size
    return ExportReport(path, name, to, spec.segment_samples, spec.segment_s, size, parity)


def choose_segment(spec: ModelSpec, segment_s: float | None) -> ModelSpec:
    """The spec with another length of segment.

    Raises:
        ConfigError: the model cannot be used with so short a segment.
    """
    if segment_s is None:
        return spec
    least = 2 * spec.context_samples + (spec.grid_samples if spec.grid_samples > 1 else 0)
    n_samples = round(segment_s * spec.sample_rate)
    if n_samples <= least:
        raise ConfigError(
            f"segment: this model needs at least {(least + 1) / spec.sample_rate:.3g} s, got {segment_s:g}"
        )
    return dataclasses.replace(spec, segment_samples=n_samples)


@contextmanager
def _pending(path: Path) -> Iterator[Path]:
    """A hidden name beside the file, renamed at the end if nothing went wrong."""
    # The suffix stands last: torch.export.save wants it.
    unfinished = path.parent / f"{PART_PREFIX}{os.getpid()}-{secrets.token_hex(4)}{PART_SUFFIX}{path.suffix}"
    try:
        if not path.parent.is_dir():
            raise OutputError(f"{path}: there is no folder {path.parent}; make it, or choose another --out")
        yield unfinished
        os.replace(unfinished, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}; choose another --out") from error
    finally:
        unfinished.unlink(missing_ok=True)
