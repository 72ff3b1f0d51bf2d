"""Several networks of one spec as one model: for each stem a weighted mean of what they give."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from auralflow.errors import ConfigError
from auralflow.models.blocks.waveform import check_mixture
from auralflow.spec import ModelSpec


class Bag(nn.Module):
    """A weighted mean of networks, stem by stem.

    A network whose weight for a stem is zero is not asked for that stem, where it can leave stems out (`select`). The
    state dict has the keys of network `i` with `models.<i>.` before them.

    Args:
        spec: what all of them take and give.
        models: the networks, each with a `spec` whose stems are among these.
        weights: of each network for each stem, zero or more; by default all equal.

    Shape:
        `[batch, channel, time]` to `[batch, stem, channel, time]`.

    Raises:
        ConfigError: there is no network, or the weights do not fit, or a stem has none above zero.
        ShapeError: another number of channels than `spec.channels` (when called).
    """

    def __init__(
        self, spec: ModelSpec, models: Sequence[nn.Module], weights: Sequence[Sequence[float]] | None = None
    ) -> None:
        super().__init__()
        self.spec = spec
        self.models = nn.ModuleList(models)
        given = [[1.0] * len(spec.stems)] * len(models) if weights is None else weights
        self.weights = tuple(tuple(map(float, of_stems)) for of_stems in given)
        self._check()

    def _check(self) -> None:
        n_models, stems = len(self.models), self.spec.stems
        if not n_models:
            raise ConfigError("models: expected at least one network in a bag, got none")
        if len(self.weights) != n_models or any(len(of_stems) != len(stems) for of_stems in self.weights):
            raise ConfigError(
                f"weights: expected {n_models} lists of {len(stems)}, one for each network and stem, got {self.weights}"
            )
        if not all(0 <= weight < math.inf for of_stems in self.weights for weight in of_stems):
            raise ConfigError(f"weights: expected numbers, zero or more, got {self.weights}")
        for stem, total in zip(stems, self._totals, strict=True):
            if not total:
                raise ConfigError(f"weights: no network has one above zero for the stem '{stem}'")

    @property
    def _totals(self) -> tuple[float, ...]:
        return tuple(map(sum, zip(*self.weights, strict=True)))

    def forward(self, mixture: Float[Tensor, "batch channel time"]) -> Float[Tensor, "batch stem channel time"]:
        check_mixture(mixture, self.spec)
        means = mixture.new_zeros(len(mixture), len(self.spec.stems), *mixture.shape[1:])
        for model, weights in zip(self.models, self.weights, strict=True):
            wanted = [stem for stem, weight in zip(self.spec.stems, weights, strict=True) if weight]
            for stem, estimate in _run(model, mixture, wanted).items():
                place = self.spec.stems.index(stem)
                means[:, place] += estimate * (weights[place] / self._totals[place])
        return means

    def select(self, stems: Sequence[str]) -> Bag:
        """A bag of the networks that say something about `stems`, parameters shared.

        Raises:
            UnknownNameError: a stem that the bag does not have.
        """
        places = self.spec.places_of(stems)
        weights = [[of_stems[place] for place in places] for of_stems in self.weights]
        kept = [(model, of) for model, of in zip(self.models, weights, strict=True) if any(of)]
        return Bag(self.spec.with_stems(stems), [model for model, _ in kept], [of for _, of in kept])


def _run(model: nn.Module, mixture: Tensor, wanted: Sequence[str]) -> dict[str, Tensor]:
    """Estimates by stem, of those that are wanted."""
    if not wanted:
        return {}
    spec: ModelSpec = model.spec  # type: ignore[assignment]
    select = getattr(model, "select", None)
    if select is not None and set(wanted) < set(spec.stems):
        model = select(wanted)
        spec = model.spec  # type: ignore[assignment]
    estimates = model(mixture)
    return {stem: estimates[:, spec.stems.index(stem)] for stem in wanted}
