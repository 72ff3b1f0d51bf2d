"""Bands to features and back: who hears what, and the mean where bands overlap."""

from __future__ import annotations

import pytest
import torch

from auralflow.errors import ConfigError
from auralflow.models.blocks.band_split import BandFeatures, BandLayout, BandMasks

OVERLAPPING = [[0, 1, 2], [2, 3], [3, 4, 5], [6]]


def _noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("bands", [OVERLAPPING, [[0, 1], [2, 3, 4, 5, 6]], [[0, 2, 4, 6], [1, 3, 5, 6]]])
def test_what_all_bands_agree_on_comes_back_exactly(bands: list[list[int]]) -> None:
    layout, spectrum = BandLayout(bands), _noise(2, 7, 3)
    spread = layout.spread(spectrum, dim=1)
    assert torch.equal(spread, spectrum[:, [freq for band in bands for freq in band]])
    assert torch.equal(layout.merge(spread, dim=1), spectrum)
    assert layout.widths == tuple(map(len, bands))


def test_bands_that_disagree_are_averaged() -> None:
    merged = BandLayout(OVERLAPPING).merge(torch.tensor([1.0, 2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0]), dim=0)
    assert merged.tolist() == [1.0, 2.0, 4.0, 9.0, 13.0, 17.0, 19.0]


def test_averages_are_those_of_a_scatter() -> None:
    layout, values = BandLayout(OVERLAPPING), _noise(9, 4)
    summed = torch.zeros(7, 4, dtype=torch.float64).index_add(0, layout.bins, values)
    torch.testing.assert_close(layout.merge(values, dim=0), summed / layout.bins.bincount().unsqueeze(1))


def test_layout_has_no_state_and_its_numbers_on_a_meta_device_too() -> None:
    with torch.device("meta"):
        layout = BandLayout(OVERLAPPING)
    assert not layout.state_dict()
    assert layout.bins.tolist() == [0, 1, 2, 2, 3, 3, 4, 5, 6]


@pytest.mark.parametrize("bands", [[], [[]], [[0, 1], []], [[0], [2]], [[0, 1], [1], [1, 2]]])
def test_rejects_bands_without_bins_and_bins_without_bands(bands: list[list[int]]) -> None:
    with pytest.raises(ConfigError, match="bands"):
        BandLayout(bands)


def test_features_of_a_band_hear_that_band_and_not_its_level() -> None:
    torch.manual_seed(0)
    encode, bands = BandFeatures([3, 1, 4], 5).double(), _noise(2, 6, 8)
    features = encode(bands)
    assert features.shape == (2, 6, 3, 5)
    louder = bands.clone()
    louder[..., 4:] *= 1e-3
    torch.testing.assert_close(encode(louder), features)
    louder[..., 4] *= 2
    changed = (encode(louder) - features).abs().amax(dim=(0, 1, 3))
    assert (changed[:2] < 1e-12).all()
    assert changed[2] > 1e-3


def test_masks_of_a_band_come_from_its_features() -> None:
    torch.manual_seed(0)
    decide, features = BandMasks([2, 4, 2], 5, 7, 2).double(), _noise(2, 6, 3, 5)
    masks = decide(features)
    assert masks.shape == (2, 6, 8)
    features[:, :, 1] += 1
    changed = (decide(features) - masks).abs().amax(dim=(0, 1))
    assert (changed[[0, 1, 6, 7]] == 0).all()
    assert (changed[2:6] > 1e-3).all()


@pytest.mark.parametrize("n_layers", [1, 2, 3])
def test_masks_are_the_formula(n_layers: int) -> None:
    torch.manual_seed(0)
    decide, features = BandMasks([4], 5, 7, n_layers).double(), _noise(1, 6, 1, 5)
    hidden = features[:, :, 0]
    for layer in range(n_layers):
        hidden = hidden.tanh() if layer else hidden
        hidden = hidden @ decide.to_freqs[0][0][2 * layer].weight.T + decide.to_freqs[0][0][2 * layer].bias
    torch.testing.assert_close(decide(features), hidden[..., :4] * hidden[..., 4:].sigmoid())
    assert len(decide.to_freqs[0][0]) == 2 * n_layers - 1


def test_untrained_masks_are_near_a_real_gain() -> None:
    torch.manual_seed(0)
    masks = BandMasks([400], 32, 64, 2, gain=0.25)(torch.randn(1, 50, 1, 32))
    assert masks[..., 0::2].mean().item() == pytest.approx(0.25, abs=0.02)
    assert masks[..., 1::2].mean().item() == pytest.approx(0, abs=0.02)
