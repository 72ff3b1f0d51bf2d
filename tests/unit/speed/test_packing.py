"""A packed layer gives what the layer that it was made of gives, and is that layer wherever something is learnt."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from auralflow.speed import packing
from auralflow.speed.packing import PackedLinear, can_pack
from auralflow.speed.precision import has_half_precision
from auralflow.speed.prepare import prepare

CPU = torch.device("cpu")


def _layer(bias: bool = True) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(24, 40, bias=bias).eval()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(24,), (1, 24), (7, 24), (2, 3, 5, 24), (0, 24), (3, 0, 24)])
def test_it_gives_the_same_for_features_of_any_shape(shape: tuple[int, ...], bias: bool) -> None:
    layer, features = _layer(bias), torch.randn(shape)
    with torch.inference_mode():
        torch.testing.assert_close(PackedLinear(layer)(features), layer(features), rtol=1e-5, atol=1e-6)


def test_features_may_lie_in_memory_as_they_like() -> None:
    layer, features = _layer(), torch.randn(5, 24, 7).transpose(1, 2)[:, ::2]
    with torch.inference_mode():
        torch.testing.assert_close(PackedLinear(layer)(features), layer(features), rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(not has_half_precision(CPU), reason="this processor has no 16-bit arithmetic")
def test_in_half_precision_as_well() -> None:
    layer, features = _layer(), torch.randn(9, 24)
    packed = PackedLinear(layer)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        found = packed(features)
        assert found.dtype == torch.bfloat16
        torch.testing.assert_close(found, layer(features))
    with torch.inference_mode():  # and what was packed for one precision is not taken for another
        assert packed(features).dtype == torch.float32


def test_features_of_another_precision_are_refused_as_ever() -> None:
    with torch.inference_mode(), pytest.raises(RuntimeError, match="dtype"):
        PackedLinear(_layer())(torch.zeros(2, 24, dtype=torch.float64))


def test_gradients_reach_the_parameters_of_the_layer_it_was_made_of() -> None:
    layer = _layer()
    packed = PackedLinear(layer)
    with torch.inference_mode():
        packed(torch.randn(2, 24))
    packed(torch.randn(2, 24)).sum().backward()
    assert layer.weight.grad is not None
    assert layer.bias.grad is not None
    assert packed.state_dict().keys() == layer.state_dict().keys()


def test_a_prepared_model_has_them_in_place_of_its_own() -> None:
    one = _layer()
    net = nn.Sequential(one, nn.GELU(), nn.Linear(40, 24), one).eval()
    prepared, features = prepare(net), torch.randn(3, 24)
    assert isinstance(prepared[0], PackedLinear) == can_pack()
    assert prepared[0] is prepared[3]
    assert prepared[0].weight is one.weight
    assert type(net[0]) is nn.Linear
    with torch.inference_mode():
        torch.testing.assert_close(prepared(features), net(features), rtol=1e-5, atol=1e-6)


def test_a_layer_that_somebody_listens_to_stays() -> None:
    heard: list[torch.Size] = []
    net = nn.Sequential(_layer()).eval()
    net[0].register_forward_hook(lambda module, taken, given: heard.append(given.shape))
    prepare(net)(torch.randn(3, 24))
    assert heard == [(3, 40)]


def test_a_torch_without_such_products_keeps_its_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = PackedLinear(_layer())
    monkeypatch.setattr(packing, "_dtypes", tuple)
    with torch.inference_mode():
        assert packed(torch.randn(3, 24)).shape == (3, 40)
    assert not packed._packed
