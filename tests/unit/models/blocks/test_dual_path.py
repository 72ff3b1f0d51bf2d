"""Dual paths: what each looks along, and the Fourier transform between them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from auralflow.models.blocks.dual_path import DualPath, DualPathNet, to_frames, to_rates


def _noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@torch.no_grad()
def _build(silent: tuple[int, ...] = ()) -> DualPath:
    """A layer whose paths in `silent` add nothing."""
    torch.manual_seed(0)
    layer = DualPath(6, n_hidden=4).double()
    for path in silent:
        layer.linear_layers[path].weight.zero_()
        layer.linear_layers[path].bias.zero_()
    return layer


def test_paths_that_say_nothing_leave_features_alone() -> None:
    features = _noise(2, 6, 5, 7)
    assert torch.equal(_build(silent=(0, 1))(features), features)


def test_first_path_runs_over_the_bins_of_each_frame() -> None:
    layer, features = _build(silent=(1,)), _noise(2, 6, 5, 7)
    normalised = layer.norm_layers[0](features)
    for frame in range(7):
        seen, _ = layer.lstm_layers[0](normalised[..., frame].transpose(1, 2))
        expected = features[..., frame] + layer.linear_layers[0](seen).transpose(1, 2)
        torch.testing.assert_close(layer(features)[..., frame], expected)


def test_second_path_runs_over_the_frames_of_each_bin() -> None:
    layer, features = _build(silent=(0,)), _noise(2, 6, 5, 7)
    normalised = layer.norm_layers[1](features)
    for freq in range(5):
        seen, _ = layer.lstm_layers[1](normalised[:, :, freq].transpose(1, 2))
        expected = features[:, :, freq] + layer.linear_layers[1](seen).transpose(1, 2)
        torch.testing.assert_close(layer(features)[:, :, freq], expected)


@pytest.mark.parametrize(("silent", "free", "bound"), [((1,), 3, 2), ((0,), 2, 3)])
def test_order_matters_along_its_own_axis_only(silent: tuple[int, ...], free: int, bound: int) -> None:
    layer, features = _build(silent), _noise(2, 6, 5, 7)
    torch.testing.assert_close(layer(features.flip(free)), layer(features).flip(free))
    assert (layer(features.flip(bound)) - layer(features).flip(bound)).abs().max() > 1e-3


@pytest.mark.parametrize("n_frames", [1, 2, 7, 8])
def test_transform_comes_back_and_keeps_energy(n_frames: int) -> None:
    features = _noise(2, 3, 5, n_frames)
    rates = to_rates(features)
    assert rates.shape == (2, 6, 5, n_frames // 2 + 1)
    torch.testing.assert_close(to_frames(rates, n_frames), features)
    # Rates between zero and the highest stand for their mirror images too.
    twice = torch.full((n_frames // 2 + 1,), 2.0, dtype=torch.float64)
    twice[0] = 1
    if n_frames % 2 == 0:
        twice[-1] = 1
    torch.testing.assert_close((twice * rates.square()).sum(), features.square().sum())


def test_a_feature_that_swings_has_one_rate() -> None:
    time = torch.arange(16, dtype=torch.float64)
    swing = torch.sin(2 * math.pi * 3 * time / 16).expand(1, 2, 1, 16)
    rates = to_rates(swing)
    expected = torch.zeros(1, 4, 1, 9, dtype=torch.float64)
    expected[:, 2:, :, 3] = -math.sqrt(16) / 2  # a sine is imaginary
    torch.testing.assert_close(rates, expected)


def test_transform_of_half_precision_is_made_in_float32() -> None:
    features = _noise(1, 2, 3, 8).bfloat16()
    assert to_rates(features).dtype == torch.float32
    torch.testing.assert_close(to_frames(to_rates(features), 8), features.float())


@pytest.mark.parametrize("n_frames", [1, 7, 8])
def test_net_that_says_nothing_leaves_features_alone(n_frames: int) -> None:
    net = DualPathNet(3, n_layers=4).double()
    with torch.no_grad():
        for layer in net.dp_modules:
            for linear in layer.linear_layers:
                linear.weight.zero_()
                linear.bias.zero_()
    features = _noise(2, 3, 5, n_frames)
    torch.testing.assert_close(net(features), features)


def test_every_other_layer_of_a_net_is_twice_as_wide() -> None:
    net = DualPathNet(3, n_layers=4, expansion=2)
    sizes = [(layer.lstm_layers[0].input_size, layer.lstm_layers[1].hidden_size) for layer in net.dp_modules]
    assert sizes == [(3, 6), (6, 12), (3, 6), (6, 12)]
