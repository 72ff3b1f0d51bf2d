"""Learning rates as a pure function of the step, so that nothing of them needs to be saved but the plateaus."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import nn

from auralflow.training.config import OptimizerConfig, SchedulerConfig


def rate_factor(step: int, n_steps: int, config: SchedulerConfig, n_plateaus: int = 0) -> float:
    """The factor on the learning rate at a step.

    Warm-up rises linearly. Cosine: f + (1 - f) (1 + cos(pi t)) / 2 with t from 0 to 1 over what is left of the run
    after the warm-up and f the final factor (I. Loshchilov, F. Hutter, "SGDR", 2017, one period). Plateau:
    `plateau_factor` to the power of the number of plateaus so far.

    Example:
        >>> rate_factor(4, 100, SchedulerConfig("constant", warm_up_steps=10))
        0.5
    """
    warm_up = min(1.0, (step + 1) / config.warm_up_steps) if config.warm_up_steps else 1.0
    if config.name == "cosine":
        t = (step - config.warm_up_steps) / max(1, n_steps - config.warm_up_steps)
        bow = (1 + math.cos(math.pi * min(1.0, max(0.0, t)))) / 2
        return warm_up * (config.final_factor + (1 - config.final_factor) * bow)
    if config.name == "plateau":
        return warm_up * max(config.final_factor, config.plateau_factor**n_plateaus)
    return warm_up


def make_optimizer(model: nn.Module, config: OptimizerConfig) -> torch.optim.Optimizer:
    """An optimizer of all parameters that want a gradient; each group remembers its full rate as `base_lr`."""
    recurrent = {id(parameter) for parameter in _recurrent_parameters(model)}
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    recurrent_rate = config.recurrent_learning_rate
    rates = (config.learning_rate, config.learning_rate if recurrent_rate is None else recurrent_rate)
    groups = [
        {"params": [p for p in trained if (id(p) in recurrent) == is_recurrent], "lr": rate, "base_lr": rate}
        for is_recurrent, rate in enumerate(rates)
    ]
    groups = [group for group in groups if group["params"]]
    if config.name == "sgd":
        return torch.optim.SGD(groups, momentum=config.beta_1, weight_decay=config.weight_decay)
    kind = torch.optim.AdamW if config.name == "adamw" else torch.optim.Adam
    return kind(groups, betas=(config.beta_1, config.beta_2), weight_decay=config.weight_decay)


def set_rates(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set each group's rate to a factor of its full one."""
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * factor


def _recurrent_parameters(model: nn.Module) -> Iterator[nn.Parameter]:
    for module in model.modules():
        if isinstance(module, nn.RNNBase):
            yield from module.parameters()
