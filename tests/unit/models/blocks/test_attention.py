"""The transformer against its formula written out, and laws of attention over places."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from auralflow.models.blocks.attention import Attention, FeedForward, Transformer, TransformerSizes

SIZES = TransformerSizes(width=6, n_heads=3, head_width=4)


def _noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def _attention(sizes: TransformerSizes = SIZES) -> Attention:
    torch.manual_seed(0)
    return Attention(sizes).double().eval()


def _turn(vector: Tensor, place: int) -> Tensor:
    turned = vector.clone()
    for pair in range(2):
        angle = place * 100.0**-pair
        a, b = vector[2 * pair], vector[2 * pair + 1]
        turned[2 * pair] = a * math.cos(angle) - b * math.sin(angle)
        turned[2 * pair + 1] = b * math.cos(angle) + a * math.sin(angle)
    return turned


@torch.no_grad()
def test_attention_is_the_formula_head_by_head() -> None:
    attention, features = _attention(), _noise(2, 5, 6)
    change = attention(features)
    for item in range(2):
        normalised = F.normalize(features[item], dim=-1) * math.sqrt(6)
        query, key, value = (attention.to_qkv.weight @ normalised.T).T.reshape(5, 3, 3, 4).unbind(1)
        gates = (normalised @ attention.to_gates.weight.T + attention.to_gates.bias).sigmoid()
        heard = torch.zeros(5, 12, dtype=torch.float64)
        for head in range(3):
            for place in range(5):
                products = [_turn(query[place, head], place) @ _turn(key[p, head], p) / 2 for p in range(5)]
                weights = torch.stack(products).softmax(0)
                heard[place, 4 * head : 4 * head + 4] = gates[place, head] * (weights @ value[:, head])
        torch.testing.assert_close(change[item], heard @ attention.to_out[0].weight.T, rtol=0, atol=1e-7)


def test_order_matters_only_through_the_turning() -> None:
    """Places in reverse, turned the other way, give the reverse; without any turning so does any order."""
    attention, features = _attention(), _noise(1, 7, 6)
    plain = attention(features)
    assert (attention(features.flip(1)).flip(1) - plain).abs().max() > 1e-3
    attention.rotary_embed.freqs.neg_()
    torch.testing.assert_close(attention(features.flip(1)).flip(1), plain, rtol=0, atol=1e-7)
    attention.rotary_embed.freqs.zero_()
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    torch.testing.assert_close(attention(features[:, order]), attention(features)[:, order])


def test_a_closed_gate_silences_its_head() -> None:
    attention = _attention()
    torch.nn.init.zeros_(attention.to_gates.weight)
    attention.to_gates.bias.data = torch.tensor([0.0, -1e9, -1e9], dtype=torch.float64)
    before = attention(_noise(1, 5, 6))
    attention.to_out[0].weight.data[:, 4:] = 7.0  # what the closed heads would say
    torch.testing.assert_close(attention(_noise(1, 5, 6)), before)
    assert before.abs().max() > 1e-3


def test_level_changes_nothing_and_silence_stays() -> None:
    for layer in (_attention(), FeedForward(6, 0.0).double()):
        torch.testing.assert_close(layer(1e-6 * _noise(1, 5, 6)), layer(_noise(1, 5, 6)))
    assert (_attention()(torch.zeros(1, 5, 6, dtype=torch.float64)) == 0).all()


@torch.no_grad()
def test_feed_forward_is_the_formula() -> None:
    layer, features = FeedForward(6, 0.0).double(), _noise(3, 6)
    hidden = F.normalize(features, dim=-1) * math.sqrt(6) @ layer.net[1].weight.T + layer.net[1].bias
    hidden = hidden * (1 + torch.erf(hidden / math.sqrt(2))) / 2
    torch.testing.assert_close(layer(features), hidden @ layer.net[4].weight.T + layer.net[4].bias)
    assert layer.net[1].weight.shape == (24, 6)


def test_transformer_adds_what_its_layers_find() -> None:
    torch.manual_seed(0)
    transformer, features = Transformer(SIZES, depth=2).double(), _noise(2, 5, 6)
    expected = features
    for attend, feed_forward in transformer.layers:
        expected = expected + attend(expected)
        expected = expected + feed_forward(expected)
    torch.testing.assert_close(transformer(features), expected)


def test_transformer_normalises_what_it_gives_where_asked() -> None:
    torch.manual_seed(0)
    sizes = TransformerSizes(width=6, n_heads=3, head_width=4, is_normalised=True)
    given = Transformer(sizes, depth=1).double()(_noise(2, 5, 6))
    torch.testing.assert_close(given.square().mean(-1), torch.ones(2, 5, dtype=torch.float64))


@pytest.mark.parametrize("name", ["attention_dropout", "dropout"])
def test_dropout_is_for_training_only(name: str) -> None:
    torch.manual_seed(0)
    transformer = Transformer(TransformerSizes(6, 3, 4, **{name: 0.5}), depth=1).double()
    features = _noise(2, 5, 6)
    assert not torch.equal(transformer(features), transformer(features))
    assert torch.equal(transformer.eval()(features), transformer(features))
