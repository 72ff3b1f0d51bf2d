"""Learning rates are a pure function of the step; each parameter is in one group, with its rate."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from auralflow.errors import ConfigError
from auralflow.training.config import OptimizerConfig, SchedulerConfig
from auralflow.training.rates import make_optimizer, rate_factor, set_rates


def test_warm_up_rises_to_one_and_stays() -> None:
    config = SchedulerConfig("constant", warm_up_steps=4)
    assert [rate_factor(step, 100, config) for step in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_cosine_starts_at_one_ends_at_the_final_factor_and_falls() -> None:
    config = SchedulerConfig("cosine", final_factor=0.1)
    factors = [rate_factor(step, 100, config) for step in range(101)]
    assert factors[0] == 1.0
    assert factors[100] == pytest.approx(0.1)
    assert factors[50] == pytest.approx(0.55)
    assert all(a >= b for a, b in pairwise(factors))


def test_a_plateau_lowers_the_rate_down_to_a_floor() -> None:
    config = SchedulerConfig("plateau", plateau_factor=0.5, final_factor=0.2)
    assert [rate_factor(9, 100, config, n) for n in range(4)] == [1.0, 0.5, 0.25, 0.2]


def test_recurrent_layers_have_a_rate_of_their_own() -> None:
    model = nn.ModuleDict({"lstm": nn.LSTM(2, 3), "linear": nn.Linear(3, 1)})
    config = OptimizerConfig(learning_rate=0.1, recurrent_learning_rate=0.01)
    optimizer = make_optimizer(model, config)
    set_rates(optimizer, config, 0.5)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert {rates[id(p)] for p in model["lstm"].parameters()} == {0.005}
    assert {rates[id(p)] for p in model["linear"].parameters()} == {0.05}
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(list(model.parameters()))


def test_frozen_parameters_are_left_out() -> None:
    model = nn.Linear(3, 1)
    model.bias.requires_grad_(False)
    (group,) = make_optimizer(model, OptimizerConfig()).param_groups
    assert [id(p) for p in group["params"]] == [id(model.weight)]


@pytest.mark.parametrize(
    ("name", "kind"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)]
)
def test_the_optimizer_is_the_one_that_is_named(name: str, kind: type) -> None:
    assert type(make_optimizer(nn.Linear(1, 1), OptimizerConfig(name=name))) is kind  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_a_fused_step_is_the_plain_one(name: str) -> None:
    config = OptimizerConfig(name=name, learning_rate=0.1, weight_decay=0.01)  # type: ignore[arg-type]
    ends = []
    for is_fused in (False, True):
        torch.manual_seed(0)
        model = nn.Linear(8, 8)
        optimizer = make_optimizer(model, config, is_fused=is_fused)
        assert bool(optimizer.param_groups[0]["fused"]) == is_fused
        for _ in range(5):
            optimizer.zero_grad()
            model(torch.linspace(-1, 1, 8)).square().sum().backward()
            optimizer.step()
        ends.append(model.weight.detach())
    torch.testing.assert_close(ends[0], ends[1], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "values",
    [
        {"beta_1": 1.0},
        {"ema_decay": -0.1},
        {"learning_rate": -1.0},
        {"accumulate": 0},
        {"clip_norm": 1, "clip_value": 1},
    ],
)
def test_bad_values_are_named(values: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=rf"optimizer\.{next(iter(values))}"):
        OptimizerConfig(**values)  # type: ignore[arg-type]
