"""SCNet: keys and output of its home, what hand-made weights let through, level, lengths, and that it learns."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from auralflow.config import from_yaml
from auralflow.dsp.stft import STFTConfig, stft
from auralflow.errors import ConfigError, ShapeError
from auralflow.models.scnet import SPEC, TINY, SCNet, SCNetConfig
from auralflow.spec import ModelSpec

DATA = Path(__file__).parents[2] / "data"
SMALL_SPEC = ModelSpec(("vocals", "rest"), sample_rate=8000, channels=2, segment_samples=8000)
PUBLIC_SPEC = dataclasses.replace(SPEC, stems=("drums", "bass", "other", "vocals"))
LARGE = SCNetConfig(widths=(64, 128, 256), band_shares=(0.225, 0.372, 0.403))


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _build(config: SCNetConfig = TINY, spec: ModelSpec = SMALL_SPEC) -> SCNet:
    torch.manual_seed(0)
    return SCNet(spec, config).double().eval()


def _meta(config: SCNetConfig) -> SCNet:
    with torch.device("meta"):
        return SCNet(PUBLIC_SPEC, config)


def test_keys_and_shapes_are_those_of_public_weights() -> None:
    lines = (DATA / "keys" / "scnet.txt").read_text().splitlines()
    ours = [f"{key} {' '.join(map(str, tensor.shape))}" for key, tensor in _meta(SCNetConfig()).state_dict().items()]
    assert len(ours) == 372
    assert sorted(ours) == sorted(lines)


def test_sizes_are_those_of_the_docstring() -> None:
    """Those of the authors' code, a little above what the paper says: 10.08 and 41.2 million."""
    small, large = (sum(p.numel() for p in _meta(config).parameters()) for config in (SCNetConfig(), LARGE))
    assert (small, large) == (10_578_768, 42_181_232)
    assert (small, large) == (pytest.approx(10.08e6, rel=0.05), pytest.approx(41.2e6, rel=0.03))


def test_agrees_with_the_code_of_its_authors() -> None:
    """github.com/starrytong/SCNet at 7393986, random weights; see tests/data/make_scnet.py."""
    tensors = load_file(DATA / "scnet_7393986.safetensors")
    config = SCNetConfig(
        stft=STFTConfig(n_fft=256, hop_samples=64, window="rectangle", edges="reflect"),
        widths=(8, 6),
        band_shares=(0.2, 0.3, 0.5),
        band_strides=(1, 2, 4),
        band_kernels=(3, 2, 4),
        conv_depths=(2, 1, 1),
        n_dual_paths=2,
        expansion=2,
    )
    model = SCNet(ModelSpec(("drums", "bass", "other"), 8000, 2, segment_samples=8000), config).eval()
    state = {key.removeprefix("state."): tensor for key, tensor in tensors.items() if key.startswith("state.")}
    model.load_state_dict(state)
    mixture, whole, beginning = (tensors[name] for name in ("mixture", "whole", "beginning"))
    for expected in (whole, beginning):
        with torch.inference_mode():
            stems = model(mixture[..., : expected.shape[-1]])
        assert (stems - expected).abs().max() < 1e-5 * expected.abs().max()


def test_spectrogram_is_that_of_torch_without_a_window() -> None:
    mixture, config = _noise(2, 1024), TINY.stft
    expected = torch.stft(
        mixture, config.n_fft, config.hop_samples, window=torch.ones(config.n_fft).double(), return_complex=True
    )
    torch.testing.assert_close(stft(mixture, config), expected)


