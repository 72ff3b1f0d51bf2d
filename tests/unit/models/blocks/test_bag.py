"""A bag: the mean it takes, what it asks its networks for, the names of its parameters, what it refuses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from auralflow.errors import ConfigError, ShapeError, UnknownNameError
from auralflow.models.blocks.bag import Bag
from auralflow.spec import ModelSpec

SPEC = ModelSpec(("vocals", "drums", "other"), 8000, 1, segment_samples=100)


class Shares(nn.Module):
    """Each stem is a share of the mixture; counts what it is asked for."""

    def __init__(self, *shares: float, spec: ModelSpec = SPEC) -> None:
        super().__init__()
        self.spec, self.n_runs = spec, 0
        self.share = nn.Parameter(torch.tensor(shares, dtype=torch.float32))

    def forward(self, mixture: Tensor) -> Tensor:
        self.n_runs += 1
        return mixture.unsqueeze(1) * self.share[:, None, None]


class Choosy(Shares):
    """The same, which can leave stems out."""

    asked: tuple[tuple[str, ...], ...] = ()

    def select(self, stems: list[str]) -> nn.Module:
        self.asked += (tuple(stems),)
        spec = ModelSpec(tuple(stems), 8000, 1, segment_samples=100)
        return Shares(*(float(self.share[self.spec.stems.index(stem)]) for stem in stems), spec=spec)


def _mixture() -> Tensor:
    return torch.randn(2, 1, 50, generator=torch.Generator().manual_seed(0))


@torch.inference_mode()
def _shares(bag: nn.Module) -> list[float]:
    stems = bag(_mixture())
    ratio = stems / _mixture().unsqueeze(1)
    torch.testing.assert_close(ratio, ratio[:1, :, :, :1].expand_as(ratio))
    return [round(value, 5) for value in ratio[0, :, 0, 0].tolist()]


def test_plain_mean_without_weights() -> None:
    assert _shares(Bag(SPEC, [Shares(1, 2, 3), Shares(3, 6, -3)])) == [2, 4, 0]


def test_weighted_mean_for_each_stem() -> None:
    bag = Bag(SPEC, [Shares(1, 2, 3), Shares(3, 6, -3)], [[1.0, 3.0, 0.0], [1.0, 1.0, 0.5]])
    assert _shares(bag) == [2, 3, -3]


@pytest.mark.parametrize("kind", [Shares, Choosy])
def test_networks_are_asked_only_for_what_counts(kind: type[Shares]) -> None:
    first, second, third = kind(1, 2, 3), kind(4, 5, 6), kind(7, 8, 9)
    bag = Bag(SPEC, [first, second, third], [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    assert _shares(bag) == [1, 5, 3]
    assert third.n_runs == 0
    if isinstance(first, Choosy):
        assert first.asked == (("vocals", "other"),)


def test_selection_keeps_the_networks_that_say_something() -> None:
    bag = Bag(SPEC, [Shares(1, 2, 3), Choosy(4, 5, 6)], [[1.0, 0.0, 1.0], [0.0, 1.0, 3.0]])
    for stems in (("vocals",), ("drums",), ("other", "vocals"), ("other", "drums", "vocals")):
        part = bag.select(stems)
        assert part.spec.stems == stems
        assert len(part.models) == {("vocals",): 1, ("drums",): 1}.get(stems, 2)
        assert _shares(part) == [_shares(bag)[SPEC.stems.index(stem)] for stem in stems]


def test_keys_have_the_number_of_the_network() -> None:
    bag = Bag(SPEC, [Shares(1, 2, 3), Shares(4, 5, 6)])
    assert list(bag.state_dict()) == ["models.0.share", "models.1.share"]


def test_gradient_reaches_all_that_counts() -> None:
    bag = Bag(SPEC, [Shares(1, 2, 3), Shares(4, 5, 6)], [[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    bag(_mixture()).square().sum().backward()
    assert bag.models[0].share.grad[[0, 2]].all()
    assert bag.models[1].share.grad[[1, 2]].all()


@pytest.mark.parametrize(
    ("models", "weights", "message"),
    [
        ([], None, "at least one network"),
        ([Shares(1, 2, 3)], [[1.0, 1.0]], "expected 1 lists of 3"),
        ([Shares(1, 2, 3)], [[1.0] * 3] * 2, "expected 1 lists of 3"),
        ([Shares(1, 2, 3)], [[1.0, -1.0, 1.0]], "zero or more"),
        ([Shares(1, 2, 3)], [[1.0, float("nan"), 1.0]], "zero or more"),
        ([Shares(1, 2, 3)], [[1.0, 0.0, 1.0]], "above zero for the stem 'drums'"),
    ],
)
def test_rejects_weights_that_make_no_mean(
    models: list[nn.Module], weights: list[list[float]] | None, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        Bag(SPEC, models, weights)


def test_rejects_unknown_stems_and_channels() -> None:
    bag = Bag(SPEC, [Shares(1, 2, 3)])
    with pytest.raises(UnknownNameError, match="vocal"):
        bag.select(["vocal"])
    with pytest.raises(ShapeError, match=r"\(batch, 1, time\)"):
        bag(torch.zeros(1, 2, 50))
