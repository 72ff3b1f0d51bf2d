"""A file of `auralflow export` keeps a model's promise up to the length of its segment; other files are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch
from torch import Tensor

from auralflow import separate
from auralflow.errors import CheckpointError, ConfigError, ShapeError
from auralflow.export.description import VERSION, ExportDescription, to_json
from auralflow.export.runtime import ExportedModel, describe_export
from auralflow.fetch.folder import hash_file
from auralflow.spec import ModelSpec

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

SPEC = ModelSpec(("vocals", "other"), 8000, 2, segment_samples=900, context_samples=50)
METADATA = to_json(ExportDescription(VERSION, "net", SPEC))


def write_graph(path: Path, n_samples: int = 900, **metadata: str) -> None:
    """A graph whose stems are the mixture's running sum, and the mixture."""
    helper = onnx.helper
    shapes = {"mixture": (1, 2, n_samples), "stems": (1, 2, 2, n_samples)}
    values: list[Any] = [helper.make_tensor_value_info(name, 1, shape) for name, shape in shapes.items()]
    weights = [onnx.numpy_helper.from_array(torch.tensor(v).numpy(), n) for n, v in (("time", 2), ("stem", [1]))]
    nodes = [
        helper.make_node("CumSum", ["mixture", "time"], ["sum"]),
        helper.make_node("Unsqueeze", ["sum", "stem"], ["one"]),
        helper.make_node("Unsqueeze", ["mixture", "stem"], ["other"]),
        helper.make_node("Concat", ["one", "other"], ["stems"], axis=1),
    ]
    graph = helper.make_graph(nodes, "net", values[:1], values[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    write_graph(tmp_path / "net.onnx", auralflow=METADATA)
    return tmp_path / "net.onnx"


def noise(*shape: int) -> Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("n_samples", [0, 1, 899, 900])
def test_any_batch_and_any_length_up_to_the_segment(exported: Path, n_samples: int) -> None:
    mixture = noise(3, 2, n_samples)
    before = mixture.clone()
    stems = ExportedModel(exported)(mixture)
    torch.testing.assert_close(stems, torch.stack([mixture.cumsum(-1), mixture], dim=1), rtol=0, atol=1e-5)
    assert torch.equal(mixture, before)


def test_it_says_what_it_is(exported: Path) -> None:
    described = describe_export(exported)
    assert (described.name, described.spec, described.identity) == ("net", SPEC, hash_file(exported))
    assert ExportedModel(exported).spec == SPEC


def test_other_mixtures_are_refused(exported: Path) -> None:
    with pytest.raises(ShapeError, match="expected at most 900 samples"):
        ExportedModel(exported)(noise(1, 2, 901))
    with pytest.raises(ShapeError, match="expected a mixture of shape"):
        ExportedModel(exported)(noise(1, 1, 900))


@pytest.mark.parametrize("read", [ExportedModel, describe_export])
def test_other_files_are_refused(tmp_path: Path, read: Any) -> None:
    path = tmp_path / "net.onnx"
    with pytest.raises(CheckpointError, match="no such file"):
        read(path)
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(CheckpointError, match=r"net\.onnx: "):
        read(path)
    for metadata, message in (
        (None, "without its metadata"),
        ("{", "cannot be read"),
        ("[1]", "cannot be read"),
        ('{"format_version": 2}', "reads exports of version 1, got 2"),
        ('{"format_version": 1, "name": "net"}', "spec: missing"),
    ):
        write_graph(path, **{} if metadata is None else {"auralflow": metadata})
        with pytest.raises(CheckpointError, match=message):
            read(path)


def test_a_graph_of_another_length_than_it_says_is_refused(tmp_path: Path) -> None:
    write_graph(tmp_path / "net.onnx", n_samples=800, auralflow=METADATA)
    with pytest.raises(CheckpointError, match=r"expected a graph that takes \(1, 2, 900\), got \(1, 2, 800\)"):
        ExportedModel(tmp_path / "net.onnx")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"device": "cuda"}, "--engine onnx computes on the CPU"),
        ({"precision": "fast"}, "--engine onnx computes in 32 bits"),
        ({"segment": 2.0}, "was exported for 0.1125 s, got 2 s"),
    ],
)
def test_settings_that_an_export_cannot_have(exported: Path, settings: dict[str, Any], message: str) -> None:
    soundfile.write(exported.parent / "song.wav", noise(8000, 2).numpy(), 8000)
    with pytest.raises(ConfigError, match=message):
        separate(exported.parent / "song.wav", model=str(exported), engine="onnx", out=exported.parent, **settings)
