"""What every transform promises, asked of each file in `auralflow.data.augment`; a new file is asked with no new test.

The checks are plain functions, so that the second half of this file can show each of them rejecting a transform that is
broken on purpose.
"""

from __future__ import annotations

import ast
import copy
import dataclasses
import hashlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from auralflow.audio.types import Samples
from auralflow.config import from_dict, from_yaml, to_yaml
from auralflow.data.augment import augmentations
from auralflow.errors import ConfigError

RATE = 44100
LENGTHS = (1, 2, 777, 9001)


def _noise(channels: int, n_samples: int, seed: int = 0) -> Samples:
    """Noise with more low than high frequencies; some of it above full scale."""
    white = np.random.default_rng(seed).standard_normal((channels, n_samples + 7))
    smooth = np.stack([np.convolve(row, np.ones(8) / 8, "valid") for row in white])
    return smooth.astype(np.float32)


def _n_input(transform: Any, n_output: int) -> int:
    return transform.n_input(n_output) if hasattr(transform, "n_input") else n_output


def _apply(transform: Any, samples: Samples, seed: int = 0) -> Samples:
    result: Samples = transform(samples, RATE, np.random.default_rng(seed))
    return result


def check_shape_and_type(transform: Any) -> None:
    for channels in (1, 2, 3):
        for n_output in LENGTHS:
            for seed in range(2):
                given = _noise(channels, _n_input(transform, n_output))
                result = _apply(transform, given, seed)
                assert result.dtype == np.float32
                assert result.shape[0] == channels
                if hasattr(transform, "n_input"):
                    assert result.shape[1] >= n_output
                else:
                    assert result.shape[1] == n_output
                assert np.isfinite(result).all()


def check_every_draw_gives_enough(transform: Any) -> None:
    """At every length on the way, and the length does not depend on the draw: stems of a song end together."""
    assert all(_n_input(transform, n) >= n for n in range(200))
    for n_output in (1000, 1013):
        given = _noise(1, _n_input(transform, n_output))
        lengths = {_apply(transform, given, seed).shape[1] for seed in range(6)}
        assert len(lengths) == 1
        assert min(lengths) >= n_output


def check_input_is_left_alone(transform: Any) -> None:
    """Neither written into nor handed out; arrays that must not be written, and views, are taken."""
    for channels in (1, 2):
        given = _noise(channels, 9001)
        before = given.copy()
        result = _apply(transform, given)
        assert not np.shares_memory(result, given)
        np.testing.assert_array_equal(given, before)
        assert result.flags.writeable
        read_only = given.copy()
        read_only.flags.writeable = False
        np.testing.assert_array_equal(_apply(transform, read_only), result)
        np.testing.assert_array_equal(_apply(transform, np.asfortranarray(given)), result)
        wide = np.concatenate([given, given], axis=1)
        np.testing.assert_array_equal(_apply(transform, wide[:, :9001]), result)


def check_only_the_generator_decides(transform: Any) -> None:
    """Bit-equal for equal generators: whatever went before, the state of others', the threads, the place in memory."""
    given = _noise(2, 45001)
    result = _apply(transform, given)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    _apply(transform, _noise(2, 500, seed=5), seed=5)
    buffer = np.empty(given.size + 1, np.float32)
    elsewhere = buffer[1:].reshape(given.shape)
    elsewhere[:] = given
    n_threads = torch.get_num_threads()
    try:
        for n_others in (1, 2, 5):
            torch.set_num_threads(n_others)
            np.testing.assert_array_equal(_apply(transform, elsewhere), result)
    finally:
        torch.set_num_threads(n_threads)


def check_draws_do_not_depend_on_the_sound(transform: Any) -> None:
    """Transforms of a song share a generator's seed: after one of them all stems must go on from the same state."""
    states = []
    for given in (_noise(2, 9001), np.zeros((2, 9001), np.float32), 1e-3 * _noise(2, 9001, seed=1)):
        random = np.random.default_rng(0)
        transform(given, RATE, random)
        states.append(random.bit_generator.state)
    assert states[0] == states[1] == states[2]


def check_it_always_applies(transform: Any) -> None:
    """Chance is the caller's."""
    given = _noise(2, 9001)
    for seed in range(12):
        result = _apply(transform, given, seed)
        n_samples = min(result.shape[1], given.shape[1])
        assert np.abs(result[:, :n_samples] - given[:, :n_samples]).max() > 1e-4


