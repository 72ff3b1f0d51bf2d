"""What every loss promises, asked of each file in `auralflow.losses`; a new file is asked with no new test.

A loss is built with its default options, and once more for every value of an option that names its choices. The
checks are plain functions, so that the second half of this file can show each of them rejecting a loss that is broken
on purpose.

The stems sound one after the other with silence between them, so that masks can be perfect.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from auralflow.config import from_dict, from_yaml, to_yaml
from auralflow.dsp.stft import STFTConfig, stft
from auralflow.errors import ConfigError, ShapeError
from auralflow.estimate import Estimate
from auralflow.losses import Loss, LossTerm, build_losses, losses
from auralflow.models.spectrogram_net_vae import TINY, SpectrogramNetVAE
from auralflow.spec import ModelSpec

N_SAMPLES, N_BATCH, N_STEMS = 2400, 3, 3
CONFIG = STFTConfig(128, 32)
LEAVES = ("stems", "masks")
"""What the gradient flows through, and has a stem axis."""


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _make_targets(seed: int = 0) -> Tensor:
    """Noise whose stems take turns; a frame never sees two of them."""
    turn = N_SAMPLES // N_STEMS
    targets = torch.zeros(N_BATCH, N_STEMS, 2, N_SAMPLES)
    for stem in range(N_STEMS):
        targets[:, stem, :, stem * turn + CONFIG.n_fft : (stem + 1) * turn - CONFIG.n_fft] = 1
    return targets * _noise(*targets.shape, seed=seed)


def _transform(waveform: Tensor) -> Tensor:
    return stft(waveform, CONFIG)


def _make_estimate(targets: Tensor, error: float = 0.0, mixture: Tensor | None = None) -> Estimate:
    """Perfect but for so much error, in everything that a loss could look at; what has a gradient is a leaf."""
    mixture = targets.sum(1) if mixture is None else mixture
    magnitudes = _transform(targets).abs()
    ideal = (magnitudes / magnitudes.sum(1, keepdim=True).clamp(min=1e-12)).clamp(0, 1)
    wrong = torch.rand(ideal.shape, generator=torch.Generator().manual_seed(1)).to(ideal)
    mean, log_variance = error * _noise(N_BATCH, 5, seed=2), error * _noise(N_BATCH, 5, seed=3)
    return Estimate(
        (targets + error * _noise(*targets.shape, seed=4).to(targets)).requires_grad_(),
        mixture,
        ((1 - error) * ideal + error * wrong).requires_grad_(),
        _transform,
        (mean.requires_grad_(), log_variance.requires_grad_()),
    )


def _compute_gradients(loss: Loss, estimate: Estimate, targets: Tensor) -> dict[str, Tensor]:
    """Of everything that a loss may read, zero where it does not."""
    assert estimate.latent is not None
    leaves = {name: getattr(estimate, name) for name in LEAVES} | dict(zip("mv", estimate.latent, strict=True))
    gradients = torch.autograd.grad(loss(estimate, targets), list(leaves.values()), materialize_grads=True)
    return dict(zip(leaves, gradients, strict=True))


def check_scalar(loss: Loss) -> None:
    targets = _make_targets()
    before, estimate = targets.clone(), _make_estimate(targets, 0.5)
    value = loss(estimate, targets)
    assert value.shape == ()
    assert value.dtype == torch.float32
    assert value.isfinite()
    assert value.requires_grad
    assert torch.equal(value, loss(estimate, targets))
    assert torch.equal(targets, before)


def check_minimum_is_the_perfect_estimate(loss: Any) -> None:
    targets = _make_targets()
    best = loss(_make_estimate(targets), targets).item()
    if loss.minimum is not None:
        assert best == pytest.approx(loss.minimum, abs=1e-5)
    for error in (0.01, 0.3, 1.0):
        assert loss(_make_estimate(targets, error), targets).item() > best


def check_grows_with_the_error(loss: Loss) -> None:
    targets = _make_targets()
    values = [loss(_make_estimate(targets, error), targets).item() for error in (0.0, 0.03, 0.1, 0.3, 1.0)]
    assert values == sorted(values)
    assert len(set(values)) == len(values)


def _replace(estimate: Estimate, **changes: Any) -> Estimate:
    """The same estimate, but for some of its fields."""
    names = ("stems", "mixture", "masks", "transform", "latent")
    return Estimate(**{name: getattr(estimate, name) for name in names} | changes)


def check_gradient_leads_down(loss: Loss) -> None:
    targets = _make_targets()
    estimate = _make_estimate(targets, 0.5)
    gradients = _compute_gradients(loss, estimate, targets)
    size = max(gradient.abs().max().item() for gradient in gradients.values())
    assert size > 0
    step = 1e-4 / size
    assert estimate.masks is not None
    better = _replace(
        estimate,
        stems=estimate.stems - step * gradients["stems"],
        masks=estimate.masks - step * gradients["masks"],
        latent=tuple(leaf - step * gradients[name] for name, leaf in zip("mv", estimate.latent or (), strict=True)),
    )
    assert loss(better, targets) < loss(estimate, targets)


def _silences() -> Iterator[tuple[Estimate, Tensor]]:
    """Silent target and estimate, silent target, silent estimate; all stems or one of them."""
    sounding, silence = _make_targets(), torch.zeros(N_BATCH, N_STEMS, 2, N_SAMPLES)
    one_silent = sounding.clone()
    one_silent[:, 1] = 0
    yield _make_estimate(silence), silence
    yield _make_estimate(sounding, mixture=sounding.sum(1)), silence
    yield _make_estimate(sounding, mixture=silence.sum(1)), silence
    yield _make_estimate(silence, mixture=sounding.sum(1)), sounding
    yield _make_estimate(one_silent), one_silent
    yield _make_estimate(sounding, mixture=one_silent.sum(1)), one_silent
    yield _make_estimate(one_silent, mixture=sounding.sum(1)), sounding


def check_silence_is_finite(loss: Loss) -> None:
    for estimate, targets in _silences():
        assert loss(estimate, targets).isfinite()
        for name, gradient in _compute_gradients(loss, estimate, targets).items():
            assert gradient.isfinite().all(), name


def check_silence_through_a_model(loss: Loss) -> None:
    """Silence in, and a silent stem in a mixture that is not, under a model with masks, transform and latent."""
    spec = ModelSpec(("a", "b", "c"), 44100, 2, segment_samples=44100)
    silence, sounding = torch.zeros(N_BATCH, N_STEMS, 2, N_SAMPLES), _make_targets()
    for mixture, targets in ((silence.sum(1), silence), (sounding.sum(1), silence), (sounding.sum(1), sounding)):
        torch.manual_seed(0)
        model: nn.Module = SpectrogramNetVAE(spec, TINY).train()
        value = loss(model.estimate(mixture), targets)  # type: ignore[operator]
        assert value.isfinite()
        value.backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is None or parameter.grad.isfinite().all(), name


def check_silent_target_pushes_the_estimate_down(loss: Loss) -> None:
    """Going down the gradient makes the estimate of the silent stem quieter, or its mask smaller."""
    targets = _make_targets()
    targets[:, 1] = 0
    gradients = _compute_gradients(loss, estimate := _make_estimate(targets, 0.3), targets)
    along = sum((gradients[name][:, 1] * getattr(estimate, name)[:, 1]).sum() for name in LEAVES)
    assert along > 0


def check_half_precision(loss: Loss) -> None:
    targets = _make_targets()
    estimate = _make_estimate(targets, 0.3)
    value = loss(estimate, targets).item()
    for dtype in (torch.float16, torch.bfloat16):
        assert estimate.masks is not None
        assert estimate.latent is not None
        half = _replace(
            estimate,
            stems=estimate.stems.to(dtype),
            mixture=estimate.mixture.to(dtype),
            masks=estimate.masks.to(dtype),
            latent=tuple(leaf.to(dtype) for leaf in estimate.latent),
        )
        assert loss(half, targets.to(dtype)).item() == pytest.approx(value, rel=0.01, abs=0.01 * abs(value))
        quiet = _replace(half, stems=1e-3 * half.stems)
        gradient = torch.autograd.grad(loss(quiet, 1e-3 * targets), estimate.stems, materialize_grads=True)[0]
        assert gradient.isfinite().all()


def check_batch_is_the_mean_of_its_items(loss: Loss) -> None:
    """So that accumulated or distributed batches train like one large batch."""
    targets = _make_targets() * torch.tensor([0.1, 1.0, 3.0]).reshape(-1, 1, 1, 1)
    estimate = _make_estimate(targets, 0.5)
    values = []
    for item in range(N_BATCH):
        part = slice(item, item + 1)
        assert estimate.masks is not None
        assert estimate.latent is not None
        alone = Estimate(
            estimate.stems[part],
            estimate.mixture[part],
            estimate.masks[part],
            estimate.transform,
            tuple(leaf[part] for leaf in estimate.latent),
        )
        values.append(loss(alone, targets[part]))
    torch.testing.assert_close(loss(estimate, targets), torch.stack(values).mean(), rtol=1e-5, atol=1e-6)


def check_needs(loss: Loss) -> None:
    """It works with the fields that it says it needs, and refuses an estimate that lacks one."""
    optional = {"masks", "transform", "latent"}
    assert set(loss.needs) <= optional
    targets = _make_targets()
    full = _make_estimate(targets, 0.5)
    least = _replace(full, **dict.fromkeys(optional - set(loss.needs)))
    assert torch.equal(loss(least, targets), loss(full, targets))
    for need in loss.needs:
        with pytest.raises(ConfigError, match=need):
            loss(_replace(full, **{need: None}), targets)


def check_shapes_must_agree(loss: Loss) -> None:
    """A mono target would broadcast against stereo stems without a word."""
    targets = _make_targets()
    with pytest.raises(ShapeError, match=r"\(3, 3, 2, 2400\)"):
        loss(_make_estimate(targets, 0.5), targets[:, :, :1])


def check_is_a_frozen_dataclass_that_yaml_keeps(loss: Any) -> None:
    assert from_yaml(type(loss), to_yaml(loss)) == loss
    with pytest.raises(dataclasses.FrozenInstanceError):
        loss.anything = 1


def check_is_documented(loss: Any) -> None:
    """Formula and source are in the docstring, and every option has one."""
    assert "Source:" in (inspect.getdoc(type(loss)) or "")
    body = ast.parse(inspect.cleandoc(inspect.getsource(type(loss)))).body[0]
    assert isinstance(body, ast.ClassDef)
    for option, below in zip(body.body, [*body.body[1:], None], strict=True):
        if isinstance(option, ast.AnnAssign):
            assert isinstance(below, ast.Expr), ast.unparse(option)
            assert isinstance(below.value, ast.Constant), ast.unparse(option)


CHECKS: list[Callable[[Any], None]] = [
    check_scalar,
    check_minimum_is_the_perfect_estimate,
    check_grows_with_the_error,
    check_gradient_leads_down,
    check_silence_is_finite,
    check_silence_through_a_model,
    check_silent_target_pushes_the_estimate_down,
    check_half_precision,
    check_batch_is_the_mean_of_its_items,
    check_needs,
    check_shapes_must_agree,
    check_is_a_frozen_dataclass_that_yaml_keeps,
    check_is_documented,
]


def _list_cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every loss as it is, and with every value of each option that names its choices."""
    for name in losses.names():
        part = losses.load(name)
        yield name, {}
        hints = typing.get_type_hints(part)
        for option in dataclasses.fields(part):
            if typing.get_origin(hints[option.name]) is typing.Literal:
                choices = set(typing.get_args(hints[option.name])) - {option.default}
                yield from ((name, {option.name: choice}) for choice in sorted(choices))
    yield "best_perm", {"loss": "mask"}
    yield "kl_divergence", {"reconstruction": "best_perm", "reconstruction_options": {"loss": "multi_stft"}}


