"""TFC-TDF v3: keys and output of its home, what hand-made weights let through, silence, lengths, and that it learns."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import jaxtyping
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from auralflow.config import from_yaml
from auralflow.dsp.stft import STFTConfig, istft, stft
from auralflow.errors import ConfigError, ShapeError
from auralflow.models.tfc_tdf import SPEC, TFCTDF, TINY, TFCTDFConfig
from auralflow.spec import ModelSpec

DATA = Path(__file__).parents[2] / "data"
SMALL_SPEC = ModelSpec(("vocals", "rest"), sample_rate=8000, channels=2, segment_samples=8000)


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _build(config: TFCTDFConfig = TINY, spec: ModelSpec = SMALL_SPEC) -> TFCTDF:
    torch.manual_seed(0)
    return TFCTDF(spec, config).double().eval()


def _meta(config: TFCTDFConfig) -> TFCTDF:
    with torch.device("meta"):
        return TFCTDF(SPEC, config)


def test_keys_and_shapes_are_those_of_public_weights() -> None:
    lines = (DATA / "keys" / "tfc_tdf.txt").read_text().splitlines()
    ours = [f"{key} {' '.join(map(str, tensor.shape))}" for key, tensor in _meta(TFCTDFConfig()).state_dict().items()]
    assert len(ours) == 319
    assert sorted(ours) == sorted(lines)


def test_size_is_that_of_the_docstring() -> None:
    assert sum(p.numel() for p in _meta(TFCTDFConfig()).parameters()) == 111_994_368


def test_default_segment_needs_no_padding() -> None:
    config = TFCTDFConfig()
    assert config.padded_samples(SPEC.segment_samples) == SPEC.segment_samples
    assert config.stft.n_frames(SPEC.segment_samples) == 256


def test_agrees_with_the_code_of_its_authors() -> None:
    """github.com/kuielab/sdx23 at 79fbf48, random weights; see tests/data/make_tfc_tdf.py."""
    tensors = load_file(DATA / "tfc_tdf_79fbf48.safetensors")
    config = TFCTDFConfig(
        stft=STFTConfig(n_fft=256, hop_samples=64, edges="reflect"),
        n_freqs=96,
        n_bands=3,
        n_scales=2,
        scale=(1, 2),
        width=6,
        growth=4,
        bottleneck=2,
        activation="elu",
        elu_alpha=0.7,
    )
    model = TFCTDF(ModelSpec(("vocals", "bass", "drums"), 8000, 2, segment_samples=8000), config).eval()
    state = {key.removeprefix("state."): tensor for key, tensor in tensors.items() if key.startswith("state.")}
    model.load_state_dict(state)
    with torch.inference_mode():
        stems = model(tensors["mixture"])
    assert (stems - tensors["estimates"]).abs().max() < 1e-5 * tensors["estimates"].abs().max()


@pytest.mark.parametrize("n_samples", [1, 64, 192, 1000])
def test_weights_made_by_hand_let_through_what_the_network_sees(n_samples: int) -> None:
    """Either sign of the mixture in the last hidden layer, as GELU(x) - GELU(-x) = x: stem k is k times the mixture,
    without the bins above those that the network sees."""
    config = dataclasses.replace(TINY, width=16, n_freqs=120)
    model = _build(config)
    hidden, last = model.final_conv[0].weight, model.final_conv[2].weight
    with torch.no_grad():
        hidden.zero_()
        last.zero_()
        for part in range(8):
            hidden[part, part], hidden[8 + part, part] = 1, -1
            for stem in range(2):
                last[8 * stem + part, part], last[8 * stem + part, 8 + part] = stem + 1, -stem - 1
    mixture = _noise(2, 2, n_samples)
    padded = torch.nn.functional.pad(mixture, (0, config.padded_samples(n_samples) - n_samples))
    spectrogram = stft(padded, config.stft).clone()
    spectrogram[..., 120:, :] = 0
    seen = istft(spectrogram, config.stft, padded.shape[-1])[..., :n_samples]
    torch.testing.assert_close(model(mixture), torch.stack([seen, 2 * seen], dim=1))


def test_stems_are_silent_where_all_sub_bands_are() -> None:
    network, spectrogram = _build().network, _noise(1, 2, 129, 8, 2)
    freqs = [5, 64 + 5]  # the same place in both sub-bands of 64 bins
    spectrogram[:, :, freqs, 3] = 0
    stems = network(spectrogram)
    assert (stems[..., freqs, 3, :] == 0).all()
    assert (stems[..., 128, :, :] == 0).all()
    stems[..., freqs, 3, :] = 1
    assert (stems[..., :128, :, :] != 0).all()


def test_silence_gives_exact_zeros() -> None:
    assert (_build()(torch.zeros(2, 2, 1000, dtype=torch.float64)) == 0).all()


@pytest.mark.parametrize("scale", [(1, 2), (2, 1), (2, 2), (3, 4)])
def test_number_of_frames_goes_down_all_scales_and_covers_the_mixture(scale: tuple[int, int]) -> None:
    config = dataclasses.replace(TINY, scale=scale)
    step, model = scale[0] ** 2, _build(config)
    for n_samples in (0, 1, 63, 64, 65, 192, 193, 1000):
        n_padded = config.padded_samples(n_samples)
        n_frames = config.stft.n_frames(n_padded)
        assert n_frames % step == 0
        assert 0 <= n_padded - n_samples < 64 * step
    for n_samples in (0, 1, 193):
        with torch.inference_mode():
            assert model(_noise(1, 2, n_samples)).shape == (1, 2, 2, n_samples)


@pytest.mark.parametrize("norm", ["instance", "batch", "group", "none"])
@pytest.mark.parametrize("activation", ["gelu", "relu", "elu"])
def test_every_variant_trains_all_its_parameters(norm: str, activation: str) -> None:
    config = dataclasses.replace(TINY, width=8, growth=4, norm=norm, n_groups=2, activation=activation)
    model = _build(config, ModelSpec(("a", "b", "c"), 8000, 1, 8000)).train()
    stems = model(_noise(2, 1, 1500))
    assert stems.shape == (2, 3, 1, 1500)
    stems.square().mean().backward()
    assert all((parameter.grad != 0).any() for parameter in model.parameters())


def test_autocast_gives_float32_near_the_exact_stems(
    half_precision_error: Callable[[nn.Module, Tensor], float],
) -> None:
    model, mixture = _build().float(), _noise(1, 2, 3000).float()
    assert 0 < half_precision_error(model, mixture) < 1e-3


def test_twenty_steps_overfit_a_batch(
    two_tones: Callable[[int, int], Tensor], overfit: Callable[[nn.Module, Tensor, int, float], float]
) -> None:
    torch.manual_seed(0)
    targets = two_tones(1000, 1)
    model = TFCTDF(SMALL_SPEC, TINY)
    assert overfit(model, targets, 20, 0.02) < 0.2


def test_rejects_another_number_of_channels() -> None:
    with pytest.raises(ShapeError, match=r"\(batch, 2, time\), got \(1, 3, 100\)"):
        _build()(_noise(1, 3, 100))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("n_freqs: 4097", "config.n_freqs"),
        ("n_freqs: 8192", "config.n_freqs"),
        ("n_freqs: 4000", "config.n_freqs"),
        ("n_bands: 0", "config.n_bands"),
        ("n_bands: 3", "config.n_freqs"),
        ("n_scales: 0", "config.n_scales"),
        ("scale: [0, 2]", "config.scale"),
        ("n_blocks: 0", "config.n_blocks"),
        ("width: 0", "config.width"),
        ("growth: -1", "config.growth"),
        ("bottleneck: 33", "config.bottleneck"),
        ("{norm: group, n_groups: 3}", "config.n_groups"),
        ("norm: layer", "norm"),
        ("activation: silu", "activation"),
    ],
)
def test_rejects_bad_settings(text: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        from_yaml(TFCTDFConfig, text)


@pytest.fixture
def _without_shape_checks() -> Iterator[None]:
    """pytest puts type checks around every function; they hide our own."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("_without_shape_checks")
def test_rejects_bad_choices_in_python() -> None:
    for name in ("norm", "activation"):
        with pytest.raises(ConfigError, match=rf"config\.{name}: expected one of .* got 'else'"):
            TFCTDFConfig(**{name: "else"})