def check_silence_stays_silence(transform: Any) -> None:
    for channels in (1, 2):
        for n_output in LENGTHS:
            given = np.zeros((channels, _n_input(transform, n_output)), np.float32)
            assert (np.abs(_apply(transform, given)) <= 1e-6).all()


def check_level_is_sane(transform: Any) -> None:
    """Neither gone nor blown up, whether loud or soft: within 24 dB of what it was."""
    for level in (1e-3, 0.1, 4.0):
        for seed in range(2):
            given = level * _noise(2, 20000)
            ratio = _apply(transform, given, seed).std() / given.std()
            assert 10 ** (-24 / 20) < ratio < 10 ** (24 / 20)


def check_stays_in_time(transform: Any) -> None:
    """A delay would tear the stems of a song apart: a burst comes out where it went in, to within a millisecond.

    What changes the tempo is excused; the stems share it.
    """
    if hasattr(transform, "n_input"):
        assert transform.SCOPE == "song"
        return
    given = np.zeros((2, 20000), np.float32)
    given[:, 8000:12000] = _noise(2, 4000)
    for seed in range(5):
        # All channels together: they may change places. Either polarity counts.
        result = _apply(transform, given, seed).sum(axis=0)
        spectra = np.conj(np.fft.rfft(given.sum(axis=0), 40000)) * np.fft.rfft(result, 40000)
        lag = int(np.argmax(np.abs(np.fft.irfft(spectra))))
        assert min(lag, 40000 - lag) < RATE / 1000


def check_scope(transform: Any) -> None:
    assert type(transform).SCOPE in ("stem", "song")
    assert "SCOPE" not in {field.name for field in dataclasses.fields(transform)}


