"""What a run begins with: seeded, taken over, frozen, or with adapters that vanish into the weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from auralflow.config import to_dict
from auralflow.errors import ConfigError
from auralflow.models import spectrogram_net_simple as simple
from auralflow.pretrained.bundle import BundleDescription, build_described, save_bundle
from auralflow.training.config import FineTuneConfig, LoraConfig
from auralflow.training.start import build_model, merge_adapters

HERE = Path()


@pytest.fixture
def description() -> BundleDescription:
    spec = dataclasses.replace(simple.SPEC, sample_rate=8000, channels=1, segment_samples=4000, context_samples=0)
    return BundleDescription(1, "spectrogram_net_simple", spec, to_dict(simple.TINY))


@pytest.fixture
def bundle(description: BundleDescription, tmp_path: Path) -> str:
    torch.manual_seed(99)
    model = build_described(HERE, description)
    save_bundle(model, tmp_path / "bundle", architecture=description.architecture, config=description.config)
    return str(tmp_path / "bundle")


def _state(description: BundleDescription, seed: int = 0, **options: object) -> dict[str, torch.Tensor]:
    model = build_model(HERE, description, seed, FineTuneConfig(**options)).model  # type: ignore[arg-type]
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def test_the_seed_makes_the_weights(description: BundleDescription) -> None:
    one, again, other = _state(description), _state(description), _state(description, seed=1)
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_weights_are_taken_over(description: BundleDescription, bundle: str) -> None:
    from auralflow.pretrained.load import load_model

    source = load_model(bundle).state_dict()
    assert all(torch.equal(tensor, source[name]) for name, tensor in _state(description, source=bundle).items())


def test_with_other_stems_the_head_begins_anew(description: BundleDescription, bundle: str) -> None:
    spec = dataclasses.replace(description.spec, stems=("piano",))
    start = build_model(HERE, dataclasses.replace(description, spec=spec), 0, FineTuneConfig(source=bundle))
    assert "begin anew" in start.lines[0]
    estimate = start.model.eval()(torch.randn(1, 1, 4000))
    assert estimate.shape == (1, 1, 1, 4000)


def test_another_architecture_has_nothing_in_common(bundle: str) -> None:
    from auralflow.models import conv_tasnet

    spec = dataclasses.replace(conv_tasnet.SPEC, sample_rate=8000, segment_samples=4000, context_samples=0)
    other = BundleDescription(1, "conv_tasnet", spec, to_dict(conv_tasnet.TINY))
    with pytest.raises(ConfigError, match="no tensor of SpectrogramNetSimple fits ConvTasNet"):
        build_model(HERE, other, 0, FineTuneConfig(source=bundle))


def test_frozen_parameters_want_no_gradient(description: BundleDescription) -> None:
    model = build_model(HERE, description, 0, FineTuneConfig(freeze=("network.*",))).model
    wanted = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert wanted
    assert not any(name.startswith("network.") for name in wanted)


@pytest.mark.parametrize(
    ("patterns", "message"), [(("netwrk.*",), "no parameter is called"), (("*",), "leaves nothing to train")]
)
def test_freezing_nothing_or_everything_is_refused(
    description: BundleDescription, patterns: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        build_model(HERE, description, 0, FineTuneConfig(freeze=patterns))


def test_a_model_without_parameters_is_refused() -> None:
    from auralflow.models import repet_sim

    description = BundleDescription(1, "repet_sim", repet_sim.SPEC, to_dict(repet_sim.RepetSimConfig()))
    with pytest.raises(ConfigError, match="no parameters"):
        build_model(HERE, description, 0, FineTuneConfig())


def test_adapters_train_alone_and_merge_exactly(description: BundleDescription, bundle: str) -> None:
    options = FineTuneConfig(source=bundle, lora=LoraConfig(rank=2))
    model = build_model(HERE, description, 0, options).model
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert trained
    assert all("lora_" in name for name in trained)
    with torch.no_grad():
        for parameter in trained.values():
            parameter.normal_(std=0.3)
    mixture = torch.randn(1, 1, 4000)
    adapted = model.eval()(mixture)
    plain = build_described(HERE, description).eval()
    plain.load_state_dict(merge_adapters(model))
    torch.testing.assert_close(plain(mixture), adapted, rtol=1e-4, atol=1e-5)
    untouched = build_model(HERE, description, 0, FineTuneConfig(source=bundle)).model.eval()
    assert (untouched(mixture) - adapted).abs().max() > 1e-3


def test_adapters_need_a_source_and_layers(description: BundleDescription, bundle: str) -> None:
    with pytest.raises(ConfigError, match=r"lora: adapts a trained model"):
        build_model(HERE, description, 0, FineTuneConfig(lora=LoraConfig()))
    with pytest.raises(ConfigError, match=r"no linear or convolution layer"):
        build_model(HERE, description, 0, FineTuneConfig(source=bundle, lora=LoraConfig(layers=("nothing",))))