@torch.no_grad()
def _pass_through(config: SCNetConfig) -> SCNet:
    """Weights under which nothing but the skip of the top level speaks: stem k is k times what comes in.

    There every bin has two features, with either sign, for GELU(x) - GELU(-x) = x. In the fusion the gate is open.
    """
    model = _build(config)
    for parameter in model.parameters():
        parameter.zero_()
    down, (fusion, up) = model.encoder[0].SDlayer, model.decoder[-1]
    width, n_parts = config.widths[0], 2 * SMALL_SPEC.channels
    for squeeze, spread, stride, kernel in zip(
        down.convs, up.convtrs, config.band_strides, config.band_kernels, strict=True
    ):
        taps = range((kernel - stride) // 2, (kernel - stride) // 2 + stride)
        places = [(part, tap) for part in range(n_parts) for tap in taps]
        for number, (part, tap) in enumerate(places):
            for sign, feature in ((1, 2 * number), (-1, 2 * number + 1)):
                squeeze.weight[feature, part, tap] = sign
                for stem in range(2):
                    spread.weight[feature, stem * n_parts + part, tap] = sign * (stem + 1)
    for feature in range(width):
        fusion.conv.weight[feature, feature, 1, 1] = 1
    fusion.conv.bias[width:] = 50
    return model


@pytest.mark.parametrize("n_samples", [1, 63, 64, 65, 1000])
def test_weights_made_by_hand_let_everything_through(n_samples: int) -> None:
    model = _pass_through(dataclasses.replace(TINY, widths=(64, 5), normalise=False, is_unitary=False))
    mixture = _noise(2, 2, n_samples)
    torch.testing.assert_close(model(mixture), torch.stack([mixture, 2 * mixture], dim=1))


def test_normalisation_is_undone() -> None:
    """Up to what is added to the deviation, for each item of its own level."""
    model = _pass_through(dataclasses.replace(TINY, widths=(64, 5)))
    mixture = _noise(2, 2, 1000) + 0.3
    mixture[1] *= 0.1
    torch.testing.assert_close(model(mixture)[:, 0], mixture, rtol=0, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("gain", [1e-2, 100.0])
def test_stems_follow_the_level_of_the_mixture(gain: float) -> None:
    mixture, model = _noise(2, 2, 1000), _build()
    stems = model(mixture)
    torch.testing.assert_close(model(gain * mixture) / gain, stems, rtol=0, atol=5e-3 * float(stems.abs().max()))
    loud = _build(dataclasses.replace(TINY, normalise=False))
    assert (loud(gain * mixture) / gain - loud(mixture)).abs().max() > 0.01 * loud(mixture).abs().max()


def test_silence_gives_exact_zeros_beside_sound() -> None:
    mixture = _noise(2, 2, 1000)
    mixture[0] = 0
    stems = _build()(mixture)
    assert (stems[0] == 0).all()
    assert (stems[1] != 0).any()


@torch.no_grad()
def test_scale_of_the_spectrogram_matters_without_normalisation_only() -> None:
    mixture = _noise(1, 2, 1000)

    def change(normalise: bool) -> float:
        one, other = (
            _build(dataclasses.replace(TINY, normalise=normalise, is_unitary=is_unitary))(mixture)
            for is_unitary in (True, False)
        )
        return float((one - other).abs().max() / one.abs().max())

    assert change(normalise=True) < 1e-4
    assert change(normalise=False) > 0.01


def test_number_of_frames_is_even_and_covers_the_mixture() -> None:
    config = SCNetConfig()
    for n_samples in range(0, 20000, 511):
        n_padded = config.padded_samples(n_samples)
        assert n_samples < n_padded <= n_samples + 2 * 1024
        assert config.stft.n_frames(n_padded) % 2 == 0


def test_a_part_of_the_bands_may_have_no_convolutions() -> None:
    config = dataclasses.replace(
        TINY, band_shares=(0.4, 0.6), band_strides=(1, 3), band_kernels=(1, 4), conv_depths=(0, 1), n_dual_paths=0
    )
    assert _build(config)(_noise(1, 2, 500)).shape == (1, 2, 2, 500)


def test_autocast_gives_float32_near_the_exact_stems(
    half_precision_error: Callable[[nn.Module, Tensor], float],
) -> None:
    model, mixture = _build(dataclasses.replace(TINY, n_dual_paths=0)).float(), _noise(1, 2, 3000).float()
    assert 0 < half_precision_error(model, mixture) < 1e-3


def test_twenty_steps_overfit_a_batch(
    two_tones: Callable[[int, int], Tensor], overfit: Callable[[nn.Module, Tensor, int, float], float]
) -> None:
    torch.manual_seed(0)
    targets = two_tones(1000, 1)
    model = SCNet(SMALL_SPEC, TINY)
    assert overfit(model, targets, 20, 0.02) < 0.1


def test_rejects_another_number_of_channels() -> None:
    with pytest.raises(ShapeError, match=r"\(batch, 2, time\), got \(1, 3, 100\)"):
        _build()(_noise(1, 3, 100))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("widths: []", "config.widths"),
        ("widths: [8, 0]", "config.widths"),
        ("band_shares: [0.2, 0.3, 0.4]", "config.band_shares"),
        ("band_shares: [0.5, 0.6, -0.1]", "config.band_shares"),
        ("band_strides: [1, 4]", "config.band_strides"),
        ("band_strides: [0, 4, 16]", "config.band_strides"),
        ("band_kernels: [3, 4, 15]", "config.band_kernels"),
        ("conv_depths: [3, 2, -1]", "config.conv_depths"),
        ("compression: 0", "config.compression"),
        ("compression: 33", "config.compression"),
        ("conv_kernel: 2", "config.conv_kernel"),
        ("n_dual_paths: 5", "config.n_dual_paths"),
        ("expansion: 0", "config.expansion"),
    ],
)
def test_rejects_bad_settings(text: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        from_yaml(SCNetConfig, text)


def test_rejects_levels_that_leave_a_band_without_bins() -> None:
    short = STFTConfig(n_fft=8, hop_samples=2, window="rectangle", edges="reflect")
    with pytest.raises(ConfigError, match=r"config\.band_shares: .* at level \d; expected fewer widths"):
        dataclasses.replace(TINY, stft=short, band_shares=(0.1, 0.1, 0.8), widths=(8, 8, 8, 8))
