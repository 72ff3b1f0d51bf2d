"""What every model promises, asked of each file in `auralflow.models`; a new file is asked with no new test.

A model is built with its own `SPEC` and with the small config `TINY` of its file, or the default config where there is
none. The checks are plain functions that take what they need, so that the second half of this file can show each of
them rejecting a model that is broken on purpose.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from auralflow.config import from_yaml, to_yaml
from auralflow.models import models
from auralflow.registry import config_class
from auralflow.spec import ModelSpec
from auralflow.speed.prepare import prepare

LENGTHS = (0, 1, 999, 44107)
Build = Callable[[], nn.Module]


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@torch.inference_mode()
def _separate(model: nn.Module, mixture: Tensor) -> Tensor:
    return model.eval()(mixture)


def _filters_its_input(model: nn.Module, spec: ModelSpec) -> bool:
    """Masks, and methods without parameters, can only let through what is there; an untrained net may do anything."""
    if not list(model.parameters()):
        return True
    return hasattr(model, "estimate") and model.eval().estimate(_noise(1, spec.channels, 999)).masks is not None


def check_shape(model: nn.Module, spec: ModelSpec, n_samples: int) -> None:
    stems = _separate(model, _noise(1, spec.channels, n_samples))
    assert stems.shape == (1, len(spec.stems), spec.channels, n_samples)
    assert stems.dtype == torch.float32
    assert stems.isfinite().all()


def check_output_depends_on_input(model: nn.Module, spec: ModelSpec) -> None:
    one, other = (_separate(model, _noise(1, spec.channels, 9001, seed=seed)) for seed in (0, 1))
    for stem in range(len(spec.stems)):
        assert (one[:, stem] - other[:, stem]).abs().max() > 1e-6


def check_time_is_kept(model: nn.Module, spec: ModelSpec) -> None:
    """The sum of the stems is most like the mixture at lag zero."""
    if not _filters_its_input(model, spec):
        return
    mixture = torch.zeros(1, spec.channels, 30011)
    mixture[..., 12000:16000] = _noise(1, spec.channels, 4000)
    total = _separate(model, mixture).sum(1)
    spectrum = torch.fft.rfft(total, n=2**16) * torch.fft.rfft(mixture, n=2**16).conj()
    correlation = torch.fft.irfft(spectrum).sum(dim=(0, 1))
    assert correlation.argmax() == 0


def check_silence(model: nn.Module, spec: ModelSpec) -> None:
    for n_samples in (1, 9001):
        stems = _separate(model, torch.zeros(1, spec.channels, n_samples))
        assert stems.isfinite().all()
        if _filters_its_input(model, spec):
            assert (stems == 0).all()


def check_batch_items_are_independent(model: nn.Module, spec: ModelSpec) -> None:
    mixture = _noise(3, spec.channels, 9001)
    changed = mixture.clone()
    changed[0] = 5 * changed[0].flip(-1) + 1
    before = _separate(model, mixture)
    torch.testing.assert_close(_separate(model, changed)[1:], before[1:], rtol=0, atol=1e-7)
    torch.testing.assert_close(_separate(model, mixture[1:2]), before[1:2], rtol=0, atol=1e-5)


def check_runs_are_equal(model: nn.Module, spec: ModelSpec) -> None:
    mixture = _noise(2, spec.channels, 9001)
    assert torch.equal(_separate(model, mixture), _separate(model, mixture))


def check_every_parameter_gets_a_gradient(model: nn.Module, spec: ModelSpec) -> None:
    if not list(model.parameters()):
        return
    model.train()(_noise(2, spec.channels, 9001)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert (parameter.grad != 0).any(), name


def check_state_round_trip(build: Build, spec: ModelSpec) -> None:
    torch.manual_seed(1)
    model = build()
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(0.01)
    torch.manual_seed(2)
    other = build()
    other.load_state_dict(model.state_dict())
    mixture = _noise(1, spec.channels, 9001)
    assert torch.equal(_separate(other, mixture), _separate(model, mixture))


def check_selection(model: nn.Module, spec: ModelSpec) -> None:
    """Any choice of stems, in any order, equals that part of the whole."""
    mixture = _noise(1, spec.channels, 9001)
    whole = _separate(model, mixture)
    for chosen in [(stem,) for stem in spec.stems] + [spec.stems[::-1]]:
        stems = _separate(model.select(chosen), mixture)
        expected = whole[:, [spec.stems.index(stem) for stem in chosen]]
        torch.testing.assert_close(stems, expected, rtol=0, atol=1e-6)


def check_inference_equals_training(model: nn.Module, spec: ModelSpec) -> None:
    """Where nothing is learnt a model may compute another way, and be prepared for it; it gives the same."""
    _unsettle(model.eval())
    mixture = _noise(2, spec.channels, 9001)
    learning = model(mixture).detach()
    scale = float(learning.abs().max())
    for fast in (model, prepare(model)):
        torch.testing.assert_close(_separate(fast, mixture), learning, rtol=0, atol=1e-5 * scale)


def _unsettle(model: nn.Module) -> None:
    """Give what begins at zero or one, statistics too, some other value."""
    draws = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.ndim == 1 and tensor.is_floating_point() and "freqs" not in name:
                tensor.add_(0.2 * torch.rand(tensor.shape, generator=draws))


def check_config_round_trip(config: Any) -> None:
    assert from_yaml(type(config), to_yaml(config)) == config


def check_config_is_documented(config: type) -> None:
    """A docstring stands under every field; it is the field's help text."""
    body = ast.parse(inspect.getsource(config)).body[0].body
    for field, below in zip(body, [*body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign):
            is_documented = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            assert is_documented, f"{config.__name__}.{field.target.id} has no docstring"


@dataclasses.dataclass(frozen=True)
class Part:
    """A model file: its class, spec and configs, and one model built from them."""

    build: Build
    spec: ModelSpec
    config_class: type
    configs: tuple[Any, ...]
    module: Any
    model: nn.Module


@pytest.fixture(scope="module", params=models.names())
def part(request: pytest.FixtureRequest) -> Part:
    model = models.load(request.param)
    module = sys.modules[model.__module__]
    configs = (config_class(model)(), *([module.TINY] if hasattr(module, "TINY") else []))

    def build() -> nn.Module:
        return model(module.SPEC, configs[-1])

    torch.manual_seed(0)
    return Part(build, module.SPEC, config_class(model), configs, module, build())


@pytest.fixture
def running(part: Part) -> Part:
    """A model that computes as it is built; one that only runs what is loaded into it has tests of its own."""
    if getattr(part.module, "INFERENCE_ONLY", False):
        pytest.skip("for inference only")
    return part


def test_there_are_models() -> None:
    assert {"spectrogram_net_simple", "spectrogram_net_lstm", "spectrogram_net_vae"} <= set(models.names())


@pytest.mark.parametrize("n_samples", LENGTHS)
def test_shape_and_length(running: Part, n_samples: int) -> None:
    check_shape(running.model, running.spec, n_samples)


@pytest.mark.parametrize(
    "check",
    [
        check_output_depends_on_input,
        check_time_is_kept,
        check_silence,
        check_batch_items_are_independent,
        check_runs_are_equal,
        check_every_parameter_gets_a_gradient,
        check_inference_equals_training,
    ],
)
def test_promise(running: Part, check: Callable[[nn.Module, ModelSpec], None]) -> None:
    check(running.model, running.spec)


def test_state_round_trip(running: Part) -> None:
    check_state_round_trip(running.build, running.spec)


def test_selection(part: Part) -> None:
    if not hasattr(part.model, "select"):
        pytest.skip("offers no selection")
    check_selection(part.model, part.spec)


def test_configs(part: Part) -> None:
    for config in (*part.configs, part.spec):
        check_config_round_trip(config)
    check_config_is_documented(part.config_class)


def test_file_says_what_it_is(part: Part) -> None:
    assert "shape" in (part.module.__doc__ or "").lower()
    assert part.model.spec == part.spec


BROKEN_SPEC = ModelSpec(("vocals", "other"), 44100, 2, segment_samples=44100)


class Sound(nn.Module):
    """Nothing wrong with it: two different shares of the mixture. Those below break one thing each."""

    def __init__(self) -> None:
        super().__init__()
        self.spec = BROKEN_SPEC
        self.share = nn.Parameter(torch.rand(1, 2, 1, 1) + 0.5)

    def forward(self, mixture: Tensor) -> Tensor:
        return mixture.unsqueeze(1) * self.share

    def estimate(self, mixture: Tensor) -> Any:
        return SimpleNamespace(masks=self.share)

    def select(self, stems: tuple[str, ...]) -> nn.Module:
        part = Sound()
        part.share = nn.Parameter(self.share[:, [self.spec.stems.index(stem) for stem in stems]])
        return part


class Zeros(Sound):
    def forward(self, mixture: Tensor) -> Tensor:
        return torch.zeros_like(super().forward(mixture))


class OneStemIsConstant(Sound):
    def forward(self, mixture: Tensor) -> Tensor:
        return super().forward(mixture) * torch.tensor([1.0, 0.0]).reshape(1, 2, 1, 1)


class Late(Sound):
    def forward(self, mixture: Tensor) -> Tensor:
        return super().forward(mixture).roll(1, dims=-1)


class Early(Sound):
    def forward(self, mixture: Tensor) -> Tensor:
        return super().forward(mixture).roll(-500, dims=-1)


class NoStemAxis(Sound):
    def forward(self, mixture: Tensor) -> Tensor:
        return super().forward(mixture)[:, 0]


class Shorter(Sound):
    def forward(self, mixture: Tensor) -> Tensor:
        return super().forward(mixture)[..., : mixture.shape[-1] // 2 * 2]


class SwappedAxes(Sound):
    def __init__(self) -> None:
        super().__init__()
        self.spec = ModelSpec(("a", "b", "c"), 44100, 2, segment_samples=44100)
        self.share = nn.Parameter(torch.rand(1, 3, 1, 1))

    def forward(self, mixture: Tensor) -> Tensor:
        return super().forward(mixture).transpose(1, 2)


class NaNOnSilence(Sound):
    def forward(self, mixture: Tensor) -> Tensor:
        return super().forward(mixture / mixture.abs().amax())


class Hiss(Sound):
    def forward(self, mixture: Tensor) -> Tensor:
        return super().forward(mixture) + 1e-6


class MixesItems(Sound):
    def forward(self, mixture: Tensor) -> Tensor:
        return super().forward(mixture - 1e-3 * mixture.mean(dim=0, keepdim=True))


class NormalisesOverTheBatch(Sound):
    def forward(self, mixture: Tensor) -> Tensor:
        return super().forward(mixture / (1 + mixture.std()))


class Random(Sound):
    def forward(self, mixture: Tensor) -> Tensor:
        return nn.functional.dropout(super().forward(mixture), 0.1)


class Unused(Sound):
    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.ones(3))


class Dead(Unused):
    def forward(self, mixture: Tensor) -> Tensor:
        return super().forward(mixture) + 0 * self.unused.sum()


class Forgetful(Sound):
    """Part of what it is lies outside its state."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = torch.rand(1)

    def forward(self, mixture: Tensor) -> Tensor:
        return super().forward(mixture) * self.hidden


class LearnsAnotherWay(Sound):
    def forward(self, mixture: Tensor) -> Tensor:
        return super().forward(mixture) * (1.001 if torch.is_grad_enabled() else 1.0)


class SelectsTheFirst(Sound):
    def select(self, stems: tuple[str, ...]) -> nn.Module:
        return super().select(self.spec.stems[: len(stems)])


def _check_shapes(model: nn.Module, spec: ModelSpec) -> None:
    for n_samples in LENGTHS:
        check_shape(model, spec, n_samples)


CHECKS = [
    _check_shapes,
    check_output_depends_on_input,
    check_time_is_kept,
    check_silence,
    check_batch_items_are_independent,
    check_runs_are_equal,
    check_every_parameter_gets_a_gradient,
    check_inference_equals_training,
    check_selection,
]
BROKEN = [
    (check_output_depends_on_input, Zeros),
    (check_output_depends_on_input, OneStemIsConstant),
    (check_time_is_kept, Late),
    (check_time_is_kept, Early),
    (_check_shapes, NoStemAxis),
    (_check_shapes, Shorter),
    (_check_shapes, SwappedAxes),
    (check_silence, NaNOnSilence),
    (check_silence, Hiss),
    (check_batch_items_are_independent, MixesItems),
    (check_batch_items_are_independent, NormalisesOverTheBatch),
    (check_runs_are_equal, Random),
    (check_every_parameter_gets_a_gradient, Unused),
    (check_every_parameter_gets_a_gradient, Dead),
    (check_inference_equals_training, LearnsAnotherWay),
    (check_selection, SelectsTheFirst),
]


@pytest.mark.parametrize("check", CHECKS)
def test_accepts_a_sound_model(check: Callable[[nn.Module, ModelSpec], None]) -> None:
    torch.manual_seed(0)
    check(Sound(), BROKEN_SPEC)


@pytest.mark.parametrize(("check", "broken"), BROKEN)
def test_rejects_a_broken_model(check: Callable[[nn.Module, ModelSpec], None], broken: type[Sound]) -> None:
    torch.manual_seed(0)
    model = broken()
    with pytest.raises(AssertionError):
        check(model, model.spec)


def test_every_check_has_a_broken_model_to_reject() -> None:
    assert {check for check, _ in BROKEN} == set(CHECKS)


def test_rejects_state_outside_the_state_dict() -> None:
    check_state_round_trip(Sound, BROKEN_SPEC)
    with pytest.raises(AssertionError):
        check_state_round_trip(Forgetful, BROKEN_SPEC)


def test_rejects_a_config_that_yaml_changes() -> None:
    @dataclasses.dataclass(frozen=True)
    class Lossy:
        values: tuple[int, ...] = (1, 2)
        """A list that is not turned into a tuple again compares unequal."""

        def __post_init__(self) -> None:
            object.__setattr__(self, "values", self.values[:1] + self.values)

    with pytest.raises(AssertionError):
        check_config_round_trip(Lossy())


def test_rejects_a_field_without_a_docstring() -> None:
    with pytest.raises(AssertionError, match=r"Undocumented\.second has no docstring"):
        check_config_is_documented(Undocumented)


@dataclasses.dataclass(frozen=True)
class Undocumented:
    first: int = 1
    """This one is fine."""
    second: int = 2
