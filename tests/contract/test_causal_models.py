"""What every causal model promises, asked of each file in `auralflow.models` whose spec has a latency.

As in `test_models.py` the checks are plain functions, and the second half of this file shows each of them rejecting a
model that is broken on purpose.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from auralflow.models import models
from auralflow.models.blocks.causal import CausalModel
from auralflow.registry import config_class
from auralflow.spec import ModelSpec

CUTS = [(1, 2, 509, 3001), (4093,), (44107,)]
"""Lengths of blocks, taken in turn."""
N_SAMPLES = 12011


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _cut(mixture: Tensor, lengths: tuple[int, ...]) -> Iterator[Tensor]:
    start, turn = 0, 0
    while start < mixture.shape[-1]:
        yield mixture[..., start : start + lengths[turn % len(lengths)]]
        start, turn = start + lengths[turn % len(lengths)], turn + 1


@torch.inference_mode()
def _stream(model: Any, mixture: Tensor, lengths: tuple[int, ...]) -> Tensor:
    """All stems that `step` gives, those of the latency taken off."""
    latency = model.spec.latency_samples
    state, stems = model.eval().initial_state(len(mixture)), []
    for block in _cut(F.pad(mixture, (0, latency)), lengths):
        part, state = model.step(block, state)
        assert part.shape[-1] == block.shape[-1]
        stems.append(part)
    return torch.cat(stems, -1)[..., latency:]


@torch.inference_mode()
def check_stream_equals_whole(model: Any) -> None:
    mixture = _noise(2, model.spec.channels, N_SAMPLES)
    whole = model.eval()(mixture)
    for lengths in CUTS:
        torch.testing.assert_close(
            _stream(model, mixture, lengths), whole, rtol=0, atol=1e-5 * float(whole.abs().max())
        )


@torch.inference_mode()
def check_nothing_hears_later_than_the_latency(model: Any) -> None:
    """What changes from sample t on changes no stem before t - latency, bit by bit."""
    mixture = _noise(1, model.spec.channels, N_SAMPLES)
    before = model.eval()(mixture)
    for t in (5000, 7937):
        changed = mixture.clone()
        changed[..., t:] = _noise(1, model.spec.channels, N_SAMPLES - t, seed=1) * 3
        first = t - model.spec.latency_samples
        assert torch.equal(model(changed)[..., :first], before[..., :first])


@torch.inference_mode()
def check_it_is_late_by_the_latency(model: Any) -> None:
    """A click comes out of `step` the latency later: all stems together are loudest there, and silent before it."""
    latency = model.spec.latency_samples
    mixture = torch.zeros(1, model.spec.channels, 4 * latency + 9000)
    mixture[..., 3001] = 0.5
    state = model.eval().initial_state(1)
    stems, _ = model.step(mixture, state)
    total = stems.sum((0, 1, 2)).abs()
    assert total.argmax() == 3001 + latency
    assert total[:3001].max() == 0


@torch.inference_mode()
def check_streams_are_independent(model: Any) -> None:
    mixture = _noise(2, model.spec.channels, 9001)
    together = _stream(model, mixture, (997,))
    changed = torch.stack([5 * mixture[0].flip(-1) + 1, mixture[1]])
    torch.testing.assert_close(_stream(model, changed, (997,))[1], together[1], rtol=0, atol=1e-7)
    torch.testing.assert_close(_stream(model, mixture[1:], (997,)), together[1:], rtol=0, atol=1e-5)


@torch.inference_mode()
def check_state_is_not_changed(model: Any) -> None:
    """Two ways on from one state: as if the other had never been."""
    mixture = _noise(1, model.spec.channels, 9001)
    _, state = model.eval().step(mixture[..., :4001], model.initial_state())
    once, _ = model.step(mixture[..., 4001:4100], state)
    model.step(3 * mixture[..., 5001:], state)[0].add_(1)
    again, _ = model.step(mixture[..., 4001:4100], state)
    assert torch.equal(once, again)


def check_no_samples_change_nothing(model: Any) -> None:
    with torch.inference_mode():
        _, state = model.eval().step(_noise(1, model.spec.channels, 4001), model.initial_state())
        none, same = model.step(_noise(1, model.spec.channels, 0), state)
        block = _noise(1, model.spec.channels, 1777, seed=2)
        assert none.shape == (1, len(model.spec.stems), model.spec.channels, 0)
        assert torch.equal(model.step(block, same)[0], model.step(block, state)[0])


def _is_causal(name: str) -> bool:
    spec = getattr(sys.modules[models.load(name).__module__], "SPEC", None)
    return isinstance(spec, ModelSpec) and spec.latency_samples is not None


@pytest.fixture(scope="module", params=[name for name in models.names() if _is_causal(name)])
def model(request: pytest.FixtureRequest) -> nn.Module:
    model_class = models.load(request.param)
    module: Any = sys.modules[model_class.__module__]
    torch.manual_seed(0)
    built: nn.Module = model_class(module.SPEC, getattr(module, "TINY", config_class(model_class)()))
    return built


CHECKS: list[Callable[[Any], None]] = [
    check_stream_equals_whole,
    check_nothing_hears_later_than_the_latency,
    check_it_is_late_by_the_latency,
    check_streams_are_independent,
    check_state_is_not_changed,
    check_no_samples_change_nothing,
]


@pytest.mark.parametrize("check", CHECKS)
def test_promise(model: nn.Module, check: Callable[[Any], None]) -> None:
    assert isinstance(model, CausalModel)
    check(model)


def test_there_is_a_causal_model() -> None:
    assert "spectrogram_net_causal" in [name for name in models.names() if _is_causal(name)]


class Sound(nn.Module):
    """Nothing wrong with it: a short filter of the past for each stem, and a delay. Those below break one thing."""

    spec = ModelSpec(("vocals", "other"), 44100, 2, segment_samples=44100, latency_samples=100)
    delay = 100

    def forward(self, mixture: Tensor) -> Tensor:
        return self.filter(F.pad(mixture, (3, 0)))

    def filter(self, heard: Tensor) -> Tensor:
        """Three samples more in than out."""
        return torch.stack([heard[..., 3:] + 0.2 * heard[..., :-3], 0.5 * heard[..., 3:] - 0.1 * heard[..., 2:-1]], 1)

    def initial_state(self, batch: int = 1) -> Any:
        return torch.zeros(batch, 2, 3), torch.zeros(batch, 2, 2, self.delay)

    def step(self, block: Tensor, state: Any) -> tuple[Tensor, Any]:
        heard = torch.cat([state[0], block], -1)
        done = torch.cat([state[1], self.filter(heard)], -1)
        n = block.shape[-1]
        return done[..., :n].clone(), (heard[..., n:], done[..., n:])


class Forgets(Sound):
    def step(self, block: Tensor, state: Any) -> tuple[Tensor, Any]:
        stems, (_, done) = super().step(block, state)
        return stems, (state[0], done)


class HearsTheEnd(Sound):
    def forward(self, mixture: Tensor) -> Tensor:
        return super().forward(mixture) * (1 + mixture.mean())


class HearsOneMore(Sound):
    def forward(self, mixture: Tensor) -> Tensor:
        return super().forward(mixture) + 0.1 * F.pad(mixture, (0, 101))[..., 101:].unsqueeze(1)


class LaterThanItSays(Sound):
    delay = 101


class EarlierThanItSays(Sound):
    delay = 99


class MixesStreams(Sound):
    def step(self, block: Tensor, state: Any) -> tuple[Tensor, Any]:
        return super().step(block - 1e-3 * block.mean(0, keepdim=True), state)


class ChangesItsState(Sound):
    def step(self, block: Tensor, state: Any) -> tuple[Tensor, Any]:
        result = super().step(block, state)
        state[1].mul_(0.5)
        return result


class LendsItsState(Sound):
    def step(self, block: Tensor, state: Any) -> tuple[Tensor, Any]:
        n = block.shape[-1]
        stems, after = super().step(block, state)
        return (state[1][..., :n], after) if n <= self.delay else (stems, after)


class CountsBlocks(Sound):
    def step(self, block: Tensor, state: Any) -> tuple[Tensor, Any]:
        stems, (heard, done) = super().step(block, state)
        return stems, (heard, done * 0.999)


BROKEN = [
    (check_stream_equals_whole, Forgets),
    (check_stream_equals_whole, CountsBlocks),
    (check_stream_equals_whole, LaterThanItSays),
    (check_nothing_hears_later_than_the_latency, HearsTheEnd),
    (check_nothing_hears_later_than_the_latency, HearsOneMore),
    (check_it_is_late_by_the_latency, LaterThanItSays),
    (check_it_is_late_by_the_latency, EarlierThanItSays),
    (check_streams_are_independent, MixesStreams),
    (check_state_is_not_changed, ChangesItsState),
    (check_no_samples_change_nothing, CountsBlocks),
]


@pytest.mark.parametrize("check", CHECKS)
def test_accepts_a_sound_model(check: Callable[[Any], None]) -> None:
    check(Sound())


@pytest.mark.parametrize(("check", "broken"), BROKEN)
def test_rejects_a_broken_model(check: Callable[[Any], None], broken: type[Sound]) -> None:
    with pytest.raises(AssertionError):
        check(broken())


def test_rejects_stems_that_are_the_state() -> None:
    """What `step` gives may be changed by whoever gets it."""
    model = LendsItsState()
    _, state = model.step(_noise(1, 2, 4001), model.initial_state())
    stems, _ = model.step(_noise(1, 2, 99), state)
    stems.add_(1)
    assert not torch.equal(model.step(_noise(1, 2, 99), state)[0], stems - 1)


def test_every_check_has_a_broken_model_to_reject() -> None:
    assert {check for check, _ in BROKEN} == set(CHECKS)
