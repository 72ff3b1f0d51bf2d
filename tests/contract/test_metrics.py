"""What every metric promises, asked of each file in `auralflow.metrics`; a new file is asked with no new test.

The checks are plain functions of a module, so that the second half of this file can show each of them rejecting a
metric that is broken on purpose.

Two statements of a module change what is asked. `BEST` is the score of an estimate that equals its target: without it,
infinity where higher is better, else zero. `USES_ALL_TARGETS = True` says that the other stems play a part, and
`REFUSES_SILENCE = True` that it raises where a source is wholly silent, as the reference of BSS Eval does.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import math
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from auralflow.errors import AuralflowError
from auralflow.metrics import load_metric, metrics

SAMPLE_RATE, N_STEMS, N_CHANNELS, N_SAMPLES = 8000, 3, 2, 16800
PRACTICALLY_INFINITE_DB = 100.0


def _noise(seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(N_STEMS, N_CHANNELS, N_SAMPLES, generator=generator, dtype=torch.float64)


def _pair(error: float = 0.3) -> tuple[Tensor, Tensor]:
    """Targets of different level and colour, and estimates with so much of something new and of the other stems."""
    targets = _noise(0) * torch.tensor([1.0, 0.5, 2.0])[:, None, None]
    targets[1] = targets[1].cumsum(-1) * 0.3
    targets[1] -= targets[1].mean(-1, keepdim=True)
    return targets + error * (0.5 * _noise(1) + 0.5 * targets.roll(1, 0)), targets


def _score(module: Any, estimates: Tensor, targets: Tensor) -> dict[str, Tensor]:
    scores: dict[str, Tensor] = module.metric(estimates, targets, sample_rate=SAMPLE_RATE)
    return scores


def _is_higher_better(module: Any, column: str) -> bool:
    direction = module.HIGHER_IS_BETTER
    is_higher: bool = direction[column] if isinstance(direction, Mapping) else direction
    return is_higher


def _best(module: Any, column: str) -> float:
    best = getattr(module, "BEST", math.inf if _is_higher_better(module, column) else 0.0)
    return best[column] if isinstance(best, Mapping) else best  # type: ignore[no-any-return]


def check_shapes(module: Any) -> None:
    estimates, targets = _pair()
    before = estimates.clone(), targets.clone()
    scores = _score(module, estimates, targets)
    assert scores
    for values in scores.values():
        assert values.ndim in (1, 2)
        assert values.shape[0] == N_STEMS
        assert values.is_floating_point()
        assert not values.requires_grad
    assert torch.equal(estimates, before[0])
    assert torch.equal(targets, before[1])


def check_finite(module: Any) -> None:
    for values in _score(module, *_pair()).values():
        assert values.isfinite().all()


def check_is_reproducible(module: Any) -> None:
    first, second = (_score(module, *_pair()) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def check_equal_estimate_scores_best(module: Any) -> None:
    _, targets = _pair()
    for name, values in _score(module, targets.clone(), targets).items():
        best = _best(module, name)
        if best == math.inf:
            assert (values > PRACTICALLY_INFINITE_DB).all()
        else:
            torch.testing.assert_close(values, torch.full_like(values, best), atol=1e-6, rtol=0)


def check_worse_scores_worse(module: Any) -> None:
    """Each step of the error, mean over what has frames."""
    steps = [_score(module, *_pair(error)) for error in (0.01, 0.03, 0.1, 0.3, 1.0)]
    for name in steps[0]:
        sign = 1 if _is_higher_better(module, name) else -1
        values = [sign * step[name].reshape(N_STEMS, -1).mean(1) for step in steps]
        assert all((better > worse).all() for better, worse in itertools.pairwise(values)), name


def check_silent_target_is_nan(module: Any) -> None:
    """And nobody else's: one silent stem, and all of them."""
    for silent in ([1], [0, 1, 2]):
        estimates, targets = _pair()
        targets[silent] = 0
        if getattr(module, "REFUSES_SILENCE", False):
            with pytest.raises((AuralflowError, ValueError)):
                _score(module, estimates, targets)
            continue
        for name, values in _score(module, estimates, targets).items():
            is_nan = values.reshape(N_STEMS, -1).isnan()
            assert is_nan[silent].all(), name
            assert not is_nan[[stem for stem in range(N_STEMS) if stem not in silent]].any(), name


def check_both_silent_is_nan(module: Any) -> None:
    """An estimate that keeps silent with its target is equal to it, and still has no score."""
    estimates, targets = _pair()
    estimates[1] = targets[1] = 0
    if getattr(module, "REFUSES_SILENCE", False):
        with pytest.raises((AuralflowError, ValueError)):
            _score(module, estimates, targets)
        return
    assert all(values[1].isnan().all() for values in _score(module, estimates, targets).values())


