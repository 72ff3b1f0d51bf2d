"""A bundle loads for ever, and only if it is whole."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from auralflow.config import from_dict, to_dict
from auralflow.errors import AuralflowError, CheckpointError, ConfigError
from auralflow.models import models
from auralflow.models.spectrogram_net_simple import TINY, SpectrogramNetSimple
from auralflow.pretrained.bundle import BundleDescription, load_bundle, read_description, save_bundle, write_bundle
from auralflow.pretrained.members import MemberDescription, name_state
from auralflow.registry import config_class
from auralflow.spec import FORMAT_VERSION, ModelSpec
from auralflow.training.configure import write_run
from auralflow.training.folder import RunFolder

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


_OF_BAG = ModelSpec(("a", "b"), 22050, 1, 4000)


@pytest.fixture
def networks() -> list[nn.Module]:
    torch.manual_seed(2)
    return [SpectrogramNetSimple(_OF_BAG, TINY).eval() for _ in range(2)]


def write_bag(folder: Path, networks: list[nn.Module], *weights: tuple[float, ...]) -> Path:
    bag = tuple(MemberDescription(to_dict(TINY), of_stems) for of_stems in weights)
    description = BundleDescription(FORMAT_VERSION, "spectrogram_net_simple", _OF_BAG, bag=bag)
    write_bundle(folder, description, name_state([network.state_dict() for network in networks]))
    return folder


def test_a_bag_is_the_weighted_mean_of_its_networks(networks: list[nn.Module], tmp_path: Path) -> None:
    bag, mixture = load_bundle(write_bag(tmp_path, networks, (1.0, 3.0), (1.0, 0.0))), torch.randn(2, 1, 3000)
    assert bag.spec == _OF_BAG
    assert not bag.training
    with torch.inference_mode():
        one, other = (network(mixture) for network in networks)
        expected = torch.stack([(one[:, 0] + other[:, 0]) / 2, one[:, 1]], dim=1)
        assert torch.allclose(bag(mixture), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  - 1.0\n  - 3.0\n", "  - 1.0\n", r"bag\.0\.weights: expected 2, one for each stem"),
        ("    normalise:", "    normalize:", r"bag\.0\.config\.normalize: unknown key"),
        ("  weights", "  weight", "unknown key, did you mean 'weights'"),
    ],
)
def test_a_wrong_bag_is_one_line(networks: list[nn.Module], tmp_path: Path, old: str, new: str, words: str) -> None:
    path = write_bag(tmp_path, networks, (1.0, 3.0), (1.0, 0.0)) / "model.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(AuralflowError, match=words) as caught:
        load_bundle(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_bag_with_a_network_too_few_is_refused(networks: list[nn.Module], tmp_path: Path) -> None:
    write_bag(tmp_path, networks[:1], (1.0, 3.0), (1.0, 0.0))
    with pytest.raises(CheckpointError, match="do not fit spectrogram_net_simple"):
        load_bundle(tmp_path)


def test_a_bag_is_not_trained(networks: list[nn.Module], tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", networks, (1.0, 3.0), (1.0, 0.0))
    with pytest.raises(ConfigError, match="is a bag of 2 networks, and training takes one"):
        write_run(RunFolder(tmp_path / "run"), source=str(bag))
    (bag / "train.yaml").write_text("")
    with pytest.raises(ConfigError, match="is a bag of 2 networks"):
        RunFolder(bag).read_model()


def test_tied_tensors_are_saved_each(tmp_path: Path) -> None:
    network = SpectrogramNetSimple(_OF_BAG, TINY).eval()
    state = network.state_dict()
    name = next(iter(state))
    network.register_buffer("twin", state[name])
    save_bundle(network, tmp_path, architecture="spectrogram_net_simple", config=TINY)
    saved = load_file(tmp_path / "weights.safetensors")
    assert set(saved) == {*state, "twin"}
    assert torch.equal(saved["twin"], saved[name])
