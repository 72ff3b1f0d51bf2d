"""What a file is, is found in it; what fits is written as a bundle, and nothing else is."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save_file
from torch import Tensor, nn

from auralflow.audio.types import Audio
from auralflow.dsp.stft import STFTConfig
from auralflow.errors import AuralflowError, CheckpointError, OutputError, UnknownNameError
from auralflow.models.bs_roformer import SPEC, BSRoformer, BSRoformerConfig
from auralflow.pretrained.bundle import load_bundle
from auralflow.pretrained.convert import foreign
from auralflow.pretrained.convert.converted import Converted, Member
from auralflow.pretrained.convert.foreign import convert_checkpoint
from auralflow.pretrained.convert.formats import find_format
from auralflow.separation.engine import Separator

DATA = Path(__file__).parents[3] / "data"

_CONFIG = BSRoformerConfig(
    stft=STFTConfig(512, 128, edges="reflect"),
    width=12,
    depth=2,
    n_heads=2,
    head_width=6,
    mask_expansion=1,
    band_widths=(8, 16, 32, 72, 129),
)
_SMALL = dataclasses.replace(SPEC, stems=("vocals",), sample_rate=16000, segment_samples=16000)


def _network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return BSRoformer(_SMALL, _CONFIG).eval()


def _checkpoint(folder: Path, state: dict[str, Tensor], name: str = "net.ckpt") -> Path:
    sizes: dict[str, Any] = {"dim": 12, "depth": 2, "stereo": True, "dim_head": 6, "heads": 2}
    depths: dict[str, Any] = {"time_transformer_depth": 1, "freq_transformer_depth": 1, "mlp_expansion_factor": 1}
    stft: dict[str, Any] = {"stft_n_fft": 512, "stft_hop_length": 128, "stft_win_length": 512}
    model = sizes | depths | stft | {"freqs_per_bands": [8, 16, 32, 72, 129]}
    audio = {"chunk_size": 16000, "sample_rate": 16000}
    folder.mkdir(exist_ok=True)
    values = {"audio": audio, "model": model, "training": {"instruments": ["vocals"]}}
    (folder / name).with_suffix(".yaml").write_text(yaml.dump(values))
    torch.save(state, folder / name)
    return folder / name


def test_a_checkpoint_becomes_a_bundle(tmp_path: Path) -> None:
    network = _network()
    source = _checkpoint(tmp_path / "in", dict(network.state_dict()))
    convert_checkpoint(source, tmp_path / "out" / "bundle")
    convert_checkpoint(source.parent, tmp_path / "again", format="msst", options={"config": "net.yaml"})
    mixture = torch.randn(1, 2, 5000)
    for folder in ("out/bundle", "again"):
        bundle = load_bundle(tmp_path / folder)  # not in inference mode, whose weights torch multiplies another way
        assert bundle.spec == _SMALL
        with torch.inference_mode():
            assert torch.equal(bundle(mixture), network(mixture))
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["bundle"]
    assert sorted(p.name for p in (tmp_path / "again").iterdir()) == ["model.yaml", "weights.safetensors"]


def test_half_precision_stays_half_in_the_bundle(tmp_path: Path) -> None:
    network = _network()
    half = {key: tensor.half() for key, tensor in network.state_dict().items()}
    convert_checkpoint(_checkpoint(tmp_path / "in", half), tmp_path / "out")
    bundle = load_bundle(tmp_path / "out")
    assert all(torch.equal(t, half[k].float()) for k, t in bundle.state_dict().items())
    n_values = sum(tensor.numel() for tensor in half.values())
    assert (tmp_path / "out" / "weights.safetensors").stat().st_size < 3 * n_values


def _less(state: dict[str, Tensor]) -> None:
    del state["final_norm.gamma"]


def _more(state: dict[str, Tensor]) -> None:
    state["lora.a"] = torch.zeros(1)


def _other_shape(state: dict[str, Tensor]) -> None:
    state["final_norm.gamma"] = torch.zeros(5)


def _not_finite(state: dict[str, Tensor]) -> None:
    state["final_norm.gamma"] = torch.full((12,), torch.nan)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_less, r"do not fit bs_roformer: missing: final_norm\.gamma$"),
        (_more, r"unexpected: lora\.a"),
        (_other_shape, r"of another shape: final_norm\.gamma \(expected \[12\], got \[5\]\)"),
        (_not_finite, r"not finite: final_norm\.gamma"),
    ],
)
def test_what_does_not_fit_is_named(change: Any, words: str, tmp_path: Path) -> None:
    state = dict(_network().state_dict())
    change(state)
    source = _checkpoint(tmp_path / "in", state)
    with pytest.raises(CheckpointError, match=words) as caught:
        convert_checkpoint(source, tmp_path / "out", options={"architecture": "bs_roformer"})
    assert str(source) in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_bag_becomes_a_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = _network(1), _network(2)
    members = tuple(Member(_CONFIG, dict(network.state_dict())) for network in (one, other))
    converted = Converted("bs_roformer", _SMALL, members, ((1.0,), (3.0,)))
    monkeypatch.setattr(foreign, "_convert", lambda *_: converted)
    convert_checkpoint(tmp_path, tmp_path / "out", format="demucs")
    bundle, mixture = load_bundle(tmp_path / "out"), torch.randn(1, 2, 4000)
    with torch.inference_mode():
        expected = (one(mixture) + 3 * other(mixture)) / 4
        assert torch.allclose(bundle(mixture), expected, atol=1e-6)


_UMX: dict[str, Tensor] = {
    "input_mean": torch.zeros(4),
    "lstm.weight_ih_l0": torch.zeros(4),
    "bn3.weight": torch.ones(4),
}


def test_a_bag_must_have_something_for_each_stem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    member = Member(_CONFIG, dict(_network().state_dict()))
    converted = Converted("bs_roformer", _SMALL, (member, member), ((0.0,), (0.0,)))
    monkeypatch.setattr(foreign, "_convert", lambda *_: converted)
    with pytest.raises(CheckpointError, match="no network has one above zero for the stem 'vocals'"):
        convert_checkpoint(tmp_path, tmp_path / "out", format="demucs")


@pytest.mark.parametrize(
    ("source", "estimates"),
    [
        ("demucs_4_1_0", "estimates_bag.npy"),
        ("demucs_4_1_0/2badcafe-*.th", "estimates_h.npy"),
        ("open_unmix_1_3_0", "estimates.npy"),
    ],
)
def test_files_of_other_packages_from_end_to_end(source: str, estimates: str, tmp_path: Path) -> None:
    """Stored files and what their own packages made of them, here by way of a bundle."""
    folder, (found,) = DATA / source.partition("/")[0], DATA.glob(source)
    convert_checkpoint(found, tmp_path / "bundle")
    model = load_bundle(tmp_path / "bundle")
    spec: Any = model.spec
    mixture = Audio(np.load(folder / "mixture.npy"), spec.sample_rate)
    stems = Separator(model, device="cpu").separate(mixture)
    got = np.stack([stems[stem].samples for stem in spec.stems])
    expected = np.load(folder / estimates)
    assert np.abs(got - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (("input_mean", "lstm.weight_ih_l0", "bn3.weight"), "open_unmix"),
        (("target_models.vocals.input_mean",), "open_unmix"),
        (("freq_encoder.0.conv.weight", "time_encoder.0.conv.weight"), "torchaudio_hdemucs"),
        (("band_split.to_features.0.1.weight", "final_norm.gamma"), "msst"),
        (("band_split.to_features.0.1.weight", "layers.0.0.norm.gamma"), "msst"),
        (("first_conv.weight", "bottleneck_block.blocks.0.tfc1.2.weight"), "msst"),
    ],
)
def test_formats_are_known_by_their_tensors(keys: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    state = {key: torch.zeros(2) for key in keys}
    torch.save({"state_dict": state}, tmp_path / "a.ckpt")
    save_file(state, tmp_path / "a.safetensors")
    assert find_format(tmp_path / "a.ckpt") == find_format(tmp_path / "a.safetensors") == expected


def test_demucs_is_known_by_the_class_it_names(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "a.safetensors", metadata={"klass": "demucs.htdemucs.HTDemucs"})
    torch.save({"klass": "HTDemucs", "state": {}}, tmp_path / "a.th")
    assert find_format(tmp_path / "a.safetensors") == find_format(tmp_path / "a.th") == "demucs"
    (tmp_path / "bag").mkdir()
    (tmp_path / "bag" / "htdemucs_ft.yaml").write_text("models: ['f7e0c4bc', 'd12395a8']\n")
    assert find_format(tmp_path / "bag") == find_format(tmp_path / "bag" / "htdemucs_ft.yaml") == "demucs"


def test_folders(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="expected one file of weights"):
        find_format(tmp_path)
    torch.save(_UMX, tmp_path / "vocals.pth")
    assert find_format(tmp_path) == "open_unmix"
    torch.save(_UMX, tmp_path / "drums.pth")
    assert find_format(tmp_path) == "open_unmix"
    torch.save({"klass": 1}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match=r"found drums\.pth, other\.pth, vocals\.pth"):
        find_format(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.ckpt", b"<!DOCTYPE html>", "web page"),
        ("a.ckpt", b"", "empty"),
        ("a.safetensors", b"version https://git-lfs.github.com/spec/v1\n", "LFS"),
        ("a.safetensors", b"\x40\0\0\0\0\0\0\0{" + bytes(20), "damaged"),
        ("a.onnx", b"hello", "begins"),
        ("a.yaml", b"audio: {}\nmodel: {}\n", "name the file of weights"),
    ],
)
def test_what_is_no_checkpoint_is_said(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=words) as caught:
        convert_checkpoint(tmp_path / name, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_what_was_found_is_said(tmp_path: Path) -> None:
    torch.save({"conv.weight": torch.zeros(1), "conv.bias": torch.zeros(1)}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=r"no architecture that is known here: conv\.bias, conv\.weight;"):
        convert_checkpoint(tmp_path / "a.pt", tmp_path / "out")
    torch.save({"\x1b[31m\n": torch.zeros(1)}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError) as caught:
        convert_checkpoint(tmp_path / "a.pt", tmp_path / "out")
    assert str(caught.value).isprintable()
    torch.save({"epoch": 1, "optimizer": {}}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match="got also: epoch, optimizer"):
        convert_checkpoint(tmp_path / "a.pt", tmp_path / "out")


def test_formats_and_options_by_name(tmp_path: Path) -> None:
    source = _checkpoint(tmp_path / "in", dict(_network().state_dict()))
    with pytest.raises(UnknownNameError, match="did you mean 'msst'"):
        convert_checkpoint(source, tmp_path / "out", format="mst")
    with pytest.raises(CheckpointError, match=r"'msst' has no option 'colour'; known: config, architecture"):
        convert_checkpoint(source, tmp_path / "out", options={"colour": "red"})


def test_nothing_is_overwritten_or_left_behind(tmp_path: Path) -> None:
    source = _checkpoint(tmp_path / "in", dict(_network().state_dict()))
    (tmp_path / "empty").mkdir()
    convert_checkpoint(source, tmp_path / "empty")
    for taken in (tmp_path / "empty", tmp_path / "in", source):
        with pytest.raises(OutputError, match="is there already"):
            convert_checkpoint(source, taken)
    with pytest.raises(OutputError, match="cannot be written"):
        convert_checkpoint(source, source / "below a file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "in"]


def test_a_truncated_checkpoint_leaves_nothing(tmp_path: Path) -> None:
    source = _checkpoint(tmp_path / "in", dict(_network().state_dict()))
    content = source.read_bytes()
    for part in (0.1, 0.5, 0.99):
        source.write_bytes(content[: int(part * len(content))])
        with pytest.raises(AuralflowError):
            convert_checkpoint(source, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