def check_broken_sample_is_nan(module: Any) -> None:
    """A stem with such a sample has no score, or an infinitely bad one; a metric may also refuse it."""
    for bad in (math.nan, math.inf):
        estimates, targets = _pair()
        estimates[1, 0, 5000] = bad
        try:
            scores = _score(module, estimates, targets)
        except (AuralflowError, ValueError):
            continue
        for name, values in scores.items():
            worst = -math.inf if _is_higher_better(module, name) else math.inf
            assert (values[1].isnan() | (values[1] == worst)).any(), name


def check_order_of_stems(module: Any) -> None:
    order = [2, 0, 1]
    estimates, targets = _pair()
    scores, shuffled = _score(module, estimates, targets), _score(module, estimates[order], targets[order])
    for name in scores:
        torch.testing.assert_close(shuffled[name], scores[name][order], rtol=1e-6, atol=1e-6)


def check_stems_are_independent(module: Any) -> None:
    """Another stem's estimate never matters; its target does only where the module says so."""
    estimates, targets = _pair()
    scores = _score(module, estimates, targets)
    others = estimates.clone()
    others[0] = _noise(7)[0]
    changed = [_score(module, others, targets)]
    if not getattr(module, "USES_ALL_TARGETS", False):
        changed.append({name: values[[0, 0, 1]] for name, values in _score(module, estimates[1:], targets[1:]).items()})
    for name in scores:
        for other in changed:
            torch.testing.assert_close(other[name][1:], scores[name][1:], rtol=1e-6, atol=1e-6)


def check_single_precision(module: Any) -> None:
    estimates, targets = _pair()
    double, single = _score(module, estimates, targets), _score(module, estimates.float(), targets.float())
    for name in double:
        torch.testing.assert_close(single[name].double(), double[name].double(), rtol=1e-4, atol=1e-3)


def check_mono_and_odd_lengths(module: Any) -> None:
    estimates, targets = _pair()
    for values in _score(module, estimates[:, :1, :12345], targets[:, :1, :12345]).values():
        assert values.isfinite().all()


def check_statements(module: Any) -> None:
    columns = set(_score(module, *_pair()))
    direction = module.HIGHER_IS_BETTER
    assert isinstance(direction, bool) or set(direction) == columns
    assert isinstance(module.SOURCE, str)
    assert module.SOURCE
    assert list(inspect.signature(module.metric).parameters) == ["estimates", "targets", "sample_rate"]
    text = inspect.getdoc(module.metric) or ""
    assert "Shape:" in text
    assert "Example:" in text
    assert "NaN" in text


CHECKS: list[Callable[[Any], None]] = [
    check_shapes,
    check_finite,
    check_is_reproducible,
    check_equal_estimate_scores_best,
    check_worse_scores_worse,
    check_silent_target_is_nan,
    check_both_silent_is_nan,
    check_broken_sample_is_nan,
    check_order_of_stems,
    check_stems_are_independent,
    check_single_precision,
    check_mono_and_odd_lengths,
    check_statements,
]


def _load(name: str) -> Any:
    """The module's statements, the function as `metric`, and the name."""
    metric = metrics.load(name)
    module = importlib.import_module(metric.__module__)
    return SimpleNamespace(**vars(module) | {"metric": metric, "name": name})


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", metrics.names())
def test_promise(name: str, check: Callable[[Any], None]) -> None:
    check(_load(name))


def test_there_are_metrics() -> None:
    wanted = "sdr si_sdr si_bss snr l1_freq multi_stft bleedless_fullness log_spectral_distance residual_loudness"
    assert set(wanted.split()) <= set(metrics.names())


def test_no_two_metrics_write_the_same_column() -> None:
    columns = [column.name for name in metrics.names() for column in load_metric(name).columns]
    assert len(columns) == len(set(columns))


