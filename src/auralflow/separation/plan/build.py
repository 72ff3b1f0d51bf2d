"""From the file of a plan to a ready separator, and to what is known of it before its models are loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from auralflow.config import to_dict
from auralflow.errors import ConfigError, UnknownNameError
from auralflow.pretrained.load import ModelDescription
from auralflow.pretrained.obtain import prepare_model
from auralflow.separation.config import SeparationConfig
from auralflow.separation.engine import Separator
from auralflow.separation.networks import describe_network, is_export, load_network, open_network
from auralflow.separation.outputs import plan_outputs
from auralflow.separation.plan.complete import complete_plan, list_work
from auralflow.separation.plan.config import PlanConfig, PlanStep, in_file, read_plan
from auralflow.separation.plan.separator import PlanSeparator, join_specs


def build_plan(config: SeparationConfig) -> PlanSeparator:
    """A plan with the models that the settings' outputs need; raises as `load_model` does.

    Raises:
        ConfigError: a mistake in the plan; the message names file and key.
    """
    plan, _ = _describe_steps(config)
    stems = plan_outputs(plan.stems or (), config.stems, config.mix, config.residual, config.consistency).stems
    for model in models_of_plan(config, stems):
        prepare_model(model)
    plan, models = _describe_steps(config)  # what was fetched is known better now
    separator = PlanSeparator(plan, [model.spec for model in models], _Opener(config, plan))
    separator.open(stems)
    return separator


def describe_plan(config: SeparationConfig) -> ModelDescription:
    """What can be said of a plan without loading a model: its identity is that of what it says and of its models."""
    plan, models = _describe_steps(config)
    with in_file(Path(config.model)):
        spec = join_specs(plan, [model.spec for model in models])
    facts = to_dict(plan)
    for step, model in zip(facts["steps"], models, strict=True):
        step.update(name="", model=model.identity)
    return ModelDescription(Path(config.model).stem, spec, _hash(facts))


def models_of_plan(config: SeparationConfig, stems: Sequence[str] | None = None) -> tuple[str, ...]:
    """Names of a plan's models, each once; of those that some stems need, or of all."""
    if stems is None:
        plan = read_plan(Path(config.model))
        numbers: Sequence[int] = range(len(plan.steps))
    else:
        plan, _ = _describe_steps(config)
        numbers = list(list_work(plan, stems))
    settings = [settings_of(config, plan.steps[number]) for number in numbers]
    return tuple(dict.fromkeys(each.model for each in settings if not is_export(each)))


def settings_of(config: SeparationConfig, step: PlanStep) -> SeparationConfig:
    """The settings of a step's model: those of the plan, where the step has none of its own."""
    return replace(
        config,
        model=step.model,
        segment_s=config.segment_s if step.segment_s is None else step.segment_s,
        overlap=config.overlap if step.overlap is None else step.overlap,
    )


def _describe_steps(config: SeparationConfig) -> tuple[PlanConfig, list[ModelDescription]]:
    """The completed plan, and its models."""
    path = Path(config.model)
    plan = read_plan(path)
    models = []
    with in_file(path):
        for number, step in enumerate(plan.steps):
            try:
                models.append(describe_network(settings_of(config, step)))
            except UnknownNameError as error:
                raise ConfigError(f"steps.{number}.model: {error}") from None
        return complete_plan(plan, [model.spec for model in models]), models


def _hash(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


class _Opener:
    """Opens steps; a model that several have is loaded once."""

    def __init__(self, config: SeparationConfig, plan: PlanConfig) -> None:
        self._config, self._plan = config, plan
        self._networks: dict[tuple[str, float | None], nn.Module] = {}
        self._separators: dict[tuple[str, float | None, float | None], Separator] = {}

    def __call__(self, number: int) -> Separator:
        settings = settings_of(self._config, self._plan.steps[number])
        key = (settings.model, settings.segment_s, settings.overlap)
        if key not in self._separators:
            self._separators[key] = open_network(settings, self._load(settings))
        return self._separators[key]

    def _load(self, settings: SeparationConfig) -> nn.Module:
        # An export is made for one length of segment.
        key = (settings.model, settings.segment_s if settings.engine == "onnx" else None)
        if key not in self._networks:
            self._networks[key] = load_network(settings)
        return self._networks[key]
