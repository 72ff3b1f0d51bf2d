"""A background that repeats is told from a foreground that does not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from auralflow.errors import ConfigError
from auralflow.models.blocks.cues import repeating_part
from auralflow.models.repet_sim import SPEC, RepetSim, RepetSimConfig
from auralflow.spec import ModelSpec

RATE = 44100


def _sdr_db(target: Tensor, estimate: Tensor) -> float:
    return float(10 * torch.log10(target.square().sum() / (target - estimate).square().sum()))


def _chirp(n_samples: int) -> Tensor:
    """A foreground that is never the same: 500 Hz rising to 3 kHz."""
    time_s = torch.arange(n_samples) / RATE
    rise = 2500 / (n_samples / RATE)
    return 0.2 * torch.sin(2 * torch.pi * (500 * time_s + rise * time_s.square() / 2)).expand(1, 2, -1)


def _loop(n_samples: int) -> Tensor:
    """The same second of four notes, again and again."""
    notes = [torch.sin(2 * torch.pi * f * torch.arange(RATE // 4) / RATE) for f in (220.0, 330.0, 440.0, 660.0)]
    second = 0.2 * torch.cat([note * torch.hann_window(len(note)) for note in notes])
    return second.repeat(n_samples // len(second) + 1)[:n_samples].expand(1, 2, -1)


@torch.inference_mode()
def _separate(mixture: Tensor, **options: float) -> Tensor:
    return RepetSim(SPEC, RepetSimConfig(**options)).eval()(mixture)[0]


def test_a_rising_tone_leaves_a_loop() -> None:
    foreground, background = _chirp(10 * RATE), _loop(10 * RATE)
    vocals, other = _separate(foreground + background, min_distance_s=0.5)
    assert _sdr_db(foreground[0], vocals) > 12
    assert _sdr_db(background[0], other) > 12


def test_a_loop_alone_is_background() -> None:
    background = _loop(8 * RATE)
    vocals, other = _separate(background, min_distance_s=0.5)
    assert vocals.square().sum() < 1e-3 * other.square().sum()


def test_nothing_below_the_lowest_note_is_voice() -> None:
    time_s = torch.arange(4 * RATE) / RATE
    sub = 0.3 * torch.sin(2 * torch.pi * (30 * time_s + 2 * time_s.square())).expand(1, 2, -1)
    vocals, other = _separate(sub)
    assert vocals.square().sum() < 1e-2 * other.square().sum()


def test_the_stems_sum_to_the_mixture() -> None:
    mixture = _chirp(30011) + _loop(30011)
    torch.testing.assert_close(_separate(mixture).sum(0), mixture[0], rtol=0, atol=1e-6)


def test_frames_that_repeat_exactly_are_found_and_outliers_are_not_kept() -> None:
    generator = torch.Generator().manual_seed(0)
    magnitude = torch.rand(1, 40, 5, generator=generator).repeat(1, 1, 12)
    spoilt = magnitude.clone()
    spoilt[:, 7, 23] += 5
    found = repeating_part(spoilt, n_similar=9, min_distance_frames=3)
    torch.testing.assert_close(found, magnitude, rtol=0, atol=1e-6)


@pytest.mark.parametrize("n_frames", [0, 1, 2, 7])
def test_the_repeating_part_is_at_most_the_whole(n_frames: int) -> None:
    magnitude = torch.rand(2, 9, n_frames, generator=torch.Generator().manual_seed(1))
    found = repeating_part(magnitude, n_similar=25, min_distance_frames=2)
    assert found.shape == magnitude.shape
    assert (found >= 0).all()
    assert (found <= magnitude).all()


@pytest.mark.parametrize("options", [{"n_similar": 0}, {"min_distance_s": -1.0}, {"lowest_hz": -1.0}])
def test_a_bad_option_is_named(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        RepetSimConfig(**options)


def test_other_stems_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"spec\.stems"):
        RepetSim(ModelSpec(("a", "b"), RATE, 2, segment_samples=RATE), RepetSimConfig())
