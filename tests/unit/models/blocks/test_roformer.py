"""What both RoFormers share: levels, state dict, choice of stems, precision, training."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import jaxtyping
import pytest
import torch
from torch import Tensor, nn

from auralflow.config import from_yaml
from auralflow.dsp.stft import STFTConfig, istft, stft
from auralflow.errors import ConfigError, ShapeError, UnknownNameError
from auralflow.models import bs_roformer, mel_band_roformer
from auralflow.models.blocks.roformer import Roformer, RoformerConfig
from auralflow.models.bs_roformer import BSRoformer, BSRoformerConfig
from auralflow.models.mel_band_roformer import MelBandRoformer
from auralflow.pretrained.bundle import load_bundle, save_bundle
from auralflow.spec import ModelSpec

SPEC = ModelSpec(("vocals", "drums", "rest"), sample_rate=16000, channels=2, segment_samples=16000)
BOTH = pytest.mark.parametrize(("model_class", "config"), [
    (BSRoformer, bs_roformer.TINY),
    (MelBandRoformer, mel_band_roformer.TINY),
])  # fmt: skip


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _build(model_class: type[Roformer], config: RoformerConfig, spec: ModelSpec = SPEC) -> Roformer:
    torch.manual_seed(0)
    return model_class(spec, config).double().eval()


@pytest.fixture
def _without_shape_checks() -> Iterator[None]:
    """pytest puts type checks around every function; torch.compile cannot trace them."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@BOTH
def test_masks_are_blind_to_the_level(model_class: type[Roformer], config: RoformerConfig) -> None:
    """So a scaled STFT (public `stft_normalized`) changes nothing."""
    model, mixture = _build(model_class, config), _noise(2, 2, 1500)
    quiet, loud = model.estimate(1e-5 * mixture), model.estimate(mixture)
    torch.testing.assert_close(quiet.masks, loud.masks, rtol=0, atol=1e-9)
    torch.testing.assert_close(1e5 * quiet.stems, loud.stems, rtol=0, atol=1e-9)


@BOTH
def test_untrained_stems_add_up_to_about_the_mixture(model_class: type[Roformer], config: RoformerConfig) -> None:
    mixture = _noise(1, 2, 4000)
    residual = mixture - _build(model_class, config)(mixture).sum(1)
    assert residual.square().mean() < 0.5 * mixture.square().mean()


