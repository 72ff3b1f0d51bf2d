"""An MDX-Net graph, as users of Ultimate Vocal Remover have them, to our terms.

The graph says how many bins and frames it takes. The length of its STFT frames, the factor on its output and the stem's
name it does not say: they are known of the published files, or stand in a `.yaml` or `.json` beside the file, under
its name, by the words of Ultimate Vocal Remover:

    {"mdx_n_fft_scale_set": 7680, "compensate": 1.021, "primary_stem": "Vocals"}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import yaml

from auralflow.errors import CheckpointError, ConfigError, import_extra
from auralflow.models.blocks.onnx_graph import first_line
from auralflow.models.mdx_net import MdxNetConfig
from auralflow.pretrained.convert.converted import Converted, Member
from auralflow.pretrained.convert.mdx_net_files import GraphFacts, find_facts
from auralflow.spec import ModelSpec

EXPORT_KEY = "auralflow"
"""Metadata by which a graph that auralflow has exported is known."""

_KEYS = {"mdx_n_fft_scale_set": "n_fft", "compensate": "compensation", "primary_stem": "stem"}


def convert(path: Path) -> Converted:
    """The spec, config and state of `mdx_net` for an `.onnx` file.

    Raises:
        CheckpointError: it is no such graph, or its STFT is not known.
        MissingExtraError: the package onnx is not installed.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from None
    n_freqs, n_frames = _read_sizes(path, data)
    facts = _read_beside(path) or find_facts(data)
    if facts is None:
        raise CheckpointError(
            f"{path}: is not among the MDX-Net files that are known here; put a file {path.stem}.yaml beside it with "
            "the keys mdx_n_fft_scale_set, compensate and primary_stem"
        )
    try:
        config = MdxNetConfig(
            facts.n_fft, n_freqs=n_freqs, n_frames=n_frames, compensation=facts.compensation, graph_bytes=len(data)
        )
        spec = ModelSpec((facts.stem,), 44100, 2, config.chunk_samples, context_samples=config.edge_samples)
    except ConfigError as error:
        raise CheckpointError(f"{path}: its sizes do not fit together: {error}") from None
    state = {"graph": torch.frombuffer(bytearray(data), dtype=torch.uint8)}
    return Converted("mdx_net", spec, (Member(config, state),))


def _read_sizes(path: Path, data: bytes) -> tuple[int, int]:
    """Bins and frames of the graph's input, after everything else about it was found to be right."""
    onnx: Any = import_extra("onnx", "onnx")
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:  # protobuf's own, whose class depends on its backend
        raise CheckpointError(f"{path}: is no ONNX file, or is damaged: {first_line(error)}") from None
    if any(entry.key == EXPORT_KEY for entry in model.metadata_props):
        raise CheckpointError(f"{path}: is an export of auralflow; run it with --engine onnx")
    _check_parts(onnx, path, model)
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    shapes = [_shape_of(value) for value in (*inputs, *model.graph.output)]
    sizes = shapes[0][2:] if shapes else []
    if len(shapes) != 2 or len(shapes[0]) != 4 or shapes[0][1] != 4 or not all(sizes):
        raise CheckpointError(
            f"{path}: expected an MDX-Net with one input (batch, 4, freq, frame) and one output like it, "
            f"got the shapes {', '.join(map(str, shapes))}"
        )
    return sizes[0], sizes[1]


def _check_parts(onnx: Any, path: Path, model: Any) -> None:
    """Refuse what reaches outside the file, and operators of a later day."""
    if any(onnx.external_data_helper.uses_external_data(tensor) for tensor in _list_tensors(model.graph)):
        raise CheckpointError(f"{path}: keeps weights in other files; save it as one file")
    newest = onnx.defs.onnx_opset_version()
    opsets = {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}
    if not 1 <= opsets.get("ai.onnx", 0) <= newest:
        raise CheckpointError(f"{path}: expected operators of version 1 to {newest}, got {opsets}")


def _list_tensors(graph: Any) -> list[Any]:
    """All stored tensors of a graph, those in its nodes and their graphs among them."""
    tensors = list(graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            tensors += [attribute.t, *attribute.tensors]
            for inner in (attribute.g, *attribute.graphs):
                if inner.ByteSize():
                    tensors += _list_tensors(inner)
    return tensors


def _shape_of(value: Any) -> list[int]:
    """Sizes of an input or output; 0 where one is not fixed."""
    return [axis.dim_value for axis in value.type.tensor_type.shape.dim]


def _read_beside(path: Path) -> GraphFacts | None:
    """What a file beside the graph says, if there is one."""
    beside = next((p for s in (".yaml", ".yml", ".json") if (p := path.with_suffix(s)).is_file()), None)
    if beside is None:
        return None
    try:
        values = yaml.safe_load(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise CheckpointError(f"{beside}: cannot be read: {first_line(error)}") from None
    if not isinstance(values, dict):
        raise CheckpointError(f"{beside}: expected keys and values, got {type(values).__name__}")
    missing = [key for key in _KEYS if key not in values]
    if missing:
        raise CheckpointError(f"{beside}: expected the key {missing[0]}, which is not there")
    n_fft, compensation, stem = (values[key] for key in _KEYS)
    if not isinstance(n_fft, int) or not isinstance(compensation, int | float) or not isinstance(stem, str):
        raise CheckpointError(
            f"{beside}: expected a whole number, a number and a name, got {n_fft, compensation, stem}"
        )
    return GraphFacts(n_fft, float(compensation), stem.lower())
