"""Fill in what a plan leaves open, refuse what cannot be, and find what has to run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from auralflow.errors import ConfigError, UnknownNameError
from auralflow.separation.plan.config import MIXTURE, PlanConfig, PlanStep
from auralflow.spec import ModelSpec


def complete_plan(plan: PlanConfig, specs: Sequence[ModelSpec]) -> PlanConfig:
    """The plan with names, stems and their order filled in.

    Args:
        plan: as it was written.
        specs: of the model of each step.

    Raises:
        ConfigError: a step asks for a stem that its model does not have, or hears what no earlier step gives; or the
            plan promises a stem that nobody gives.
    """
    steps = tuple(
        _complete_step(step, spec, f"steps.{number}")
        for number, (step, spec) in enumerate(zip(plan.steps, specs, strict=True))
    )
    for number, step in enumerate(steps):
        _check_input(step, steps[:number], steps[number:], f"steps.{number}.input")
    given = tuple(dict.fromkeys(stem for step in steps for stem in step.given))
    if plan.stems is not None and not plan.stems:
        raise ConfigError("stems: expected at least one, got none")
    for stem in plan.stems or ():
        _check_known(stem, given, "stem", "stems")
    if len(set(plan.stems or ())) != len(plan.stems or ()):
        raise ConfigError(f"stems: a name stands twice in {', '.join(plan.stems or ())}")
    return replace(plan, steps=steps, stems=given if plan.stems is None else plan.stems)


def list_work(plan: PlanConfig, stems: Iterable[str]) -> dict[int, tuple[str, ...]]:
    """The steps that have to run for some stems, in their order, and the stems that each has to give.

    Args:
        plan: a completed plan.
    """
    wanted = set(stems)
    work: dict[int, tuple[str, ...]] = {}
    for number, step in reversed(list(enumerate(plan.steps))):
        needed = tuple(stem for stem in step.given if stem in wanted)
        if needed:
            work[number] = needed
            wanted |= step.terms.keys()
    return dict(sorted(work.items()))


def _complete_step(step: PlanStep, spec: ModelSpec, key: str) -> PlanStep:
    stems = {stem: stem for stem in spec.stems} if step.stems is None else step.stems
    for name, source in stems.items():
        _check_known(source, spec.stems, "stem of the model", f"{key}.stems.{name}")
    if MIXTURE in stems:
        raise ConfigError(f"{key}.stems: '{MIXTURE}' is what goes in; give the stem another name, 'name: {MIXTURE}'")
    for name in step.weights:
        _check_known(name, stems, "stem", f"{key}.weights")
    if "swap_channels" in step.augment and spec.channels != 2:
        raise ConfigError(
            f"{key}.augment: 'swap_channels' needs a model of 2 channels, '{step.model}' has {spec.channels}"
        )
    return replace(step, name=step.name or step.model, stems=stems)


def _check_input(step: PlanStep, earlier: Sequence[PlanStep], later: Sequence[PlanStep], key: str) -> None:
    """Everything heard is complete before the step runs, so that no two steps can wait for each other."""
    known = [MIXTURE, *(stem for other in earlier for stem in other.given)]
    for name in step.terms:
        if name in step.given:
            raise ConfigError(f"{key}: the step hears '{name}', which it gives itself; give it under another name")
        if any(name in other.given for other in later):
            raise ConfigError(f"{key}: '{name}' is given by a later step; move that one up")
        try:
            _check_known(name, known, "sound", key)
        except ConfigError as error:
            raise ConfigError(f"{error} Signs stand between spaces: 'mixture - vocals'.") from None


def _check_known(name: str, known: Collection[str], kind: str, key: str) -> None:
    if name not in known:
        raise ConfigError(f"{key}: {UnknownNameError(kind, name, known)}")