def _name_case(case: tuple[str, dict[str, Any]]) -> str:
    return " ".join([case[0], *map(str, case[1].values())])


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("case", list(_list_cases()), ids=_name_case)
def test_promise(case: tuple[str, dict[str, Any]], check: Callable[[Any], None]) -> None:
    name, options = case
    check(from_dict(losses.load(name), options))


WANTS_A_NATURAL_REST = {check_minimum_is_the_perfect_estimate, check_grows_with_the_error}


@pytest.mark.parametrize("check", [check for check in CHECKS if check not in WANTS_A_NATURAL_REST])
def test_promise_of_three_components(check: Callable[[Any], None]) -> None:
    """Its least value is an evenly attenuated rest of the mixture, not a perfect estimate."""
    check(from_dict(losses.load("component"), {"alpha": 0.3, "beta": 0.4}))


def test_there_are_losses() -> None:
    wanted = "l1 l2 rmse mask component kl_divergence si_sdr snr best_perm multi_stft l1_freq log_wmse"
    assert set(wanted.split()) <= set(losses.names())


def test_every_loss_can_stand_in_a_sum() -> None:
    targets = _make_targets()
    total, values = build_losses([LossTerm(name, 0.5) for name in losses.names()])(
        _make_estimate(targets, 0.5), targets
    )
    assert list(values) == losses.names()
    torch.testing.assert_close(total.detach(), 0.5 * torch.stack(list(values.values())).sum())