def check_is_a_frozen_dataclass_that_yaml_keeps(transform: Any) -> None:
    again = from_yaml(type(transform), to_yaml(transform))
    assert again == transform
    np.testing.assert_array_equal(_apply(again, _noise(2, 777)), _apply(transform, _noise(2, 777)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        transform.anything = 1


def check_refuses_impossible_options(transform: Any) -> None:
    """No range may be back to front, beyond all measure or not a number; the message names the option."""
    for field in dataclasses.fields(transform):
        value = getattr(transform, field.name)
        if isinstance(value, tuple) and all(isinstance(end, float) for end in value):
            for wrong in (
                value[::-1] if value[0] < value[1] else (2.0, 1.0),
                (value[0], 1e9),
                (float("nan"), value[1]),
            ):
                with pytest.raises(ConfigError, match=rf"{field.name}: expected"):
                    dataclasses.replace(transform, **{field.name: wrong})


def check_is_documented(transform: Any) -> None:
    """The source is in the docstring, and every option has a line of its own."""
    assert "Source:" in (inspect.getdoc(type(transform)) or "")
    body = ast.parse(inspect.cleandoc(inspect.getsource(type(transform)))).body[0]
    assert isinstance(body, ast.ClassDef)
    for option, below in zip(body.body, [*body.body[1:], None], strict=True):
        if isinstance(option, ast.AnnAssign) and "ClassVar" not in ast.unparse(option.annotation):
            assert isinstance(below, ast.Expr), ast.unparse(option)
            assert isinstance(below.value, ast.Constant), ast.unparse(option)


CHECKS: list[Callable[[Any], None]] = [
    check_shape_and_type,
    check_every_draw_gives_enough,
    check_input_is_left_alone,
    check_only_the_generator_decides,
    check_draws_do_not_depend_on_the_sound,
    check_it_always_applies,
    check_silence_stays_silence,
    check_level_is_sane,
    check_stays_in_time,
    check_scope,
    check_is_a_frozen_dataclass_that_yaml_keeps,
    check_refuses_impossible_options,
    check_is_documented,
]


def _list_cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every transform as it is, and some at an end of what they can do."""
    yield from ((name, {}) for name in augmentations.names())
    yield from (("codec", {"codecs": [name]}) for name in ("mp3", "aac", "opus", "vorbis"))
    yield "pitch_tempo", {"semitones": [-12, -12], "tempo": [2, 2]}
    yield "pitch_tempo", {"semitones": [12, 12], "tempo": [0.5, 0.5]}
    yield "pitch_tempo", {"semitones": [0.1, 0.1], "tempo": [1, 1]}
    yield from (("speed", {"ratio": [ratio, ratio]}) for ratio in (0.5, 1.01, 2.0))


def _name_case(case: tuple[str, dict[str, Any]]) -> str:
    return " ".join([case[0], *map(str, case[1].values())])


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("case", list(_list_cases()), ids=_name_case)
def test_promise(case: tuple[str, dict[str, Any]], check: Callable[[Any], None]) -> None:
    name, options = case
    check(from_dict(augmentations.load(name), options))


def test_there_are_transforms() -> None:
    wanted = "gain channel_swap polarity pitch_tempo equalizer reverb compressor codec"
    assert set(wanted.split()) <= set(augmentations.names())


_HASH_ALL = """
import hashlib, json, sys
import numpy as np
from auralflow.data.augment import augmentations
given = np.random.default_rng(0).standard_normal((2, 20000)).astype(np.float32)
hashes = {}
for name in augmentations.names():
    result = augmentations.load(name)()(given, 44100, np.random.default_rng(3))
    hashes[name] = hashlib.sha256(result.tobytes()).hexdigest()
print(json.dumps(hashes))
"""


def test_bit_equal_in_another_process() -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "77", "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", _HASH_ALL], env=environment, capture_output=True, text=True, check=True
    )
    given = np.random.default_rng(0).standard_normal((2, 20000)).astype(np.float32)
    for name, digest in json.loads(done.stdout).items():
        result = _apply(augmentations.load(name)(), given, seed=3)
        assert hashlib.sha256(result.tobytes()).hexdigest() == digest, name


@dataclass(frozen=True)
class Sound:
    """Nothing wrong with it: a gain. Those below break one thing each.

    Source: definition.

    Raises:
        ConfigError: a range that is none.
    """

    SCOPE: ClassVar[str] = "stem"

    factor: tuple[float, float] = (0.5, 0.9)
    """Least and greatest factor."""

    def __post_init__(self) -> None:
        if not 0 < self.factor[0] <= self.factor[1] < 10:
            raise ConfigError(f"factor: expected 0 to 10, got {self.factor}")

    def __call__(self, samples: Samples, sample_rate: int, random: np.random.Generator) -> Samples:
        return self.change(samples.copy(), np.float32(random.uniform(*self.factor)), random)

    def change(self, samples: Samples, factor: np.float32, random: np.random.Generator) -> Samples:
        return samples * factor


class Double(Sound):
    def change(self, samples: Samples, factor: np.float32, random: np.random.Generator) -> Samples:
        return samples * np.float64(factor)


class Longer(Sound):
    def change(self, samples: Samples, factor: np.float32, random: np.random.Generator) -> Samples:
        return np.pad(samples * factor, ((0, 0), (0, 1)))


class DividesByTheLevel(Sound):
    def change(self, samples: Samples, factor: np.float32, random: np.random.Generator) -> Samples:
        with np.errstate(all="ignore"):
            return samples * factor / np.abs(samples).max()


class OnlyStereo(Sound):
    def change(self, samples: Samples, factor: np.float32, random: np.random.Generator) -> Samples:
        return samples[:2] * factor


class LengthIsDrawn(Sound):
    def n_input(self, n_output: int) -> int:
        return n_output + 5

    def change(self, samples: Samples, factor: np.float32, random: np.random.Generator) -> Samples:
        return samples[:, : samples.shape[1] - int(random.integers(5))] * factor


class GivesTooLittle(Sound):
    def n_input(self, n_output: int) -> int:
        return n_output

    def change(self, samples: Samples, factor: np.float32, random: np.random.Generator) -> Samples:
        return samples[:, : round(0.99 * samples.shape[1])] * factor


class AsksForTooLittle(GivesTooLittle):
    """Where it is not applied, the chunk would be too short."""

    def n_input(self, n_output: int) -> int:
        return n_output // 2

    def change(self, samples: Samples, factor: np.float32, random: np.random.Generator) -> Samples:
        return np.tile(samples, (1, 3)) * factor


class WritesIntoItsInput(Sound):
    def __call__(self, samples: Samples, sample_rate: int, random: np.random.Generator) -> Samples:
        samples *= np.float32(0.5)
        return samples.copy()


class HandsItsInputOut(Sound):
    def __call__(self, samples: Samples, sample_rate: int, random: np.random.Generator) -> Samples:
        return samples[::-1]


class WantsTorchToWrite(Sound):
    def __call__(self, samples: Samples, sample_rate: int, random: np.random.Generator) -> Samples:
        return (torch.from_numpy(samples) * 0.5).numpy()


class Dice(Sound):
    def change(self, samples: Samples, factor: np.float32, random: np.random.Generator) -> Samples:
        return samples * np.float32(np.random.random())  # noqa: NPY002


class CountsThreads(Sound):
    """As a sum that is split between threads."""

    def change(self, samples: Samples, factor: np.float32, random: np.random.Generator) -> Samples:
        return samples * (factor + np.float32(1e-6 * torch.get_num_threads()))


class DrawsOnlyWhenLoud(Sound):
    def change(self, samples: Samples, factor: np.float32, random: np.random.Generator) -> Samples:
        return samples * np.float32(random.uniform(0.1, 0.5)) if np.abs(samples).max() > 0.5 else samples


class Sometimes(Sound):
    def change(self, samples: Samples, factor: np.float32, random: np.random.Generator) -> Samples:
        return samples * factor if random.random() < 0.5 else samples


class Hiss(Sound):
    def change(self, samples: Samples, factor: np.float32, random: np.random.Generator) -> Samples:
        return factor * samples + 1e-3 * random.standard_normal(samples.shape, np.float32)


class Explodes(Sound):
    def change(self, samples: Samples, factor: np.float32, random: np.random.Generator) -> Samples:
        return samples * np.float32(100)


class Late(Sound):
    def change(self, samples: Samples, factor: np.float32, random: np.random.Generator) -> Samples:
        return factor * np.roll(samples, 100, axis=1)


class NobodysScope(Sound):
    SCOPE: ClassVar[str] = "album"


class TempoOfAStem(LengthIsDrawn):
    """A tempo of its own for each stem."""


class LosesItsOptions(Sound):
    """What is set after it was made is not in its print-out."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "factor", (self.factor[0] * 0.9, self.factor[1]))


class TakesAnything(Sound):
    def __post_init__(self) -> None:
        pass


@dataclass(frozen=True)
class Undocumented(Sound):
    """Source: definition."""

    extra: float = 1.0


@dataclass(frozen=True)
class NoSource(Sound):
    """Nobody knows."""


BROKEN: list[tuple[Callable[[Any], None], type]] = [
    (check_shape_and_type, Double),
    (check_shape_and_type, Longer),
    (check_shape_and_type, OnlyStereo),
    (check_shape_and_type, GivesTooLittle),
    (check_every_draw_gives_enough, LengthIsDrawn),
    (check_every_draw_gives_enough, GivesTooLittle),
    (check_every_draw_gives_enough, AsksForTooLittle),
    (check_input_is_left_alone, WritesIntoItsInput),
    (check_input_is_left_alone, HandsItsInputOut),
    (check_input_is_left_alone, WantsTorchToWrite),
    (check_only_the_generator_decides, Dice),
    (check_only_the_generator_decides, CountsThreads),
    (check_draws_do_not_depend_on_the_sound, DrawsOnlyWhenLoud),
    (check_it_always_applies, Sometimes),
    (check_silence_stays_silence, Hiss),
    (check_silence_stays_silence, DividesByTheLevel),
    (check_level_is_sane, Explodes),
    (check_stays_in_time, Late),
    (check_stays_in_time, TempoOfAStem),
    (check_scope, NobodysScope),
    (check_is_a_frozen_dataclass_that_yaml_keeps, LosesItsOptions),
    (check_refuses_impossible_options, TakesAnything),
    (check_is_documented, Undocumented),
    (check_is_documented, NoSource),
]


@pytest.mark.parametrize("check", CHECKS)
def test_a_sound_transform_passes(check: Callable[[Any], None]) -> None:
    check(Sound())


@pytest.mark.parametrize(("check", "broken"), BROKEN, ids=lambda part: part.__name__)
def test_a_broken_transform_is_rejected(check: Callable[[Any], None], broken: type) -> None:
    transform = copy.copy(broken())
    # A refused option shows as pytest's own failure, an exception that is no Exception.
    with pytest.raises((AssertionError, ValueError, UserWarning, pytest.fail.Exception)):
        check(transform)


def test_every_check_rejects_something() -> None:
    assert {check for check, _ in BROKEN} == set(CHECKS)
