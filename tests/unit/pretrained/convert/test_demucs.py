"""Files of the package demucs: what is read from each format, bags, and what is refused and why."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import types
from collections import OrderedDict
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import save_file
from torch import nn

from auralflow.errors import CheckpointError, ConfigError
from auralflow.models.blocks.bag import Bag
from auralflow.models.htdemucs import HTDemucsConfig
from auralflow.pretrained.bundle import load_bundle
from auralflow.pretrained.convert.demucs import convert
from auralflow.pretrained.convert.foreign import convert_checkpoint

FILES = Path(__file__).parents[3] / "data" / "demucs_4_1_0"
(HYBRID,) = FILES.glob("2badcafe-*.th")
TRANSFORMER = FILES / "0badcafe.safetensors"

KWARGS: dict[str, Any] = (
    {"sources": ["a", "b"], "audio_channels": 1, "samplerate": 16000, "channels": 8, "nfft": 256, "depth": 2}
    | {"segment": {"_type": "fraction", "numerator": 39, "denominator": 5}, "bottom_channels": 16, "t_heads": 2}
    | {"dconv_mode": 3, "t_layers": 2, "t_lr": None, "t_sparsity": 0.95, "wiener_iters": 0, "multi_freqs": []}
)


def _write(path: Path, klass: str = "demucs.htdemucs.HTDemucs", args: object = (), **changes: Any) -> Path:
    """A file of safetensors with these arguments and one tensor; `...` takes an argument away."""
    kwargs = {key: value for key, value in (KWARGS | changes).items() if value is not ...}
    about = {"klass": klass, "args": json.dumps(args), "kwargs": json.dumps(kwargs)}
    save_file({"some.weight": torch.ones(2, dtype=torch.float16)}, path, about)
    return path


def test_arguments_become_spec_and_config(tmp_path: Path) -> None:
    converted = convert(_write(tmp_path / "x.safetensors"))
    spec, (member,) = converted.spec, converted.members
    assert (converted.architecture, converted.weights) == ("htdemucs", None)
    assert (spec.stems, spec.channels, spec.sample_rate) == (("a", "b"), 1, 16000)
    assert spec.segment_samples == int(7.8 * 16000)
    assert (spec.overlap, spec.blend, spec.tail, spec.normalise) == (0.25, "triangle", "pad", "track")
    assert member.config == HTDemucsConfig(
        width=8, n_fft=256, depth=2, transformer_width=16, n_heads=2, n_layers=2, dropout=0.0
    )
    assert member.state["some.weight"].dtype == torch.float32


def test_what_is_left_out_is_as_in_the_package(tmp_path: Path) -> None:
    left_out = dict.fromkeys(("bottom_channels", "t_heads", "dconv_mode", "t_layers", "segment"), ...)
    converted = convert(_write(tmp_path / "x.safetensors", **left_out))
    config = converted.members[0].config
    assert (config.transformer_width, config.n_heads, config.branches, config.n_layers) == (0, 8, "encoder", 5)
    assert converted.spec.segment_s == 10


def test_stems_may_be_the_first_argument_without_a_name(tmp_path: Path) -> None:
    path = _write(tmp_path / "x.safetensors", args=[["c", "d"], 2], sources=..., audio_channels=...)
    assert convert(path).spec.stems == ("c", "d")
    assert convert(path).spec.channels == 2


def test_pickled_network_is_read_without_its_package() -> None:
    converted = convert(HYBRID)
    assert converted.architecture == "hdemucs"
    assert (converted.spec.stems, converted.spec.tail) == (("vocals", "other"), "short")
    assert converted.spec.segment_samples == 3360
    assert (converted.members[0].config.lstm_start, converted.members[0].config.attention_start) == (1, 1)
    assert all(tensor.dtype == torch.float32 for tensor in converted.members[0].state.values())
    assert "demucs" not in sys.modules


def test_segment_can_be_given_and_is_no_longer_than_the_transformer_knows() -> None:
    assert convert(TRANSFORMER).spec.segment_samples == 3200
    assert convert(TRANSFORMER, segment_s=0.25).spec.segment_samples == 2000
    assert convert(TRANSFORMER, segment_s=1.0).spec.segment_samples == 3200
    assert convert(HYBRID, segment_s=1.0).spec.segment_samples == 8000


def test_bag_has_its_networks_weights_and_segment() -> None:
    converted = convert(FILES / "small_bag.yaml")
    assert converted.weights == ((1.0, 0.5), (0.0, 1.0))
    assert converted.spec.segment_samples == 2800
    one, other = (member.state["encoder.0.conv.weight"] for member in converted.members)
    assert not torch.equal(one, other)


def test_bag_becomes_a_bundle_whose_parts_are_cheaper(tmp_path: Path) -> None:
    convert_checkpoint(FILES, tmp_path / "bundle")
    bag = load_bundle(tmp_path / "bundle")
    assert isinstance(bag, Bag)
    assert len(bag.select(["vocals"]).models) == 1
    assert len(bag.select(["other"]).models) == 2


def _copy_bag(folder: Path, **changes: Any) -> Path:
    for file in FILES.glob("*.safetensors"):
        shutil.copy(file, folder)
    bag = {"models": ["0badcafe", "1badcafe"], **changes}
    (folder / "bag.yaml").write_text(yaml.safe_dump({key: value for key, value in bag.items() if value is not ...}))
    return folder / "bag.yaml"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"models": ...}, "models: expected a list of names"),
        ({"models": []}, "models: expected a list of names"),
        ({"models": ["0badcafe", "2badcafe"]}, r"expected one file of the network 2badcafe .* found none"),
        ({"weights": [[1, 1]]}, "weights: expected 2 lists of 2"),
        ({"weights": [[1, 1, 1], [1, 1, 1]]}, "weights: expected 2 lists of 2"),
        ({"weights": [[1, -1], [1, 1]]}, "weights: expected numbers, zero or more"),
        ({"weights": [[1, 0], [1, 0]]}, "no network has one above zero for the stem 'other'"),
        ({"segment": "long"}, "segment: expected seconds"),
        ({"segment": -1}, "segment: expected seconds"),
        ({"shifts": 3}, "shifts: not known"),
    ],
)
def test_rejects_bags_that_are_not_understood(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        convert(_copy_bag(tmp_path, **changes))


def test_rejects_bags_of_networks_that_differ(tmp_path: Path) -> None:
    bag = _copy_bag(tmp_path)
    shutil.copy(HYBRID, tmp_path / "1badcafe.th")
    (tmp_path / "1badcafe.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"1badcafe\.th: is no network of one bag with 0badcafe\.safetensors"):
        convert(bag)


def test_of_two_formats_of_a_network_the_safer_is_taken(tmp_path: Path) -> None:
    bag = _copy_bag(tmp_path)
    (tmp_path / "1badcafe-00000000.th").write_bytes(b"never opened")
    assert len(convert(bag).members) == 2


@pytest.mark.parametrize(
    ("klass", "changes", "message"),
    [
        ("demucs.demucs.Demucs", {}, r"got 'demucs.demucs.Demucs' \(the waveform network"),
        ("os.system", {}, "expected a network of the class HDemucs or HTDemucs, got 'os.system'"),
        (None, {"cac": False}, "kwargs.cac: expected True, got False"),
        (None, {"rewrite": False}, "kwargs.rewrite: expected True"),
        (None, {"channels_time": 32}, "kwargs.channels_time: expected None, got 32"),
        (None, {"multi_freqs": [0.5]}, r"kwargs.multi_freqs: expected none, got \[0.5\]"),
        (None, {"t_emb": "cape"}, "kwargs.t_emb: expected 'sin', got 'cape'"),
        (None, {"t_sparse_self_attn": True}, "kwargs.t_sparse_self_attn: expected False"),
        (None, {"t_norm_first": False}, "kwargs.t_norm_first: expected True"),
        (None, {"colour": "red"}, "kwargs.colour: not known"),
        (None, {"dconv_mode": 4}, "kwargs.dconv_mode: expected 0 to 3"),
        (None, {"sources": "ab"}, "kwargs.sources: expected a list of names"),
        (None, {"sources": ...}, "kwargs.sources: missing"),
        (None, {"segment": "39/5"}, "kwargs.segment: expected seconds"),
        (None, {"segment": {"_type": "fraction", "numerator": 1, "denominator": 0}}, "expected a fraction"),
        (None, {"samplerate": 44100.5}, "kwargs.samplerate: expected a whole number"),
        ("demucs.hdemucs.HDemucs", {"t_layers": 5}, "kwargs.bottom_channels"),
    ],
)
def test_rejects_networks_that_are_not_known(
    tmp_path: Path, klass: str | None, changes: dict[str, Any], message: str
) -> None:
    path = _write(tmp_path / "x.safetensors", klass or "demucs.htdemucs.HTDemucs", **changes)
    with pytest.raises(CheckpointError, match=message):
        convert(path)


def test_rejects_arguments_of_another_type(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.depth: expected int"):
        convert(_write(tmp_path / "x.safetensors", depth="deep"))


@pytest.mark.parametrize(
    ("about", "message"),
    [
        (None, "klass, args, kwargs missing; it has none"),
        ({"klass": "x", "args": "[]"}, "kwargs missing; it has"),
        ({"klass": "x", "args": "[]", "kwargs": "{"}, "not readable as JSON"),
        ({"klass": "x", "args": "{}", "kwargs": "[]"}, "expected a list and a dictionary"),
        ({"klass": "x", "args": "[]", "kwargs": "{}", "structure": "{}"}, "is quantised"),
    ],
)
def test_rejects_metadata_that_say_too_little(tmp_path: Path, about: dict[str, str] | None, message: str) -> None:
    save_file({"x": torch.ones(2)}, tmp_path / "x.safetensors", about)
    with pytest.raises(CheckpointError, match=message):
        convert(tmp_path / "x.safetensors")


def test_rejects_a_file_whose_name_has_another_sum(tmp_path: Path) -> None:
    content = HYBRID.read_bytes()
    (tmp_path / "x-0000abcd.th").write_bytes(content)
    with pytest.raises(CheckpointError, match=f"begins 0000abcd, by its name, got {HYBRID.stem[-8:]}"):
        convert(tmp_path / "x-0000abcd.th")
    changed = content[:5000] + bytes([content[5000] ^ 1]) + content[5001:]
    (tmp_path / HYBRID.name).write_bytes(changed)
    with pytest.raises(CheckpointError, match=hashlib.sha256(changed).hexdigest()[:8]):
        convert(tmp_path / HYBRID.name)


def _pickle(path: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Path:
    """A `.th` as the package writes it, its class being in a package that is there for the moment of writing."""
    module: Any = types.ModuleType("demucs.htdemucs")
    module.HTDemucs = type("HTDemucs", (nn.Module,), {"__module__": "demucs.htdemucs"})
    monkeypatch.setitem(sys.modules, "demucs", types.ModuleType("demucs"))
    monkeypatch.setitem(sys.modules, "demucs.htdemucs", module)
    kwargs = KWARGS | {"segment": Fraction(39, 5)}
    content = {"klass": module.HTDemucs, "args": (), "kwargs": kwargs, "state": OrderedDict(x=torch.ones(2))}
    torch.save({key: value for key, value in (content | changes).items() if value is not ...}, path)
    return path


def test_fractions_are_read_from_pickles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    converted = convert(_pickle(tmp_path / "x.th", monkeypatch))
    assert converted.spec.segment_samples == int(7.8 * 16000)
    assert converted.architecture == "htdemucs"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"state": ...}, "expected a Demucs network with klass, args, kwargs, state, found klass, args, kwargs"),
        ({"state": {"__quantized": True}}, "is quantised"),
        ({"state": {"x": 1}}, "state: expected tensors by name"),
        ({"klass": "demucs.htdemucs.HTDemucs"}, "klass: expected a class"),
    ],
)
def test_rejects_pickles_of_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        convert(_pickle(tmp_path / "x.th", monkeypatch, **changes))


@pytest.mark.parametrize("n_bytes", [100, 5000, 51000])
def test_rejects_truncated_files(tmp_path: Path, n_bytes: int) -> None:
    for source in (TRANSFORMER, HYBRID):
        (tmp_path / f"x{source.suffix}").write_bytes(source.read_bytes()[:n_bytes])
        with pytest.raises(CheckpointError, match=r"damaged|expected a checkpoint"):
            convert(tmp_path / f"x{source.suffix}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("encoder.0.conv.bias"), r"missing: encoder\.0\.conv\.bias"),
        (lambda state: state.update(more=torch.ones(2)), "unexpected: more"),
        (lambda state: state.update({"encoder.0.conv.bias": torch.ones(5)}), r"bias \(expected \[4\], got \[5\]\)"),
        (lambda state: state["encoder.0.conv.bias"].fill_(float("nan")), r"not finite: encoder\.0\.conv\.bias"),
    ],
)
def test_rejects_weights_that_do_not_fit(tmp_path: Path, change: Any, message: str) -> None:
    from safetensors import safe_open

    with safe_open(TRANSFORMER, framework="pt") as file:
        state, about = {key: file.get_tensor(key) for key in file.keys()}, file.metadata()  # noqa: SIM118
    change(state)
    save_file(state, tmp_path / "x.safetensors", about)
    with pytest.raises(CheckpointError, match=message):
        convert_checkpoint(tmp_path / "x.safetensors", tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
