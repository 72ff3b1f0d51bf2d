"""Steady tones are harmonic, clicks are percussive, and both together are the mixture."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from auralflow.dsp.stft import STFTConfig
from auralflow.errors import ConfigError
from auralflow.models.harmonic_percussive import SPEC, HarmonicPercussive, HarmonicPercussiveConfig
from auralflow.spec import ModelSpec

RATE = 44100


def _sdr_db(target: Tensor, estimate: Tensor) -> float:
    return float(10 * torch.log10(target.square().sum() / (target - estimate).square().sum()))


def _tone(n_samples: int, freq_hz: float) -> Tensor:
    return 0.2 * torch.sin(2 * torch.pi * freq_hz * torch.arange(n_samples) / RATE).expand(1, 2, -1)


def _clicks(n_samples: int) -> Tensor:
    clicks = torch.zeros(1, 2, n_samples)
    clicks[..., RATE // 4 :: RATE // 2] = 0.9
    return clicks


@torch.inference_mode()
def _separate(mixture: Tensor, config: HarmonicPercussiveConfig | None = None, spec: ModelSpec = SPEC) -> Tensor:
    return HarmonicPercussive(spec, config or HarmonicPercussiveConfig()).eval()(mixture)


def test_tone_and_clicks_part() -> None:
    tone, clicks = _tone(3 * RATE, 1000.0), _clicks(3 * RATE)
    harmonic, percussive = _separate(tone + clicks)[0]
    inner = slice(RATE // 2, -RATE // 2)
    assert _sdr_db(tone[0, :, inner], harmonic[:, inner]) > 25
    assert _sdr_db(clicks[0, :, inner], percussive[:, inner]) > 8


@pytest.mark.parametrize(("sound", "stem"), [(_tone(2 * RATE, 440.0), 0), (_clicks(2 * RATE), 1)])
def test_a_sound_of_one_kind_is_left_whole(sound: Tensor, stem: int) -> None:
    stems = _separate(sound)[0][..., RATE // 4 : -RATE // 4]
    assert stems[stem].square().sum() > 300 * stems[1 - stem].square().sum()


def test_without_margin_the_stems_sum_to_the_mixture() -> None:
    mixture = _tone(20011, 300.0) + _clicks(20011)
    torch.testing.assert_close(_separate(mixture).sum(1), mixture, rtol=0, atol=1e-6)


def test_a_margin_takes_what_is_neither_from_both() -> None:
    noise = 0.1 * torch.randn(1, 2, RATE, generator=torch.Generator().manual_seed(0))
    power = [_separate(noise, HarmonicPercussiveConfig(margin=margin)).square().sum() for margin in (1.0, 2.0, 4.0)]
    assert power[0] > 2 * power[1] > 4 * power[2]


@pytest.mark.parametrize("channels", [1, 3])
def test_any_number_of_channels(channels: int) -> None:
    spec = ModelSpec(SPEC.stems, RATE, channels, segment_samples=RATE)
    mixture = _tone(9001, 440.0)[:, :1].expand(1, channels, -1)
    stems = _separate(mixture, HarmonicPercussiveConfig(STFTConfig(1024, 256)), spec)
    assert stems.shape == (1, 2, channels, 9001)
    torch.testing.assert_close(stems.sum(1), mixture, rtol=0, atol=1e-6)


@pytest.mark.parametrize("options", [{"steady_s": 0.0}, {"wide_hz": -1.0}, {"margin": 0.5}])
def test_a_bad_option_is_named(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        HarmonicPercussiveConfig(**options)


def test_other_stems_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"spec\.stems"):
        HarmonicPercussive(ModelSpec(("a", "b"), RATE, 2, segment_samples=RATE), HarmonicPercussiveConfig())
