"""Plans of known functions give what can be worked out by hand."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from auralflow.audio.types import Audio
from auralflow.errors import Cancelled, ConfigError
from auralflow.separation.engine import Separator
from auralflow.separation.outputs import plan_outputs
from auralflow.separation.plan.config import PlanConfig, PlanStep
from auralflow.separation.plan.separator import PlanSeparator
from auralflow.separation.progress import CancelToken, Progress, Stopwatch

Noise = Callable[..., np.ndarray]
Open = Callable[..., PlanSeparator]
Gains = Callable[..., Any]
RATE = 8000

CHAIN = PlanConfig((
    PlanStep("voice", stems={"vocals": "vocals"}),
    PlanStep("band", input="mixture - vocals"),
    PlanStep("kit", input="drums"),
))  # fmt: skip


def separate(separator: PlanSeparator, mixture: np.ndarray, rate: int = RATE, **settings: Any) -> dict[str, np.ndarray]:
    return {name: stem.samples for name, stem in separator.separate(Audio(mixture, rate), **settings).items()}


@pytest.fixture
def chain(open_plan: Open, gains: Gains) -> PlanSeparator:
    return open_plan(
        CHAIN, voice=gains(vocals=0.25, other=0.7), band=gains(drums=0.5, bass=0.3), kit=gains(kick=0.6, snare=0.4)
    )


@pytest.mark.parametrize("n_samples", [0, 1, 999, RATE * 3 + 7])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_chain_of_gains_is_their_product(chain: PlanSeparator, noise: Noise, n_samples: int, channels: int) -> None:
    mixture = noise(channels, n_samples)
    got = separate(chain, mixture)
    factors = {"vocals": 0.25, "drums": 0.375, "bass": 0.225, "kick": 0.225, "snare": 0.15}
    assert list(got) == list(factors)
    for name, factor in factors.items():
        assert got[name].shape == mixture.shape
        assert np.abs(got[name] - factor * mixture).max(initial=0) < 1e-6


@pytest.mark.parametrize("rate", [RATE, 12000])
def test_a_plan_of_one_step_is_its_model(open_plan: Open, scripted: Any, noise: Noise, rate: int) -> None:
    model = scripted({"vocals": torch.sin, "other": torch.tanh})
    mixture = noise(2, 30_011)
    alone = Separator(model, device="cpu").separate(Audio(mixture, rate))
    got = separate(open_plan(PlanConfig((PlanStep("a"),)), a=model), mixture, rate)
    for name, stem in alone.items():
        np.testing.assert_array_equal(got[name], stem.samples)


def test_models_of_other_rates_are_aligned_to_the_sample(open_plan: Open, scripted: Any, noise: Noise) -> None:
    """What the first takes away is the third that it gave, or the residual would not be the rest."""
    slow = scripted({"vocals": lambda x: x / 3}, sample_rate=8000)
    fast = scripted({"rest": lambda x: x}, sample_rate=16000, segment_samples=12000, context_samples=100)
    separator = open_plan(
        PlanConfig((PlanStep("slow"), PlanStep("fast", input="mixture - vocals"))), slow=slow, fast=fast
    )
    assert (separator.spec.sample_rate, separator.spec.segment_samples) == (16000, 16000)
    n_samples = 36_013
    spectrum = np.fft.rfft(noise(2, n_samples))
    spectrum[:, np.fft.rfftfreq(n_samples, 1 / 12000) > 3000] = 0
    mixture = (np.fft.irfft(spectrum, n_samples) * np.hanning(n_samples)).astype(np.float32)
    got = separate(separator, mixture, 12000)
    assert np.abs(got["vocals"] - mixture / 3).max() < 2e-5
    assert np.abs(got["rest"] + got["vocals"] - mixture).max() < 2e-5


@pytest.mark.parametrize("average", ["waveform", "magnitude"])
def test_an_ensemble_is_the_weighted_mean(open_plan: Open, gains: Gains, noise: Noise, average: Any) -> None:
    steps = (PlanStep("a", weight=3.0), PlanStep("b", weight=9.0, weights={"vocals": 1.0}))
    separator = open_plan(
        PlanConfig(steps, average=average), a=gains(vocals=0.2, bass=0.1), b=gains(vocals=0.6, drums=0.4)
    )
    mixture = noise(2, 20_000)
    got = separate(separator, mixture)
    for name, factor in {"vocals": 0.3, "bass": 0.1, "drums": 0.4}.items():
        assert np.abs(got[name] - factor * mixture).max() < 2e-6


def test_a_step_hears_the_average_of_earlier_ones(open_plan: Open, gains: Gains, noise: Noise) -> None:
    steps = (PlanStep("a"), PlanStep("b"), PlanStep("c", input="mixture - vocals"))
    separator = open_plan(PlanConfig(steps), a=gains(vocals=0.2), b=gains(vocals=0.6), c=gains(rest=0.5))
    mixture = noise(2, 20_000)
    assert np.abs(separate(separator, mixture)["rest"] - 0.3 * mixture).max() < 1e-6


@pytest.mark.parametrize("step", [PlanStep("a", shifts=3), PlanStep("a", augment=("swap_channels", "invert"))])
def test_variants_of_an_indifferent_model_change_nothing(
    open_plan: Open, scripted: Any, noise: Noise, step: PlanStep
) -> None:
    def echo(x: torch.Tensor) -> torch.Tensor:
        return x + 0.5 * torch.nn.functional.pad(x, (100, 0))[..., : x.shape[-1]]

    mixture = noise(2, 30_011)
    plain, varied = (
        separate(open_plan(PlanConfig((each,)), a=scripted({"echo": echo})), mixture)["echo"]
        for each in (PlanStep("a"), step)
    )
    assert np.abs(plain - varied).max() < 1e-6


def test_variants_of_a_biased_model_take_the_bias_away(open_plan: Open, scripted: Any, noise: Noise) -> None:
    model = scripted({"left": lambda x: x * torch.tensor([[1.0], [0.0]]) + 0.1 * x**2})
    mixture = noise(2, 9000)
    separator = open_plan(PlanConfig((PlanStep("a", augment=("swap_channels", "invert")),)), a=model)
    left, right = separate(separator, mixture)["left"]
    square = 0.1 / 3 * mixture**2
    assert np.abs(left - (2 / 3 * mixture[0] + square[0])).max() < 1e-6
    assert np.abs(right - (1 / 3 * mixture[1] + square[1])).max() < 1e-6
    assert model.n_calls == 3 * 2


def test_only_what_a_stem_needs_is_opened_and_run(open_plan: Open, gains: Gains, noise: Noise) -> None:
    models = {
        "voice": gains(vocals=0.25, other=0.7),
        "band": gains(drums=0.5, bass=0.3),
        "kit": gains(kick=0.6, snare=0.4),
    }
    opened: list[int] = []
    separator = open_plan(CHAIN, opened=opened, **models)
    mixture = noise(2, 5000)
    got = separate(separator, mixture, outputs=plan_outputs(separator.spec.stems, ["vocals"]))
    assert (opened, list(got)) == ([0], ["vocals"])
    assert models["voice"].selected == [("vocals",)]
    assert [model.n_calls for model in models.values()] == [1, 0, 0]
    got = separate(separator, mixture, outputs=plan_outputs(separator.spec.stems, [], ["mine=bass+kick", "no=-kick"]))
    assert opened == [0, 1, 2]
    assert models["kit"].selected == [("kick",)]
    assert models["band"].selected == []  # both of its stems
    assert np.abs(got["mine"] - (0.225 + 0.225) * mixture).max() < 1e-6
    assert np.abs(got["no"] - (1 - 0.225) * mixture).max() < 1e-6


def test_stems_of_a_plan_can_be_made_to_sum_to_the_mixture(chain: PlanSeparator, noise: Noise) -> None:
    mixture = noise(2, 5000)
    outputs = plan_outputs(("vocals", "drums", "bass"), None, (), True)
    assert np.abs(sum(separate(chain, mixture, outputs=outputs).values()) - mixture).max() < 1e-6
    outputs = plan_outputs(chain.spec.stems, consistency="sum")
    assert np.abs(sum(separate(chain, mixture, outputs=outputs).values()) - mixture).max() < 1e-6


def test_blocks_equal_the_array_and_runs_equal_each_other(
    open_plan: Open, gains: Gains, scripted: Any, noise: Noise
) -> None:
    steps = (
        PlanStep("a", stems={"vocals": "vocals"}, shifts=2),
        PlanStep("b", stems={"vocals": "vocals"}),
        PlanStep("c", input="mixture - vocals"),
    )
    models = {"a": gains(vocals=0.3), "b": scripted({"vocals": torch.tanh}), "c": scripted({"rest": torch.sin})}
    separator = open_plan(PlanConfig(steps, average="max_magnitude"), **models)
    mixture = noise(2, 40_003)
    first, second = separate(separator, mixture), separate(separator, mixture)
    blocks = (mixture[:, i : i + 777] for i in range(0, mixture.shape[1], 777))
    pieces = list(separator.stream(blocks, RATE, 2))
    for i, name in enumerate(separator.spec.stems):
        np.testing.assert_array_equal(first[name], second[name])
        np.testing.assert_array_equal(np.concatenate([p[i] for p in pieces], -1), first[name])


def test_what_is_given_away_may_be_written_into(chain: PlanSeparator, noise: Noise) -> None:
    mixture = noise(2, 30_000)
    before = mixture.copy()
    expected = separate(chain, mixture)
    got: list[list[np.ndarray]] = []
    for blocks in chain.stream(iter([mixture]), RATE, 2):
        got.append([block.copy() for block in blocks])
        for block in blocks:
            block[:] = 7
    np.testing.assert_array_equal(mixture, before)
    for i, name in enumerate(expected):
        np.testing.assert_array_equal(np.concatenate([p[i] for p in got], -1), expected[name])


def _long_stream(separator: PlanSeparator, n_blocks: int) -> tuple[int, int]:
    """Most samples that were read and not given yet, and most bytes held, once the stream flows."""
    n_read = n_given = most_held = 0

    def blocks() -> Iterator[np.ndarray]:
        nonlocal n_read
        for _ in range(n_blocks):
            n_read += 1000
            yield np.full((2, 1000), 0.1, np.float32)

    tracemalloc.start()
    for outputs in separator.stream(blocks(), RATE, 2):
        n_given += outputs[0].shape[-1]
        most_held = max(most_held, n_read - n_given)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n_given == n_read
    return most_held, peak


def test_memory_does_not_grow_with_the_stream(open_plan: Open, scripted: Any) -> None:
    steps = (
        PlanStep("a", stems={"vocals": "vocals"}, shifts=2),
        PlanStep("b", stems={"vocals": "vocals"}),
        PlanStep("c", input="mixture - vocals"),
    )
    cut = {"segment_samples": 4000, "context_samples": 100}
    voice = {"vocals": torch.sin, "other": torch.cos}
    models = {"a": scripted(voice, **cut), "b": scripted(voice, **cut), "c": scripted({"rest": torch.sin}, **cut)}
    separator = open_plan(PlanConfig(steps, stems=("rest",)), **models)
    _long_stream(separator, 10)
    short, long = _long_stream(separator, 50), _long_stream(separator, 150)
    assert long[0] == short[0] < 20_000  # a segment for each of two steps in a row, and what is in their hands
    assert long[1] < 1.1 * short[1]


def test_statistics_are_of_the_mixture_for_each_kind_of_model(open_plan: Open, scripted: Any, noise: Noise) -> None:
    """A model that gives a constant, which is scaled back with what it was told of the track."""
    ones = {"one": torch.ones_like}
    models = {
        "plain": scripted({"vocals": lambda x: 0.5 * x}),
        "a": scripted(ones, normalise="track"),
        "b": scripted({"two": torch.ones_like}, normalise="track", channels=1),
    }
    steps = (PlanStep("plain"), PlanStep("a", input="mixture - vocals"), PlanStep("b", input="vocals"))
    separator = open_plan(PlanConfig(steps), **models)
    assert separator.spec.normalise == "track"
    mixture = noise(2, 20_000) + np.float32(0.1)
    known = separator.measure(iter([mixture]), RATE, 2)
    assert known is not None
    mono = mixture.mean(0, dtype=np.float64)
    assert known[RATE, 2].mean[0] == pytest.approx(mono.mean())
    assert known[RATE, 1].deviation == pytest.approx(mixture.std(1, ddof=1), rel=1e-5)
    got = separate(separator, mixture)
    assert np.abs(got["one"] - (mono.std(ddof=1) + mono.mean())).max() < 1e-5
    with pytest.raises(ConfigError, match="statistics: "):
        next(separator.stream(iter([mixture]), RATE, 2))
    (only,) = separator.stream(
        iter([mixture[:, :5000]]), RATE, 2, outputs=plan_outputs(separator.spec.stems, ["vocals"])
    )
    assert len(only) == 1


def test_a_plan_without_such_models_is_not_measured(chain: PlanSeparator) -> None:
    def never() -> Iterator[np.ndarray]:
        raise AssertionError
        yield

    assert chain.spec.normalise == "none"
    assert chain.measure(never(), RATE, 2) is None


def test_progress_cancelling_and_stages(chain: PlanSeparator, noise: Noise) -> None:
    seen: list[Progress] = []
    mixture = noise(2, 40_000)
    separate(chain, mixture, progress=seen.append)
    assert seen[-1].fraction == 1.0
    token = CancelToken()
    stream = chain.stream(iter([mixture]), RATE, 2, cancel=token)
    next(stream)
    token.cancel()
    with pytest.raises(Cancelled):
        list(stream)
    watch = Stopwatch()
    list(chain.stream(iter([mixture]), RATE, 2, stopwatch=watch))
    assert {"decode", "model", "overlap_add", "mix"} <= set(watch.seconds)
    assert all(seconds >= 0 for seconds in watch.seconds.values())


def test_warnings_say_whose_they_are(open_plan: Open, gains: Gains, noise: Noise) -> None:
    plan = replace(CHAIN, steps=(PlanStep("a", name="voice"), PlanStep("b", input="mixture - vocals")))
    separator = open_plan(plan, a=gains(vocals=0.5), b=gains(rest=1.0))
    separator.open(separator.spec.stems)
    for number in (0, 1):
        separator._separators[number].precision = "fast"
    told: list[str] = []
    list(separator.stream(iter([noise(2, 100)]), RATE, 2, warn=told.append))
    prefixes = {text.partition(":")[0] for text in told}
    assert prefixes in ({"voice", "b"}, set())  # the last where the CPU has 16-bit arithmetic
