"""A prepared model is the same function in fewer steps, and the model it came from stays as it was."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auralflow.speed.prepare import prepare


def _net() -> nn.Sequential:
    torch.manual_seed(0)
    shared = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU())
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Sequential(shared, shared), nn.Dropout(0.5)
    )
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.5)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias)
    return net.eval()


def test_normalisation_becomes_part_of_the_convolution() -> None:
    net, image = _net(), torch.randn(2, 1, 9, 7)
    prepared = prepare(net)
    torch.testing.assert_close(prepared(image), net(image), rtol=1e-5, atol=1e-5)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in prepared.modules())


def test_the_model_it_came_from_stays_as_it_was() -> None:
    net, image = _net(), torch.randn(2, 1, 9, 7)
    names, before = [name for name, _ in net.named_modules()], net(image)
    state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    prepare(net)
    assert [name for name, _ in net.named_modules()] == names
    assert all(torch.equal(tensor, state[name]) for name, tensor in net.state_dict().items())
    assert torch.equal(net(image), before)
    assert net[0].weight.is_contiguous()


def test_one_module_in_two_places_stays_one() -> None:
    prepared = prepare(_net())
    inner = next(module for module in prepared if isinstance(module, nn.Sequential))
    assert inner[0] is inner[1]


def test_features_come_with_channels_last_where_all_convolutions_go_along_two_axes() -> None:
    image = torch.randn(1, 4, 8, 8)
    planar = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1)).eval()
    assert prepare(planar)(image).is_contiguous(memory_format=torch.channels_last)
    mixed = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.Flatten(2), nn.Conv1d(4, 4, 1)).eval()
    assert mixed[0] is prepare(mixed)[0]


def test_a_model_in_training_is_left_alone() -> None:
    net = _net().train()
    assert prepare(net) is net


def test_a_hook_keeps_its_module() -> None:
    heard: list[Tensor] = []
    net = _net()
    net[1].register_forward_hook(lambda module, given, result: heard.append(result))
    prepare(net)(torch.randn(1, 1, 5, 5))
    assert len(heard) == 1


def test_statistics_of_the_batch_are_not_folded() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2, track_running_stats=False)).eval()
    assert len(prepare(net)) == 2
