"""The band-split RNN: its bands, its level, masks at the start, which way each layer looks, and that it learns."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from auralflow.config import from_yaml, to_yaml
from auralflow.dsp.stft import STFTConfig, istft
from auralflow.errors import ConfigError, ShapeError
from auralflow.models.band_split_rnn import SPEC, TINY, BandSplitRNN, BandSplitRNNConfig
from auralflow.models.blocks.band_recurrence import BandRecurrence, Cell, CompressedBands, JointBandMasks, cut_bands
from auralflow.spec import ModelSpec

SMALL_SPEC = ModelSpec(("vocals", "rest"), sample_rate=8000, channels=2, segment_samples=8000)
VARIANTS: list[dict[str, Any]] = [
    {},
    {"mask": "real"},
    {"share_channels": True, "cell": "gru"},
    {"mask": "real", "share_channels": True, "has_phase": False},
]


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _build(spec: ModelSpec = SMALL_SPEC, **changes: Any) -> BandSplitRNN:
    torch.manual_seed(0)
    return BandSplitRNN(spec, dataclasses.replace(TINY, **changes)).double().eval()


def _count(**changes: Any) -> int:
    with torch.device("meta"):
        model = BandSplitRNN(SPEC, BandSplitRNNConfig(**changes))
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("n_fft", [64, 256, 512, 2048, 4096, 6144])
@pytest.mark.parametrize("n_bands", [1, 2, 7, 30, 33])
def test_every_bin_is_in_one_band(n_fft: int, n_bands: int) -> None:
    config = BandSplitRNNConfig(STFTConfig(n_fft, n_fft // 4), n_bands=n_bands)
    widths = config.find_bands(44100)
    assert len(widths) == n_bands
    assert min(widths) >= 1
    assert sum(widths) == n_fft // 2 + 1


@pytest.mark.parametrize("n_fft", [2048, 4096])
def test_bands_are_equally_wide_on_the_mel_scale(n_fft: int) -> None:
    widths = torch.tensor(BandSplitRNNConfig(STFTConfig(n_fft, 512)).find_bands(44100))
    edges_hz = torch.cat([torch.zeros(1), widths.cumsum(0)]) * 22050 / (n_fft // 2 + 1)
    steps = (1 + edges_hz.double() / 700).log().diff()
    half_a_bin = 22050 / n_fft / (700 + edges_hz[:-1])
    assert ((steps - steps.mean()).abs() < 2 * half_a_bin + 1e-9).all()
    assert all(low <= high + 1 for low, high in pairwise(widths.tolist()))


def test_a_band_for_each_bin_or_all_bins_in_one() -> None:
    assert cut_bands(5, 5, 4000.0) == (1,) * 5
    assert cut_bands(5, 1, 4000.0) == (5,)
    for n_bands in (0, 6):
        with pytest.raises(ConfigError, match=r"n_bands: expected 1 to 5"):
            cut_bands(5, n_bands, 4000.0)


def test_given_bands_go_before() -> None:
    model = _build(band_widths=(7, 50, 200))
    assert model.config.find_bands(8000) == (7, 50, 200)
    assert model(_noise(1, 2, 1000)).shape == (1, 2, 2, 1000)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("width: 0", "config.width"),
        ("n_layers: 0", "config.n_layers"),
        ("n_hidden: -1", "config.n_hidden"),
        ("mask_expansion: 0", "config.mask_expansion"),
        ("n_bands: 0", "config.n_bands"),
        ("n_bands: 1026", "config.n_bands"),
        ("band_widths: [1024]", "config.band_widths"),
        ("band_widths: [1026, -1]", "config.band_widths"),
        ("cell: rnn", "cell"),
        ("mask: imaginary", "mask"),
    ],
)
def test_rejects_what_cannot_be(text: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        from_yaml(BandSplitRNNConfig, text)


def test_bands_survive_a_file() -> None:
    config = dataclasses.replace(TINY, band_widths=(7, 50, 200))
    assert from_yaml(BandSplitRNNConfig, to_yaml(config)) == config


def test_rejects_other_channels() -> None:
    with pytest.raises(ShapeError):
        _build()(_noise(1, 1, 1000))


def test_sizes_are_those_of_the_docstring() -> None:
    assert (_count(), _count(mask="real", share_channels=True)) == (5_607_200, 1_904_900)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("gain", [1e-4, 30.0])
def test_stems_follow_the_level_and_masks_do_not(variant: dict[str, Any], gain: float) -> None:
    model, mixture = _build(**variant), _noise(2, 2, 5001)
    quiet, loud = model.estimate(mixture), model.estimate(gain * mixture)
    assert quiet.masks is not None
    assert loud.masks is not None
    torch.testing.assert_close(loud.masks, quiet.masks)
    torch.testing.assert_close(loud.stems / gain, quiet.stems)


@pytest.mark.parametrize("variant", VARIANTS)
def test_silence_gives_zeros_and_gradients_that_are_finite(variant: dict[str, Any]) -> None:
    model = _build(**variant).train()
    mixture = torch.zeros(2, 2, 3000, dtype=torch.float64)
    mixture[1, :, 1000:1100] = _noise(2, 100)  # one item is silent, the other here and there
    mixture.requires_grad_()
    stems = model(mixture)
    assert (stems[0] == 0).all()
    stems.abs().sum().backward()
    assert mixture.grad is not None
    assert mixture.grad.isfinite().all()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert (parameter.grad != 0).any(), name


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("n_stems", [1, 2, 4])
def test_masks_begin_near_equal_shares(variant: dict[str, Any], n_stems: int) -> None:
    model = _build(dataclasses.replace(SMALL_SPEC, stems=("a", "b", "c", "d")[:n_stems]), **variant)
    masks = model.estimate(_noise(1, 2, 3000)).masks
    assert masks is not None
    share = 0.5 if n_stems == 1 and not masks.is_complex() else 1 / n_stems
    assert (masks - share).abs().max() < 0.3 * share
    assert (masks - share).abs().max() > 0


def test_masks_that_say_one_give_the_mixture_back() -> None:
    """Bands come out where they went in: here each bin's mask is its number."""
    model, mixture = _build(), _noise(1, 2, 3000)
    numbers = torch.arange(257.0).double()
    masks = model.network.masks
    assert isinstance(masks, JointBandMasks)
    with torch.no_grad():
        start = 0
        for layer, width in zip(masks.layers, TINY.find_bands(8000), strict=True):
            assert isinstance(layer, nn.Linear)
            layer.weight.zero_()
            values, gates = layer.bias.chunk(2)
            gates.fill_(100.0)
            values.view(2, 2, width, 2)[..., 0] = numbers[start : start + width]
            values.view(2, 2, width, 2)[1, 1] *= -1
            start += width
    stems = model(mixture)
    expected = istft(model.transform(mixture) * numbers.reshape(-1, 1), TINY.stft, 3000)
    torch.testing.assert_close(stems[:, 0], expected)
    torch.testing.assert_close(stems[:, 1, 0], expected[:, 0])
    torch.testing.assert_close(stems[:, 1, 1], -expected[:, 1])


