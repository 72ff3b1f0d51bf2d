"""From settings to a ready separator: one model, or a plan of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auralflow.pretrained.load import ModelDescription
from auralflow.separation.base import BaseSeparator
from auralflow.separation.config import SeparationConfig
from auralflow.separation.networks import describe_network, is_export, load_network, open_network
from auralflow.separation.plan.build import build_plan, describe_plan, models_of_plan
from auralflow.separation.plan.config import is_plan
from auralflow.separation.tuned import apply_tuned


def build_separator(config: SeparationConfig) -> BaseSeparator[Any]:
    """Load the model that the settings name, or those of a plan, and put it on their device.

    The threads of the process are its own affair, tuned settings or not.

    Raises:
        UnknownNameError: there is no such model or device.
        ConfigError: a mistake in a plan, or tuned settings that were not measured here.
        DeviceError: this machine has no such device.
    """
    config = apply_tuned(config)
    return build_plan(config) if is_plan(config.model) else open_network(config, load_network(config))


def describe_separator(config: SeparationConfig) -> ModelDescription:
    """What can be said of the settings' model before it is loaded; raises as `build_separator` does."""
    return describe_plan(config) if is_plan(config.model) else describe_network(config)


def models_of(config: SeparationConfig, stems: Sequence[str] | None = None) -> tuple[str, ...]:
    """Names, for `load_model`, of what the settings need on this machine for some stems; None stands for all.

    Raises:
        ConfigError: a mistake in a plan.
    """
    if is_plan(config.model):
        return models_of_plan(config, stems)
    return () if is_export(config) else (config.model,)