@BOTH
def test_stems_are_the_mixture_times_complex_masks(model_class: type[Roformer], config: RoformerConfig) -> None:
    model, mixture = _build(model_class, config), _noise(1, 2, 1500)
    for layer in (layer for estimator in model.mask_estimators for layer in estimator.to_freqs):
        last = layer[0][-1]
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.zeros_(last.bias)
        last.bias.data[1 : len(last.bias) // 2 : 2] = 2.0  # the imaginary part, and gates of 1/2
    estimate = model.estimate(mixture)
    torch.testing.assert_close(estimate.masks, torch.full_like(estimate.masks, 1j))
    expected = istft(1j * stft(mixture, config.stft), config.stft, 1500)
    torch.testing.assert_close(estimate.stems, expected.unsqueeze(1).expand(1, 3, 2, 1500))


@BOTH
def test_parts_stand_at_the_root_and_nowhere_else(model_class: type[Roformer], config: RoformerConfig) -> None:
    model = _build(model_class, config)
    assert {key.split(".")[0] for key in model.state_dict()} <= {
        "band_split",
        "layers",
        "final_norm",
        "mask_estimators",
    }
    assert len(list(model.parameters())) == len(list(model.network.parameters()))
    other = copy.deepcopy(model).float()
    assert all(a is b for a, b in zip(other.parameters(), other.network.parameters(), strict=True))
    assert next(other.network.parameters()).dtype == torch.float32
    assert next(model.parameters()).dtype == torch.float64


@BOTH
def test_becomes_a_bundle(model_class: type[Roformer], config: RoformerConfig, tmp_path: Path) -> None:
    model = _build(model_class, config).float()
    name = model_class.__module__.rpartition(".")[2]
    save_bundle(model, tmp_path, architecture=name, config=config)
    mixture = _noise(1, 2, 700).float()
    assert torch.equal(load_bundle(tmp_path)(mixture), model(mixture))


@BOTH
def test_masks_of_other_stems_are_not_computed(model_class: type[Roformer], config: RoformerConfig) -> None:
    model, mixture = _build(model_class, config), _noise(1, 2, 700)
    computed: list[int] = []
    for stem, estimator in enumerate(model.mask_estimators):
        estimator.register_forward_hook(lambda *_, stem=stem: computed.append(stem))
    part = model.select(("rest", "vocals"))
    stems = part(mixture)
    assert computed == [2, 0]
    assert part.select(("vocals",)).spec.stems == ("vocals",)
    assert torch.equal(part.select(("vocals",))(mixture)[:, 0], stems[:, 1])
    assert model(mixture).shape[1] == len(model.spec.stems) == 3
    with pytest.raises(UnknownNameError, match="drum"):
        part.select(("drums",))


@BOTH
def test_is_built_without_memory_and_takes_its_weights_then(
    model_class: type[Roformer], config: RoformerConfig
) -> None:
    model = _build(model_class, config).float()
    with torch.device("meta"):
        empty = model_class(SPEC, config).eval()
    assert all(parameter.is_meta for parameter in empty.parameters())
    empty.load_state_dict(model.state_dict(), assign=True)
    mixture = _noise(1, 2, 700).float()
    assert torch.equal(empty(mixture), model(mixture))


@BOTH
def test_autocast_gives_float32_near_the_exact_stems(
    model_class: type[Roformer], config: RoformerConfig, half_precision_error: Callable[[nn.Module, Tensor], float]
) -> None:
    model, mixture = _build(model_class, config).float(), _noise(1, 2, 2000).float()
    assert 0 < half_precision_error(model, mixture) < 1e-3


@pytest.mark.slow
@pytest.mark.usefixtures("_without_shape_checks")
def test_is_one_graph_for_any_length() -> None:
    model = _build(MelBandRoformer, dataclasses.replace(mel_band_roformer.TINY, depth=1, n_bands=3))
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    for n_samples in (900, 1301):
        mixture = _noise(1, 2, n_samples)
        torch.testing.assert_close(compiled(mixture), model(mixture))


@BOTH
@pytest.mark.parametrize("channels", [1, 3])
def test_every_variant_trains_all_its_parameters(
    model_class: type[Roformer], config: RoformerConfig, channels: int
) -> None:
    variant = dataclasses.replace(
        config, time_depth=2, freq_depth=2, has_skips=channels == 3, n_mask_layers=channels, dropout=0.1
    )
    model = _build(model_class, variant, dataclasses.replace(SPEC, channels=channels)).train()
    stems = model(_noise(2, channels, 3000))
    assert stems.shape == (2, 3, channels, 3000)
    stems.square().mean().backward()
    assert all((parameter.grad != 0).any() for parameter in model.parameters())


@BOTH
def test_twenty_steps_overfit_a_batch(
    model_class: type[Roformer], config: RoformerConfig, overfit: Callable[[nn.Module, Tensor, int, float], float]
) -> None:
    torch.manual_seed(0)
    time = torch.arange(2000) / 16000
    targets = torch.stack([torch.sin(6.28 * 440 * time), torch.sin(6.28 * 3000 * time), 0.3 * torch.randn(2000)])
    targets = targets.reshape(1, 3, 1, -1).expand(2, 3, 2, -1)
    model = _build(model_class, config).float().train()
    assert overfit(model, targets, 20, 0.01) < 0.1


@BOTH
def test_rejects_another_number_of_channels(model_class: type[Roformer], config: RoformerConfig) -> None:
    with pytest.raises(ShapeError, match=r"\(batch, 2, time\), got \(1, 3, 100\)"):
        _build(model_class, config)(_noise(1, 3, 100))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("width: 0", "config.width"),
        ("depth: 0", "config.depth"),
        ("time_depth: 0", "config.time_depth"),
        ("freq_depth: -1", "config.freq_depth"),
        ("n_heads: 0", "config.n_heads"),
        ("head_width: 3", "config.head_width"),
        ("mask_expansion: 0", "config.mask_expansion"),
        ("attention_dropout: 1.0", "config.attention_dropout"),
        ("dropout: -0.1", "config.dropout"),
        ("linear_transformer_depth: 1", "linear_transformer_depth"),
    ],
)
def test_rejects_bad_settings(text: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        from_yaml(BSRoformerConfig, text)


def test_frames_are_those_of_torch() -> None:
    assert BSRoformerConfig().stft == STFTConfig(2048, 441, edges="reflect")
