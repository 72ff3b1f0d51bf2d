"""The transformer of two sequences: beside torch's own layers, who hears whom, and how places are told."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from auralflow.models.blocks.cross_transformer import (
    Attention,
    CrossTransformer,
    CrossTransformerSizes,
    WholeNorm,
    tell_frames_and_freqs,
    tell_times,
)

SIZES = CrossTransformerSizes(width=8, n_layers=2, n_heads=2, n_hidden=12)


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _build(**changes: object) -> CrossTransformer:
    torch.manual_seed(0)
    transformer = CrossTransformer(dataclasses.replace(SIZES, **changes)).double().eval()
    for name, parameter in transformer.named_parameters():
        if name.endswith("scale"):
            nn.init.constant_(parameter, 0.7)
    return transformer


@pytest.mark.parametrize("is_self", [True, False])
def test_attention_is_that_of_torch(is_self: bool) -> None:
    ours, theirs = Attention(8, 2, 0.0).double(), nn.MultiheadAttention(8, 2, batch_first=True).double()
    nn.init.normal_(ours.in_proj_bias)
    theirs.load_state_dict(ours.state_dict())
    features, other = _noise(2, 5, 8), _noise(2, 7, 8, seed=1)
    other = features if is_self else other
    torch.testing.assert_close(ours(features, other), theirs(features, other, other, need_weights=False)[0])


def test_layer_is_that_of_torch_with_a_norm_at_the_end() -> None:
    ours = _build(n_layers=1).layers[0]
    nn.init.ones_(ours.gamma_1.scale)
    nn.init.ones_(ours.gamma_2.scale)
    theirs = nn.TransformerEncoderLayer(8, 2, 12, 0.0, F.gelu, batch_first=True, norm_first=True).double()
    theirs.load_state_dict({key: value for key, value in ours.state_dict().items() if key in theirs.state_dict()})
    features = _noise(2, 5, 8)
    torch.testing.assert_close(ours(features, features), ours.norm_out(theirs(features)))


def test_whole_norm_is_a_group_norm_over_all_places() -> None:
    ours, theirs = WholeNorm(8).double(), nn.GroupNorm(1, 8).double()
    for parameter in ours.parameters():
        nn.init.normal_(parameter)
    theirs.load_state_dict(ours.state_dict())
    features = 3 * _noise(2, 5, 8) + 1
    torch.testing.assert_close(ours(features), theirs(features.transpose(1, 2)).transpose(1, 2))


@pytest.mark.parametrize(("n_layers", "is_cross_first"), [(1, False), (1, True), (2, False)])
def test_sequences_hear_each_other_in_every_other_layer(n_layers: int, is_cross_first: bool) -> None:
    transformer = _build(n_layers=n_layers, is_cross_first=is_cross_first)
    spectral, temporal = _noise(1, 4, 3, 8), _noise(1, 6, 8, seed=1)
    one, other = transformer(spectral, temporal), transformer(spectral, -temporal)
    hears = (one[0] - other[0]).abs().max() > 1e-6
    assert hears == (n_layers == 2 or is_cross_first)


def test_both_sequences_hear_what_the_other_was_before_the_layer() -> None:
    transformer = _build(n_layers=1, is_cross_first=True)
    spectral, temporal = _noise(1, 4, 3, 8), _noise(1, 6, 8, seed=1)
    found = transformer(spectral, temporal)
    places = transformer.norm_in(spectral) + tell_frames_and_freqs(4, 3, 8, 10000.0)
    moments = transformer.norm_in_t(temporal) + tell_times(6, 8, 10000.0)
    torch.testing.assert_close(found[0].flatten(1, 2), transformer.layers[0](places.flatten(1, 2), moments))
    torch.testing.assert_close(found[1], transformer.layers_t[0](moments, places.flatten(1, 2)))


def test_times_are_told_by_cosines_and_sines_from_fast_to_slow() -> None:
    told = tell_times(5, 6, 10000.0)
    for feature, period in enumerate((1.0, 100.0, 10000.0)):
        assert told[3, feature] == pytest.approx(torch.tensor(3 / period).cos().item(), abs=1e-6)
        assert told[3, 3 + feature] == pytest.approx(torch.tensor(3 / period).sin().item(), abs=1e-6)


def test_frames_and_freqs_are_told_apart() -> None:
    told = tell_frames_and_freqs(5, 4, 8, 10000.0)
    assert (told[:, :1, :4] == told[:, :, :4]).all()
    assert (told[:1, :, 4:] == told[:, :, 4:]).all()
    assert told[2, 3, 0] == pytest.approx(torch.tensor(2.0).sin().item())
    assert told[2, 3, 5] == pytest.approx(torch.tensor(3.0).cos().item())
    assert told[2, 3, 6] == pytest.approx(torch.tensor(3 / 100).sin().item(), abs=1e-6)


def test_dropout_is_of_training_alone() -> None:
    transformer = _build(dropout=0.5)
    spectral, temporal = _noise(1, 4, 3, 8), _noise(1, 6, 8, seed=1)
    assert torch.equal(transformer(spectral, temporal)[0], transformer(spectral, temporal)[0])
    transformer.train()
    assert (transformer(spectral, temporal)[0] - transformer(spectral, temporal)[0]).abs().max() > 1e-3