@dataclass(frozen=True)
class Sound:
    """Nothing wrong with it: the mean absolute error. Those below break one thing each.

    Source: definition.
    """

    scale: float = 1.0
    """Factor of the value."""
    needs = ()
    minimum = 0.0

    def __call__(self, estimate: Estimate, targets: Tensor) -> Tensor:
        if estimate.stems.shape != targets.shape:
            raise ShapeError(f"expected {tuple(estimate.stems.shape)}, got {tuple(targets.shape)}")
        return self.scale * self.measure(estimate, estimate.stems.float(), targets.float())

    def measure(self, estimate: Estimate, stems: Tensor, targets: Tensor) -> Tensor:
        return (stems - targets).abs().mean()


class PerItem(Sound):
    def measure(self, estimate: Estimate, stems: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimate, stems, targets).expand(3)


class Detached(Sound):
    def measure(self, estimate: Estimate, stems: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimate, stems.detach(), targets)


class Dice(Sound):
    def measure(self, estimate: Estimate, stems: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimate, stems, targets) * torch.rand(())


class WritesIntoTargets(Sound):
    def measure(self, estimate: Estimate, stems: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimate, stems, targets.mul_(0.9))


class Offset(Sound):
    def measure(self, estimate: Estimate, stems: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimate, stems, targets) + 0.1


