"""Sums of losses: weights, names, what they need, a user's own loss, and errors that say where."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from auralflow.config import from_dict, to_dict
from auralflow.errors import ConfigError, ShapeError
from auralflow.estimate import Estimate
from auralflow.losses import LossTerm, build_losses

STEMS, TARGETS = torch.randn(2, 2, 3, 1, 100, generator=torch.Generator().manual_seed(0))
ESTIMATE = Estimate(STEMS, TARGETS.sum(1))

OWN = """
from dataclasses import dataclass
from auralflow.losses import PerStemLoss

@dataclass(frozen=True)
class MyLoss(PerStemLoss):
    power: float = 3.0

    def per_stem(self, estimate, targets):
        return (estimate.stems - targets).abs().pow(self.power).mean((2, 3))
"""


def test_total_is_the_weighted_sum() -> None:
    total, values = build_losses([LossTerm("l1", 2.0), LossTerm("l2", 0.5)])(ESTIMATE, TARGETS)
    error = STEMS - TARGETS
    torch.testing.assert_close(values, {"l1": error.abs().mean(), "l2": error.square().mean()})
    torch.testing.assert_close(total, 2 * values["l1"] + 0.5 * values["l2"])


def test_total_has_a_gradient_and_the_values_have_none() -> None:
    estimate = Estimate(STEMS.clone().requires_grad_(), TARGETS.sum(1))
    total, values = build_losses([LossTerm("l1"), LossTerm("l2")])(estimate, TARGETS)
    total.backward()
    assert estimate.stems.grad is not None
    assert not any(value.requires_grad for value in values.values())


def test_a_loss_may_stand_more_than_once() -> None:
    loss = build_losses(
        [LossTerm("l1", options={"domain": "spectrogram"}), LossTerm("l1"), LossTerm("mask"), LossTerm("l1")]
    )
    assert loss.names == ("l1", "l1_2", "mask", "l1_3")
    assert loss.needs == ("transform", "masks")


def test_a_user_s_own_loss(tmp_path: Path) -> None:
    path = tmp_path / "my_loss.py"
    path.write_text(OWN)
    total, values = build_losses([LossTerm(str(path), options={"power": 2})])(ESTIMATE, TARGETS)
    assert list(values) == ["my_loss"]
    torch.testing.assert_close(total, (STEMS - TARGETS).square().mean())
    best = build_losses([LossTerm("best_perm", options={"loss": str(path)})])
    assert best(Estimate(TARGETS.flip(1), TARGETS.sum(1)), TARGETS)[0] == 0


def test_terms_survive_a_configuration() -> None:
    term = LossTerm("component", 0.5, {"alpha": 0.3})
    assert from_dict(LossTerm, to_dict(term)) == term


@pytest.mark.parametrize(
    ("term", "message"),
    [
        (LossTerm("l11"), "loss.1.name: unknown loss 'l11': did you mean 'l1'? Known: best_perm, component, "),
        (LossTerm("nowhere.py"), "loss.1.name: nowhere.py: no such file"),
        (LossTerm("l1", options={"domian": "waveform"}), "loss.1.options.domian: unknown key, did you mean 'domain'?"),
        (LossTerm("l1", options={"domain": "mel"}), "loss.1.options.domain: expected one of 'waveform', 'spectrogram'"),
        (LossTerm("component", options={"alpha": 2}), "loss.1.options.alpha: expected a number from 0 to 1, got 2.0"),
        (LossTerm("multi_stft", options={"n_ffts": [3]}), "loss.1.options.hops_samples: expected one hop for each"),
        (
            LossTerm("kl_divergence", options={"reconstruction": "component", "reconstruction_options": {"beta": "x"}}),
            "loss.1.options.reconstruction_options.beta: expected float, got 'x'",
        ),
        (LossTerm("best_perm", options={"loss": "l11"}), "loss.1.options.loss: unknown loss 'l11': did you mean 'l1'?"),
        (LossTerm("l1", -1.0), "loss.1.weight: expected a number of 0 or more, got -1.0"),
        (LossTerm("l1", float("nan")), "loss.1.weight: expected a number of 0 or more, got nan"),
    ],
)
def test_errors_say_where(term: LossTerm, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_losses([LossTerm("l1"), term])
    assert str(caught.value).startswith(message)


def test_options_that_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users run without its type checks
    with pytest.raises(ConfigError, match=r"loss.0.options: expected a mapping, got \['domain'\]"):
        build_losses([LossTerm("l1", options=["domain"])])  # type: ignore[arg-type]


def test_the_model_s_rate_reaches_losses_that_ask_for_it() -> None:
    """A weighting by hearing puts 3 kHz elsewhere when it takes 16 kHz for 44.1."""
    tone = torch.sin(torch.arange(16000) * (2 * torch.pi * 3000 / 16000)).expand(1, 1, 1, -1)
    estimate = Estimate(0.9 * tone, tone[:, 0])
    term = LossTerm("log_wmse")
    told, _ = build_losses([term], sample_rate=16000)(estimate, tone)
    by_hand = LossTerm("log_wmse", options={"sample_rate": 16000})
    set_by_hand, _ = build_losses([by_hand], sample_rate=8000)(estimate, tone)
    assert told == set_by_hand
    assert told != build_losses([term])(estimate, tone)[0]


def test_no_terms() -> None:
    with pytest.raises(ConfigError, match="loss: expected at least one loss, got none"):
        build_losses([])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def my_loss(estimate, targets): ...", "expected a dataclass in"),
        ("from dataclasses import dataclass\n@dataclass\nclass MyLoss: ...", "to have 'needs' and '__call__'"),
    ],
)
def test_a_file_that_holds_no_loss(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "my_loss.py"
    path.write_text(text)
    with pytest.raises(ConfigError, match=f"^loss.0.name: .*{message}"):
        build_losses([LossTerm(str(path))])


def test_shapes_that_differ_and_fields_that_lack_are_named() -> None:
    with pytest.raises(ShapeError, match=r"\(2, 3, 1, 100\), got \(2, 2, 1, 100\)"):
        build_losses([LossTerm("l1")])(ESTIMATE, TARGETS[:, :2])
    with pytest.raises(ConfigError, match="expected a model that gives 'masks', got none"):
        build_losses([LossTerm("mask")])(ESTIMATE, TARGETS)
