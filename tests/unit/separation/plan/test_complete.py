"""A plan against the models that it names."""

from __future__ import annotations

import pytest

from auralflow.errors import ConfigError
from auralflow.separation.plan.complete import complete_plan, list_work
from auralflow.separation.plan.config import PlanConfig, PlanStep
from auralflow.spec import ModelSpec

FOUR = ModelSpec(("vocals", "drums", "bass", "other"), 44100, 2, 44100)
TWO = ModelSpec(("vocals", "other"), 44100, 2, 44100)
MONO = ModelSpec(("vocals", "other"), 44100, 1, 44100)


def only(*stems: str) -> dict[str, str]:
    return {stem: stem for stem in stems}


CHAIN = PlanConfig((
    PlanStep("two", stems=only("vocals")),
    PlanStep("four", input="mixture - vocals", stems=only("drums", "bass", "other")),
    PlanStep("two", input="drums", stems={"kick": "vocals", "snare": "other"}),
    PlanStep("two", input="bass", stems={"low": "other"}),
))  # fmt: skip
SPECS = [TWO, FOUR, TWO, TWO]

MISTAKES: list[tuple[list[PlanStep], list[ModelSpec], str]] = [
    ([PlanStep("a", stems={"v": "vocal"})], [TWO], "steps.0.stems.v: unknown .* 'vocal': did you mean 'vocals'"),
    ([PlanStep("a", weights={"drums": 1.0})], [TWO], "steps.0.weights: unknown stem 'drums'"),
    ([PlanStep("a", augment=("swap_channels",))], [MONO], "steps.0.augment: .* 2 channels, 'a' has 1"),
    ([PlanStep("a", input="mixture - guitar")], [TWO], "steps.0.input: unknown sound 'guitar'"),
    ([PlanStep("a", input="mixture -vocals")], [TWO], "steps.0.input: .*Signs stand between spaces"),
    ([PlanStep("a", input="vocals")], [TWO], "steps.0.input: the step hears 'vocals', which it gives itself"),
    ([PlanStep("a", input="drums"), PlanStep("b")], [TWO, FOUR], "steps.0.input: 'drums' is given by a later step"),
    (
        [PlanStep("a"), PlanStep("b", input="vocals", stems=only("drums")), PlanStep("c")],
        [TWO, FOUR, TWO],
        "steps.1.input: 'vocals' is given by a later step",
    ),
    ([PlanStep("a")], [ModelSpec(("mixture",), 44100, 2, 44100)], "steps.0.stems: 'mixture' is what goes in"),
]


def test_stems_names_and_order_are_filled_in() -> None:
    plan = complete_plan(PlanConfig((PlanStep("two", name="voice"), PlanStep("four"))), [TWO, FOUR])
    assert plan.stems == ("vocals", "other", "drums", "bass")
    assert [step.name for step in plan.steps] == ["voice", "four"]
    assert plan.steps[1].given == FOUR.stems
    assert complete_plan(plan, [TWO, FOUR]) == plan


@pytest.mark.parametrize(("steps", "specs", "message"), MISTAKES, ids=[m[2] for m in MISTAKES])
def test_mistakes_are_named(steps: list[PlanStep], specs: list[ModelSpec], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        complete_plan(PlanConfig(tuple(steps)), specs)


@pytest.mark.parametrize(
    ("stems", "message"),
    [
        (("guitar",), "stems: unknown stem 'guitar'"),
        ((), "stems: expected at least one"),
        (("vocals", "vocals"), "stems: a name"),
    ],
)
def test_stems_that_nobody_gives(stems: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        complete_plan(PlanConfig((PlanStep("a"),), stems=stems), [TWO])


@pytest.mark.parametrize(
    ("stems", "work"),
    [
        (["vocals"], {0: ("vocals",)}),
        (["bass"], {0: ("vocals",), 1: ("bass",)}),
        (["kick"], {0: ("vocals",), 1: ("drums",), 2: ("kick",)}),
        (["low", "other"], {0: ("vocals",), 1: ("bass", "other"), 3: ("low",)}),
        ([], {}),
    ],
)
def test_only_what_is_needed_runs(stems: list[str], work: dict[int, tuple[str, ...]]) -> None:
    assert list_work(complete_plan(CHAIN, SPECS), stems) == work


def test_every_step_that_gives_a_stem_is_needed() -> None:
    plan = complete_plan(PlanConfig((PlanStep("a"), PlanStep("b"))), [TWO, FOUR])
    assert list_work(plan, ["vocals"]) == {0: ("vocals",), 1: ("vocals",)}
    assert list_work(plan, ["drums"]) == {1: ("drums",)}
