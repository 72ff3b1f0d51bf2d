"""Plans of models that are known functions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from auralflow.separation.engine import Separator
from auralflow.separation.plan.complete import complete_plan
from auralflow.separation.plan.config import PlanConfig
from auralflow.separation.plan.separator import PlanSeparator
from auralflow.spec import ModelSpec


class Scripted(nn.Module):
    """A model whose every stem is a function of the mixture, (batch, channel, time)."""

    def __init__(self, functions: dict[str, Callable[[Tensor], Tensor]], **spec: object) -> None:
        super().__init__()
        fields = {"sample_rate": 8000, "channels": 2, "segment_samples": 8000, "context_samples": 500} | spec
        self.spec = ModelSpec(tuple(functions), **fields)  # type: ignore[arg-type]
        self.functions, self.n_calls, self.selected = functions, 0, list[tuple[str, ...]]()

    def forward(self, mixture: Tensor) -> Tensor:
        self.n_calls += 1
        return torch.stack([function(mixture) for function in self.functions.values()], 1)

    def select(self, stems: tuple[str, ...]) -> nn.Module:
        self.selected.append(stems)
        part = Scripted({stem: self.functions[stem] for stem in stems}, channels=self.spec.channels)
        part.register_forward_hook(self._count)
        return part

    def _count(self, *_: object) -> None:
        self.n_calls += 1


@pytest.fixture
def scripted() -> type[Scripted]:
    return Scripted


@pytest.fixture
def gains() -> Callable[..., Scripted]:
    """A model whose stems are the mixture times a number."""

    def make(**stems: float) -> Scripted:
        return Scripted({name: (lambda x, gain=gain: gain * x) for name, gain in stems.items()})  # type: ignore[misc]

    return make


@pytest.fixture
def open_plan() -> Callable[..., PlanSeparator]:
    """A separator for a plan, of models by name; `opened` gets the number of each step that is opened."""

    def make(plan: PlanConfig, *, opened: list[int] | None = None, **models: nn.Module) -> PlanSeparator:
        specs = [models[step.model].spec for step in plan.steps]

        def open_step(number: int) -> Separator:
            if opened is not None:
                opened.append(number)
            return Separator(models[plan.steps[number].model], device="cpu")

        return PlanSeparator(complete_plan(plan, specs), specs, open_step)  # type: ignore[arg-type]

    return make