class WantsHalf(Sound):
    def measure(self, estimate: Estimate, stems: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimate, stems, 0.5 * targets)


class Saturates(Sound):
    def measure(self, estimate: Estimate, stems: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimate, stems, targets).clamp(max=0.005)


class WrongWay(Sound):
    def measure(self, estimate: Estimate, stems: Tensor, targets: Tensor) -> Tensor:
        value = super().measure(estimate, stems, targets)
        return 2 * value.detach() - value


class NoGradient(Sound):
    def measure(self, estimate: Estimate, stems: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimate, stems.detach(), targets) + 0 * stems.sum()


class DividesByTheTarget(Sound):
    def measure(self, estimate: Estimate, stems: Tensor, targets: Tensor) -> Tensor:
        return ((stems - targets).abs().sum((1, 2, 3)) / targets.abs().sum((1, 2, 3))).mean()


class RootOfTheError(Sound):
    """Finite value, infinite slope at zero."""

    def measure(self, estimate: Estimate, stems: Tensor, targets: Tensor) -> Tensor:
        return (stems - targets).square().sum((1, 2, 3)).sqrt().mean()


class SkipsSilence(Sound):
    def measure(self, estimate: Estimate, stems: Tensor, targets: Tensor) -> Tensor:
        is_sounding = targets.abs().amax((2, 3), keepdim=True) > 0
        return super().measure(estimate, stems * is_sounding, targets)


