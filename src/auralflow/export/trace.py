"""Record what a model computes on a segment, as a graph of fixed size."""

from __future__ import annotations

import contextlib
import logging
import re
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from auralflow.errors import AuralflowError, ConfigError, import_extra
from auralflow.export.lstm import quick_lstm_shapes
from auralflow.export.real_arithmetic import RealModel
from auralflow.spec import ModelSpec

_OPERATION = re.compile(r"\baten[.:]+\w+(?:\.\w+)?")


def trace_model(model: nn.Module, spec: ModelSpec, name: str) -> ExportedProgram:
    """The model's graph for one segment.

    Raises:
        ConfigError: the model does what cannot be recorded, such as deciding by what it hears.
    """
    mixture = _example(spec)
    with _quiet(name), torch.no_grad():
        model(mixture)  # once before, so that what it keeps for later calls is a constant and not part of the graph
        return torch.export.export(model, (mixture,), strict=False)


def convert_to_onnx(program: ExportedProgram, spec: ModelSpec, name: str) -> Any:
    """The traced model as torch's `ONNXProgram`, in real arithmetic.

    Raises:
        ConfigError: it uses an operation that ONNX does not have.
        MissingExtraError: the packages onnx and onnxscript are not installed.
    """
    for package in ("onnx", "onnxscript"):
        import_extra(package, "onnx")
    mixture = _example(spec)
    with _quiet(name), torch.no_grad():
        real = RealModel(program)
        real(mixture)  # as above: the tables of the Fourier transforms
        traced = torch.export.export(real, (mixture,), strict=False)
        return torch.onnx.export(
            traced, dynamo=True, input_names=["mixture"], output_names=["stems"], verbose=False, external_data=False
        )


def _example(spec: ModelSpec) -> Tensor:
    return 0.1 * torch.randn(1, spec.channels, spec.segment_samples, generator=torch.Generator().manual_seed(0))


@contextlib.contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Turn whatever goes wrong in torch's exporters into one line; their warnings speak to their authors."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    try:
        with warnings.catch_warnings(), quick_lstm_shapes():
            warnings.simplefilter("ignore")
            logger.setLevel(logging.ERROR)
            yield
    except AuralflowError:
        raise
    except Exception as error:  # a family of their own for each of a dozen parts
        raise ConfigError(f"export: {name} cannot be exported: {_find_reason(error)}") from error
    finally:
        logger.setLevel(level)


def _find_reason(error: BaseException) -> str:
    """The operation that is to blame, or else the beginning of the first message."""
    causes = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    for each in reversed(causes):
        found = _OPERATION.search(str(each))
        if found:
            return f"ONNX has nothing for its operation {found[0]}"
    return " ".join(str(causes[-1]).split())[:200]