@pytest.mark.parametrize("name", metrics.names())
def test_columns_are_those_of_an_answer(name: str) -> None:
    """Also what `auralflow test` takes them for, which never asks before it scores."""
    metric = load_metric(name)
    scores = _score(_load(name), *_pair())
    assert [(c.name, c.is_framewise) for c in metric.columns] == [(n, v.ndim == 2) for n, v in scores.items()]
    assert (metric.window_s is not None) == any(column.is_framewise for column in metric.columns)
    if metric.window_s is not None:
        n_frames = {values.shape[1] for values in scores.values()}
        assert n_frames == {N_SAMPLES // round(metric.window_s * SAMPLE_RATE)}


class Sound:
    """Nothing wrong with it: SDR. Those below break one thing each."""

    name = "sound"
    HIGHER_IS_BETTER: Any = True
    SOURCE = "definition"

    def metric(self, estimates: Tensor, targets: Tensor, *, sample_rate: int) -> dict[str, Tensor]:
        """SDR; NaN where silent.

        Shape:
            As promised.

        Example:
            None.
        """
        return {"sdr": self.measure(estimates, targets)}

    def measure(self, estimates: Tensor, targets: Tensor) -> Tensor:
        energy, error = (part.square().sum((1, 2)) for part in (targets, targets - estimates))
        return torch.where(energy > 0, 10 * (energy / error).log10(), torch.nan)


class OneNumber(Sound):
    def measure(self, estimates: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimates, targets).mean()


class WritesIntoTargets(Sound):
    def measure(self, estimates: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimates, targets.mul_(0.9))


class InfiniteOnSound(Sound):
    def measure(self, estimates: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimates, targets) + torch.inf


class Dice(Sound):
    def measure(self, estimates: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimates, targets) + torch.rand(())


class WantsHalf(Sound):
    def measure(self, estimates: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimates, 0.5 * targets)


class OtherOptimum(Sound):
    BEST = 50.0


class WrongWay(Sound):
    HIGHER_IS_BETTER = False


class Saturates(Sound):
    def measure(self, estimates: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimates, targets).clamp(min=10.0)


class SilenceIsZero(Sound):
    def measure(self, estimates: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimates, targets).nan_to_num(nan=0.0, posinf=torch.inf)


class SilenceSpreads(Sound):
    def measure(self, estimates: Tensor, targets: Tensor) -> Tensor:
        scores = super().measure(estimates, targets)
        return torch.where((targets == 0).all(2).any(), torch.nan, scores)


class SilentPairIsPerfect(Sound):
    def measure(self, estimates: Tensor, targets: Tensor) -> Tensor:
        is_equal = (estimates == targets).flatten(1).all(1)
        return torch.where(is_equal, torch.inf, super().measure(estimates, targets))


class DropsBrokenSamples(Sound):
    def measure(self, estimates: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimates.nan_to_num(posinf=0.0), targets)


class KnowsThePlace(Sound):
    def measure(self, estimates: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimates, targets) - torch.arange(len(targets))


class OneLevelForAll(Sound):
    def measure(self, estimates: Tensor, targets: Tensor) -> Tensor:
        scores = super().measure(estimates, targets)
        return torch.where(scores.isnan(), torch.nan, scores - 10 * targets.square().mean().log10())


class LooksAtOtherEstimates(Sound):
    USES_ALL_TARGETS = True

    def measure(self, estimates: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimates, targets) - estimates.square().mean()


class AddsTooLittle(Sound):
    """What float32 cannot tell from nothing."""

    def measure(self, estimates: Tensor, targets: Tensor) -> Tensor:
        error = ((targets - estimates) + 1e6) - 1e6
        return super().measure(targets - error, targets)


class WantsStereo(Sound):
    def measure(self, estimates: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimates[:, 1:], targets[:, 1:])


class NoSource(Sound):
    SOURCE = ""


class HalfADirection(Sound):
    HIGHER_IS_BETTER = {"other": True}  # noqa: RUF012


class NoShape(Sound):
    def metric(self, estimates: Tensor, targets: Tensor, *, sample_rate: int) -> dict[str, Tensor]:
        """SDR."""
        return super().metric(estimates, targets, sample_rate=sample_rate)


BROKEN: list[tuple[Callable[[Any], None], type]] = [
    (check_shapes, OneNumber),
    (check_shapes, WritesIntoTargets),
    (check_finite, InfiniteOnSound),
    (check_is_reproducible, Dice),
    (check_equal_estimate_scores_best, WantsHalf),
    (check_equal_estimate_scores_best, OtherOptimum),
    (check_equal_estimate_scores_best, WrongWay),
    (check_worse_scores_worse, WrongWay),
    (check_worse_scores_worse, Saturates),
    (check_silent_target_is_nan, SilenceIsZero),
    (check_silent_target_is_nan, SilenceSpreads),
    (check_both_silent_is_nan, SilenceIsZero),
    (check_both_silent_is_nan, SilentPairIsPerfect),
    (check_broken_sample_is_nan, DropsBrokenSamples),
    (check_order_of_stems, KnowsThePlace),
    (check_stems_are_independent, OneLevelForAll),
    (check_stems_are_independent, LooksAtOtherEstimates),
    (check_single_precision, AddsTooLittle),
    (check_mono_and_odd_lengths, WantsStereo),
    (check_statements, NoSource),
    (check_statements, HalfADirection),
    (check_statements, NoShape),
]


@pytest.mark.parametrize("check", CHECKS)
def test_accepts_a_sound_metric(check: Callable[[Any], None]) -> None:
    check(Sound())


@pytest.mark.parametrize(("check", "broken"), BROKEN)
def test_rejects_a_broken_metric(check: Callable[[Any], None], broken: type) -> None:
    torch.manual_seed(0)
    with pytest.raises((AssertionError, KeyError, pytest.fail.Exception)):
        check(broken())


def test_every_check_has_a_broken_metric_to_reject() -> None:
    assert {check for check, _ in BROKEN} == set(CHECKS)
