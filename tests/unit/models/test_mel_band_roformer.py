"""The mel-band RoFormer: its bands and its size. What it shares with the other is in blocks/test_roformer.py."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from auralflow.config import from_yaml
from auralflow.errors import ConfigError
from auralflow.models.mel_band_roformer import SPEC, TINY, MelBandRoformer, MelBandRoformerConfig, list_mel_bands

WIDTHS = [
    7, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 7, 7, 7, 9, 9, 9, 10, 10, 11, 13, 13, 13, 15, 16, 17, 19, 20, 20, 22,
    24, 26, 28, 29, 31, 33, 36, 39, 41, 44, 47, 50, 54, 57, 61, 66, 71, 76, 80, 86, 93, 99, 105, 113, 122, 130,
]  # fmt: skip


def test_default_size_is_that_of_the_docstring() -> None:
    with torch.device("meta"):
        model = MelBandRoformer(SPEC, MelBandRoformerConfig())
    assert sum(parameter.numel() for parameter in model.parameters()) == 228_202_788


def _slaney_hz(mel: float) -> float:
    return mel * 200 / 3 if mel < 15 else 1000 * math.exp((mel - 15) * math.log(6.4) / 27)


@pytest.mark.parametrize(("n_bands", "n_fft", "sample_rate"), [(60, 2048, 44100), (6, 512, 44100), (30, 1024, 16000)])
def test_bands_are_the_open_triangles(n_bands: int, n_fft: int, sample_rate: int) -> None:
    top = 15 + 27 * math.log(sample_rate / 2000) / math.log(6.4)
    edges = [_slaney_hz(top * k / (n_bands + 1)) for k in range(n_bands + 2)]
    bins_hz = [freq * sample_rate / n_fft for freq in range(n_fft // 2 + 1)]
    expected = [
        [freq for freq, hz in enumerate(bins_hz) if edges[k] + 1e-6 < hz < edges[k + 2] - 1e-6] for k in range(n_bands)
    ]
    expected[0] = [0, *expected[0]]
    expected[-1] = [*expected[-1], n_fft // 2]
    assert list_mel_bands(n_bands, n_fft, sample_rate) == expected


def test_band_widths_of_public_checkpoints() -> None:
    """Those that librosa 0.11 gives, as the published code counts them."""
    assert [len(band) for band in list_mel_bands(60, 2048, 44100)] == WIDTHS


def test_bins_in_two_bands_have_the_mean_of_their_masks() -> None:
    """One band says 3, all others 1: bins that are in it and in another one have 2."""
    torch.manual_seed(0)
    model = MelBandRoformer(SPEC, TINY).double()
    bands = list_mel_bands(6, 512, 44100)
    for band, layer in enumerate(model.mask_estimators[0].to_freqs):
        torch.nn.init.zeros_(layer[0][-1].weight)
        torch.nn.init.zeros_(layer[0][-1].bias)
        layer[0][-1].bias.data[: 4 * len(bands[band]) : 2] = 6.0 if band == 2 else 2.0
    mixture = torch.randn(1, 2, 1000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    masks = model.estimate(mixture).masks
    for freq in range(257):
        homes = [band for band in range(6) if freq in bands[band]]
        expected = sum(3 if band == 2 else 1 for band in homes) / len(homes)
        torch.testing.assert_close(masks[:, :, :, freq], torch.full_like(masks[:, :, :, freq], expected))


@pytest.mark.parametrize("text", ["n_bands: 0", "n_mask_layers: 0"])
def test_rejects_bad_settings(text: str) -> None:
    with pytest.raises(ConfigError, match=rf"config\.{text[:-3]}"):
        from_yaml(MelBandRoformerConfig, text)


def test_rejects_bands_narrower_than_a_bin() -> None:
    with pytest.raises(ConfigError, match=r"config\.n_bands: expected so few .* got 200"):
        MelBandRoformer(SPEC, dataclasses.replace(TINY, n_bands=200))
