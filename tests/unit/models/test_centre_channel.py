"""What lies in the middle of the stereo image is told from what lies at its sides."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from auralflow.errors import ConfigError
from auralflow.models.blocks.cues import centre_share
from auralflow.models.centre_channel import SPEC, CentreChannel, CentreChannelConfig
from auralflow.spec import ModelSpec

RATE = 44100


def _sdr_db(target: Tensor, estimate: Tensor) -> float:
    return float(10 * torch.log10(target.square().sum() / (target - estimate).square().sum()))


def _tone(freq_hz: float, left: float, right: float, n_samples: int = RATE) -> Tensor:
    wave = 0.3 * torch.sin(2 * torch.pi * freq_hz * torch.arange(n_samples) / RATE)
    return torch.stack([left * wave, right * wave])[None]


@torch.inference_mode()
def _separate(mixture: Tensor, spec: ModelSpec = SPEC) -> Tensor:
    return CentreChannel(spec, CentreChannelConfig()).eval()(mixture)[0]


def test_a_tone_in_the_middle_leaves_tones_at_the_sides() -> None:
    centre = _tone(1000.0, 1, 1)
    sides = _tone(400.0, 1, 0) + _tone(2500.0, 0, 1)
    vocals, other = _separate(centre + sides)
    assert _sdr_db(centre[0], vocals) > 25
    assert _sdr_db(sides[0], other) > 25


def test_opposite_phase_is_not_the_middle() -> None:
    vocals, other = _separate(_tone(1000.0, 1, -1))
    assert vocals.square().sum() < 1e-6 * other.square().sum()


def test_the_further_from_the_middle_the_less() -> None:
    power = [float(_separate(_tone(1000.0, 1, right))[0].square().sum() / (1 + right**2)) for right in (1, 0.7, 0.4, 0)]
    assert power[0] > 1.2 * power[1] > 1.2 * power[2] > power[3]


def test_bass_is_no_voice() -> None:
    vocals, other = _separate(_tone(50.0, 1, 1))
    assert vocals.square().sum() < 1e-2 * other.square().sum()


def test_a_mono_recording_is_all_middle() -> None:
    tone = _tone(1000.0, 1, 1)
    assert _sdr_db(tone[0], _separate(tone)[0]) > 40
    mono = ModelSpec(SPEC.stems, RATE, 1, segment_samples=RATE)
    vocals = _separate(tone[:, :1], mono)[0]
    assert _sdr_db(tone[0, :1], vocals) > 40


def test_the_stems_sum_to_the_mixture() -> None:
    noise = 0.1 * torch.randn(1, 2, 20011, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(_separate(noise).sum(0), noise[0], rtol=0, atol=1e-6)


def test_the_share_follows_the_gains() -> None:
    """One source at gains (a, b) has `2ab / (a^2 + b^2)` everywhere."""
    source = torch.randn(1, 20, 30, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))
    share = centre_share(torch.stack([source, 0.5 * source], 1))
    torch.testing.assert_close(share, torch.full_like(share, 2 * 0.5 / 1.25), rtol=0, atol=1e-5)


@pytest.mark.parametrize("options", [{"sharpness": 0.0}, {"lowest_hz": -1.0}])
def test_a_bad_option_is_named(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        CentreChannelConfig(**options)


def test_other_stems_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"spec\.stems"):
        CentreChannel(ModelSpec(("a", "b"), RATE, 2, segment_samples=RATE), CentreChannelConfig())