class SquaresInHalf(Sound):
    def __call__(self, estimate: Estimate, targets: Tensor) -> Tensor:
        if estimate.stems.shape != targets.shape:
            raise ShapeError(f"expected {tuple(estimate.stems.shape)}, got {tuple(targets.shape)}")
        return (1e4 * (estimate.stems - targets)).square().mean().float()


class OneScaleForTheBatch(Sound):
    def measure(self, estimate: Estimate, stems: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimate, stems, targets) / (1e-3 + targets.abs().mean())


class SumOverTheBatch(Sound):
    def measure(self, estimate: Estimate, stems: Tensor, targets: Tensor) -> Tensor:
        return super().measure(estimate, stems, targets) * len(targets)


class NeedsWhatItHides(Sound):
    def measure(self, estimate: Estimate, stems: Tensor, targets: Tensor) -> Tensor:
        masks = 0.0 if estimate.masks is None else estimate.masks.sum()
        return super().measure(estimate, stems, targets) + 0.001 * masks


class HidesWhatItNeeds(Sound):
    needs = ("latent",)


class Broadcasts(Sound):
    def __call__(self, estimate: Estimate, targets: Tensor) -> Tensor:
        return self.measure(estimate, estimate.stems, targets)


@dataclass(frozen=True)
class Forgets(Sound):
    """A value that its option does not keep."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", self.scale + 1)


@dataclass
class CanBeChanged:
    scale: float = 1.0


@dataclass(frozen=True)
class NoSource(Sound):
    """Mean absolute error."""


@dataclass(frozen=True)
class NoHelp(Sound):
    """Mean absolute error.

    Source: definition.
    """

    other: float = 1.0


BROKEN: list[tuple[Callable[[Any], None], type]] = [
    (check_scalar, PerItem),
    (check_scalar, Detached),
    (check_scalar, Dice),
    (check_scalar, WritesIntoTargets),
    (check_minimum_is_the_perfect_estimate, Offset),
    (check_minimum_is_the_perfect_estimate, WantsHalf),
    (check_grows_with_the_error, Saturates),
    (check_gradient_leads_down, WrongWay),
    (check_gradient_leads_down, NoGradient),
    (check_silence_is_finite, DividesByTheTarget),
    (check_silence_is_finite, RootOfTheError),
    (check_silence_through_a_model, DividesByTheTarget),
    (check_silence_through_a_model, RootOfTheError),
    (check_silent_target_pushes_the_estimate_down, SkipsSilence),
    (check_half_precision, SquaresInHalf),
    (check_batch_is_the_mean_of_its_items, OneScaleForTheBatch),
    (check_batch_is_the_mean_of_its_items, SumOverTheBatch),
    (check_needs, NeedsWhatItHides),
    (check_needs, HidesWhatItNeeds),
    (check_shapes_must_agree, Broadcasts),
    (check_is_a_frozen_dataclass_that_yaml_keeps, Forgets),
    (check_is_a_frozen_dataclass_that_yaml_keeps, CanBeChanged),
    (check_is_documented, NoSource),
    (check_is_documented, NoHelp),
]


@pytest.mark.parametrize("check", CHECKS)
def test_accepts_a_sound_loss(check: Callable[[Any], None]) -> None:
    check(Sound())


@pytest.mark.parametrize(("check", "broken"), BROKEN)
def test_rejects_a_broken_loss(check: Callable[[Any], None], broken: type) -> None:
    torch.manual_seed(0)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(broken())


def test_every_check_has_a_broken_loss_to_reject() -> None:
    assert {check for check, _ in BROKEN} == set(CHECKS)
