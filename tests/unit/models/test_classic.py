"""Four stems by signal processing: a simple band is parted, nothing is lost, and a choice equals the whole."""

from __future__ import annotations

import functools

import pytest
import torch
from torch import Tensor

from auralflow.errors import ConfigError, UnknownNameError
from auralflow.models.classic import SPEC, STEMS, Classic, ClassicConfig
from auralflow.spec import ModelSpec

RATE = 44100
N_SAMPLES = 6 * RATE


def _sdr_db(target: Tensor, estimate: Tensor) -> float:
    return float(10 * torch.log10(target.square().sum() / (target - estimate).square().sum()))


def _sine(freq_hz: float | Tensor, n_samples: int) -> Tensor:
    step = 2 * torch.pi * torch.as_tensor(freq_hz, dtype=torch.float64).expand(n_samples) / RATE
    return torch.sin(step.cumsum(0)).float()


def _hits(n_samples: int) -> Tensor:
    noise = torch.randn(n_samples, generator=torch.Generator().manual_seed(3))
    decay = torch.exp(-(torch.arange(n_samples) % (RATE // 2)) / (0.015 * RATE))
    return 0.5 * noise * decay


def _voice(n_samples: int) -> Tensor:
    """A glide with vibrato and overtones, in the middle."""
    time_s = torch.arange(n_samples) / RATE
    pitch_hz = 350 + 60 * torch.sin(2 * torch.pi * 0.21 * time_s) + 8 * torch.sin(2 * torch.pi * 5.5 * time_s)
    return sum((0.12 / k) * _sine(k * pitch_hz, n_samples) for k in range(1, 6))


@functools.cache
def _band() -> Tensor:
    """Targets `[stem, channel, time]` in the order of `STEMS`."""
    bass = 0.25 * _sine(82.4, N_SAMPLES)
    left = sum(0.06 * _sine(f, N_SAMPLES) for f in (523.3, 659.3, 1568.0))
    right = sum(0.06 * _sine(f, N_SAMPLES) for f in (784.0, 1046.5, 1975.5))
    middle = [sound.expand(2, -1) for sound in (_voice(N_SAMPLES), _hits(N_SAMPLES), bass)]
    return torch.stack([*middle, torch.stack([left, right])])


@torch.inference_mode()
def _separate(mixture: Tensor, model: torch.nn.Module | None = None) -> Tensor:
    return (model or Classic(SPEC, ClassicConfig()).eval())(mixture)


@functools.cache
def _separated_band() -> Tensor:
    return _separate(_band().sum(0, keepdim=True))[0]


@pytest.mark.parametrize(("stem", "least_gain_db"), [("vocals", 6.0), ("drums", 15.0), ("bass", 20.0), ("other", 6.0)])
def test_each_player_is_nearer_than_in_the_mixture(stem: str, least_gain_db: float) -> None:
    index = STEMS.index(stem)
    target, mixture = _band()[index], _band().sum(0)
    assert _sdr_db(target, _separated_band()[index]) - _sdr_db(target, mixture) > least_gain_db


@pytest.mark.parametrize("stem", STEMS)
def test_each_player_is_loudest_in_its_own_stem(stem: str) -> None:
    index = STEMS.index(stem)
    heard = [float((_separated_band()[index] * target).sum() / target.square().sum()) for target in _band()]
    assert max(range(4), key=lambda player: heard[player]) == index


def test_the_stems_sum_to_the_mixture() -> None:
    torch.testing.assert_close(_separated_band().sum(0), _band().sum(0), rtol=0, atol=1e-6)


@pytest.mark.parametrize("level", [1e-2, 30.0])
def test_loudness_does_not_matter(level: float) -> None:
    mixture = _band().sum(0, keepdim=True)[..., : 2 * RATE]
    torch.testing.assert_close(_separate(level * mixture) / level, _separate(mixture), rtol=0, atol=2e-4)


def test_a_choice_equals_the_whole_and_leaves_the_whole_alone() -> None:
    model = Classic(SPEC, ClassicConfig()).eval()
    mixture = _band().sum(0, keepdim=True)[..., :RATE]
    whole = _separate(mixture, model)
    for chosen in (("drums",), ("vocals",), ("bass", "drums"), STEMS[::-1]):
        expected = whole[:, [STEMS.index(stem) for stem in chosen]]
        torch.testing.assert_close(_separate(mixture, model.select(chosen)), expected, rtol=0, atol=1e-6)
        assert torch.equal(_separate(mixture, model), whole)


def test_an_unknown_stem_is_named() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'vocals'"):
        Classic(SPEC, ClassicConfig()).select(("vocal",))


def test_a_mono_recording_as_two_equal_channels_is_parted_like_one_channel() -> None:
    mixture = _band().sum(0, keepdim=True).mean(1, keepdim=True)[..., : 2 * RATE]
    mono = Classic(ModelSpec(STEMS, RATE, 1, segment_samples=RATE), ClassicConfig()).eval()
    stereo = _separate(mixture.expand(1, 2, -1))
    torch.testing.assert_close(stereo, _separate(mixture, mono).expand(1, 4, 2, -1), rtol=0, atol=1e-4)


@pytest.mark.parametrize("mixture", [torch.zeros(1, 2, RATE), torch.full((1, 2, RATE), 0.5)])
def test_silence_and_a_constant_stay_finite(mixture: Tensor) -> None:
    stems = _separate(mixture)
    assert stems.isfinite().all()
    torch.testing.assert_close(stems.sum(1), mixture, rtol=0, atol=1e-6)


@pytest.mark.parametrize("options", [{"steady_s": 0.0}, {"bass_hz": -1.0}, {"repetition": -0.1}, {"centre": -1.0}])
def test_a_bad_option_is_named(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        ClassicConfig(**options)


def test_other_stems_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"spec\.stems"):
        Classic(ModelSpec(("a", "b"), RATE, 2, segment_samples=RATE), ClassicConfig())