@pytest.mark.parametrize("mask", ["real", "complex"])
def test_shared_masks_keep_the_image(mask: str) -> None:
    """A source that is panned is panned as much in each stem, whichever way it is panned."""
    model, source = _build(mask=mask, share_channels=True), _noise(1, 1, 3000)
    masks = model.estimate(_noise(1, 2, 3000)).masks
    assert masks is not None
    assert torch.equal(masks[:, :, 0], masks[:, :, 1])
    stems = model(torch.cat([source, 0.3 * source], 1))
    torch.testing.assert_close(stems[:, :, 1], 0.3 * stems[:, :, 0])


def test_masks_are_what_the_options_say() -> None:
    mixture = _noise(1, 2, 3000)
    for mask in ("real", "complex"):
        masks = _build(mask=mask).estimate(mixture).masks
        assert masks is not None
        assert masks.is_complex() == (mask == "complex")
        assert (masks[:, :, 0] != masks[:, :, 1]).any()


def test_without_phase_the_network_does_not_hear_it() -> None:
    torch.manual_seed(0)
    pairs = _noise(1, 5, 9, 2, 2)
    turned = torch.view_as_real(torch.view_as_complex(pairs) * torch.exp(torch.tensor(1j)))
    for has_phase in (False, True):
        bands = CompressedBands((4, 5), 2, 6, has_phase=has_phase).double()
        assert torch.allclose(bands(turned), bands(pairs)) != has_phase


def test_channels_that_are_alike_are_heard_as_such() -> None:
    """Amplitude of what differs from the channels' mean: none for a centred sound, all of it for an antiphase one."""
    sound = _noise(1, 3, 4, 1, 2)
    bands = CompressedBands((4,), 2, 4, has_phase=False).double()
    layer = bands.layers[0]
    assert isinstance(layer, nn.Linear)
    with torch.no_grad():
        layer.bias.zero_()
        layer.weight.zero_()
        layer.weight[:, 3::4] = torch.eye(4)
        centred = bands(torch.cat([sound, sound], 3))
        opposite = bands(torch.cat([sound, -sound], 3))
    assert centred.abs().max() < 0.04  # the floor
    assert opposite.abs().min() > 0.2


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_one_layer_looks_along_frames_and_one_along_bands(cell: Cell) -> None:
    torch.manual_seed(0)
    layer = BandRecurrence(6, 4, cell).double()
    features = _noise(2, 5, 7, 6)
    changed = features.clone()
    changed[0, 2, 3] += _noise(6, seed=1)  # a norm would not see a shift

    def differs(silent: nn.Module) -> Tensor:
        with torch.no_grad():
            kept = [parameter.clone() for parameter in silent.parameters()]
            for parameter in silent.parameters():
                parameter.zero_()
            apart: Tensor = (layer(changed) - layer(features)).abs().amax(-1) > 0
            for parameter, value in zip(silent.parameters(), kept, strict=True):
                parameter.copy_(value)
        return apart

    frames, bands = torch.zeros(2, 5, 7, dtype=torch.bool), torch.zeros(2, 5, 7, dtype=torch.bool)
    frames[0, :, 3], bands[0, 2, :] = True, True
    assert torch.equal(differs(layer.along_bands.mix), frames)
    assert torch.equal(differs(layer.along_frames.mix), bands)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("variant", VARIANTS)
def test_any_number_of_channels(channels: int, variant: dict[str, Any]) -> None:
    spec = dataclasses.replace(SMALL_SPEC, channels=channels)
    assert _build(spec, **variant)(_noise(2, channels, 999)).shape == (2, 2, channels, 999)


def test_another_spectrogram_will_do() -> None:
    assert _build(SPEC, stft=STFTConfig(4096, 1024))(_noise(1, 2, 9001)).isfinite().all()


@pytest.mark.parametrize("variant", [VARIANTS[0], VARIANTS[3]])
def test_learns(
    variant: dict[str, Any],
    two_tones: Callable[[int, int], Tensor],
    overfit: Callable[[nn.Module, Tensor, int, float], float],
) -> None:
    model = _build(**variant).float().train()
    assert overfit(model, two_tones(2000, 1), 30, 0.02) < 0.2


def test_half_precision(half_precision_error: Callable[[nn.Module, Tensor], float]) -> None:
    assert half_precision_error(_build().float(), _noise(1, 2, 5001).float()) < 1e-3
