"""A bundle loads for ever, and only if it is whole."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from auralflow.config import from_dict
from auralflow.errors import AuralflowError, CheckpointError
from auralflow.models import models
from auralflow.pretrained.bundle import load_bundle, read_description, save_bundle
from auralflow.registry import config_class
from auralflow.spec import ModelSpec

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA / "bundle_v1", tmp_path / "bundle"))


def test_the_first_format_loads_for_ever() -> None:
    """The committed bundle and the output it had when it was written."""
    expected = load_file(DATA / "bundle_v1_expected.safetensors")
    model = load_bundle(DATA / "bundle_v1")
    with torch.inference_mode():
        stems = model(expected["mixture"])
    assert torch.allclose(stems, expected["stems"], atol=1e-5)
    assert float(stems.abs().mean()) > 1e-3


def test_round_trip(tmp_path: Path) -> None:
    model_class = models.load("spectrogram_net_simple")
    module = __import__(model_class.__module__, fromlist=["TINY"])
    assert isinstance(module.TINY, config_class(model_class))
    torch.manual_seed(1)
    model = model_class(ModelSpec(("a", "b"), 22050, 1, 4000), module.TINY).eval()
    save_bundle(model, tmp_path / "new", architecture="spectrogram_net_simple", config=module.TINY)
    again = load_bundle(tmp_path / "new")
    mixture = torch.randn(1, 1, 3000)
    with torch.inference_mode():
        assert torch.equal(model(mixture), again(mixture))
    assert again.spec == model.spec
    assert from_dict(config_class(model_class), read_description(tmp_path / "new").config) == module.TINY
    assert not again.training
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["model.yaml", "weights.safetensors"]


def _damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


def test_a_flipped_bit_is_noticed(bundle: Path) -> None:
    _damage(bundle / "weights.safetensors")
    with pytest.raises(CheckpointError, match="damaged"):
        load_bundle(bundle)


def test_missing_parts_are_named(bundle: Path, tmp_path: Path) -> None:
    (bundle / "weights.safetensors").unlink()
    with pytest.raises(CheckpointError, match="weights"):
        load_bundle(bundle)
    with pytest.raises(CheckpointError, match=r"no model\.yaml"):
        load_bundle(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("format_version: 1\n", "format_version: 2\n", "upgrade"),
        ("architecture: spectrogram_net_simple", "architecture: spectrogram_net_simpel", "did you mean"),
        ("sample_rate: 44100", "sample_rate: 1", "spec.sample_rate"),
        ("normalise:", "normalize:", "did you mean 'normalise'"),
        ("architecture:", "architecture: !!python/name:os.system\nx:", "YAML"),
    ],
)
def test_a_wrong_description_is_one_line(bundle: Path, old: str, new: str, words: str) -> None:
    path = bundle / "model.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(AuralflowError, match=words) as caught:
        load_bundle(bundle)
    assert "\n" not in str(caught.value)


def test_weights_of_another_network_are_refused(bundle: Path) -> None:
    save_file({"x": torch.zeros(1)}, bundle / "weights.safetensors")
    digest = hashlib.sha256((bundle / "weights.safetensors").read_bytes()).hexdigest()
    path = bundle / "model.yaml"
    path.write_text(path.read_text().replace(read_description(bundle).weights_sha256, digest))
    with pytest.raises(CheckpointError, match="do not fit spectrogram_net_simple"):
        load_bundle(bundle)
