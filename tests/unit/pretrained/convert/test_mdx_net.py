"""MDX-Net files: sizes from the graph, the rest from what is published or lies beside; else refused, saying why."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from auralflow.errors import CheckpointError
from auralflow.models.mdx_net import MdxNet, MdxNetConfig
from auralflow.pretrained.convert import mdx_net_files
from auralflow.pretrained.convert.mdx_net import convert
from auralflow.pretrained.convert.mdx_net_files import GraphFacts, find_facts
from auralflow.spec import ModelSpec

onnx = pytest.importorskip("onnx")

BESIDE = '{"mdx_n_fft_scale_set": 4096, "compensate": 1.02, "primary_stem": "Vocals"}'


def make_file(path: Path, shape: tuple[Any, ...] = (1, 4, 40, 300), **metadata: str) -> Any:
    helper = onnx.helper
    values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name in ("in", "out")]
    weights = [onnx.numpy_helper.from_array(np.ones(1, np.float32), "gain")]
    graph = helper.make_graph([helper.make_node("Mul", ["in", "gain"], ["out"])], "g", values[:1], values[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    return model


def test_with_a_description_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "voice.onnx"
    make_file(path)
    path.with_suffix(".json").write_text(BESIDE)
    found = convert(path)
    config = found.members[0].config
    assert (found.architecture, found.weights) == ("mdx_net", None)
    assert (config.n_fft, config.n_freqs, config.n_frames, config.compensation) == (4096, 40, 300, 1.02)


def test_a_published_file_is_known_by_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "voice.onnx"
    make_file(path, ("batch", 4, 2048, 256))
    data = path.read_bytes()
    monkeypatch.setitem(mdx_net_files._FACTS, hashlib.md5(data).hexdigest(), GraphFacts(6144, 1.03, "vocals"))
    found = convert(path)
    assert found.spec == ModelSpec(("vocals",), 44100, 2, segment_samples=255 * 1024, context_samples=3072)
    config, state = found.members[0].config, found.members[0].state
    assert config == MdxNetConfig(6144, 1024, 2048, 256, 3, 1.03, graph_bytes=len(data))
    assert state["graph"].numpy().tobytes() == data
    model = MdxNet(found.spec, config)
    model.load_state_dict(state)
    mixture = 0.1 * torch.randn(1, 2, found.spec.segment_samples, generator=torch.Generator().manual_seed(0))
    assert model(mixture).shape == (1, 1, 2, 255 * 1024)


def test_the_published_facts_make_sense() -> None:
    assert len(mdx_net_files._FACTS) == 41
    for facts in mdx_net_files._FACTS.values():
        MdxNetConfig(facts.n_fft, compensation=facts.compensation)
        assert facts.stem in ("vocals", "instrumental", "drums", "bass", "other", "reverb")
    tail = b"x" * (10_000 * 1024)
    assert find_facts(b"what stands before does not count" + tail) is find_facts(tail) is None


@pytest.mark.parametrize(
    ("beside", "message"),
    [
        (None, "put a file voice.yaml beside it"),
        ("compensate: 1.0\nprimary_stem: a", "expected the key mdx_n_fft_scale_set"),
        ("- 1", "expected keys and values"),
        ("a: [", "cannot be read"),
        (BESIDE.replace("4096", '"x"'), "expected a whole number"),
        (BESIDE.replace("4096", "64"), "its sizes do not fit together"),
    ],
)
def test_without_what_is_needed_it_is_refused(tmp_path: Path, beside: str | None, message: str) -> None:
    path = tmp_path / "voice.onnx"
    make_file(path)
    if beside is not None:
        path.with_suffix(".yaml").write_text(beside)
    with pytest.raises(CheckpointError, match=message):
        convert(path)


def test_what_is_no_mdx_net_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "voice.onnx"
    with pytest.raises(CheckpointError, match="cannot be read"):
        convert(path)
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(CheckpointError, match="is no ONNX file"):
        convert(path)
    for shape in ((1, 2, 40, 300), (1, 4, 300), (1, 4, "freq", 300)):
        make_file(path, shape)
        with pytest.raises(CheckpointError, match="expected an MDX-Net with one input"):
            convert(path)
    make_file(path, auralflow="{}")
    with pytest.raises(CheckpointError, match="run it with --engine onnx"):
        convert(path)


def test_nothing_outside_the_file_is_read(tmp_path: Path) -> None:
    model = make_file(tmp_path / "voice.onnx")
    onnx.external_data_helper.set_external_data(model.graph.initializer[0], "../secret.bin")
    (tmp_path / "voice.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(CheckpointError, match="keeps weights in other files"):
        convert(tmp_path / "voice.onnx")


def test_operators_of_a_later_day_are_refused(tmp_path: Path) -> None:
    model = make_file(tmp_path / "voice.onnx")
    model.opset_import[0].version = 999
    (tmp_path / "voice.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(CheckpointError, match="expected operators of version 1 to"):
        convert(tmp_path / "voice.onnx")
