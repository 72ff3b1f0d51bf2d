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


def make_optimizer(model: nn.Module, config: OptimizerConfig, *, is_fused: bool = True) -> torch.optim.Optimizer:
    """An optimizer of all parameters that want a gradient; recurrent layers are a group of their own.

    Args:
        is_fused: update each parameter in one pass over memory, some three times as fast. Not with a gradient scaler,
            whose gradients could not be clipped then.
    """
    recurrent = {id(parameter) for parameter in _recurrent_parameters(model)}
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trained if (id(p) in recurrent) == is_recurrent], "is_recurrent": is_recurrent}
        for is_recurrent in (False, True)
    ]
    groups = [group for group in groups if group["params"]]
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config.name]
    optimizer: torch.optim.Optimizer = kind(groups, lr=config.learning_rate, fused=is_fused)
    apply_settings(optimizer, config)
    return optimizer


def apply_settings(optimizer: torch.optim.Optimizer, config: OptimizerConfig) -> None:
    """Set everything but the rates. An optimizer that comes from a checkpoint has the settings of then."""
    for group in optimizer.param_groups:
        group["weight_decay"] = config.weight_decay
        if config.name == "sgd":
            group["momentum"] = config.beta_1
        else:
            group["betas"] = (config.beta_1, config.beta_2)


def set_rates(optimizer: torch.optim.Optimizer, config: OptimizerConfig, factor: float) -> None:
    """Set each group's rate to a factor of its full one."""
    own = config.recurrent_learning_rate
    for group in optimizer.param_groups:
        group["lr"] = factor * (own if group["is_recurrent"] and own is not None else config.learning_rate)


def _recurrent_parameters(model: nn.Module) -> Iterator[nn.Parameter]:
    for module in model.modules():
        if isinstance(module, nn.RNNBase):
            yield from module.parameters()
