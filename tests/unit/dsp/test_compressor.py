"""The compressor: its static curve on steady tones, its time constants, and what it leaves alone."""

from __future__ import annotations

import math

import pytest
import torch

from auralflow.dsp.compressor import CompressorConfig, compress, static_gain_db
from auralflow.errors import ConfigError

RATE = 44100
HARD = CompressorConfig(threshold_db=-20.0, ratio=4.0, knee_db=0.0, attack_s=0.005, release_s=0.1)


def _make_tone(level_db: float, freq_hz: float = 1000.0, n_samples: int = RATE) -> torch.Tensor:
    time_s = torch.arange(n_samples, dtype=torch.float64) / RATE
    return (10 ** (level_db / 20) * torch.sin(2 * math.pi * freq_hz * time_s)).float().unsqueeze(0)


def _measure_gain_db(tone: torch.Tensor, out: torch.Tensor) -> float:
    settled = slice(RATE // 2, None)
    return 20 * (out[..., settled].norm() / tone[..., settled].norm()).log10().item()


@pytest.mark.parametrize("freq_hz", [200.0, 1000.0, 5000.0])
@pytest.mark.parametrize("level_db", [-40.0, -24.0, -20.0, -10.0, 0.0, 6.0])
@pytest.mark.parametrize("ratio", [1.0, 2.0, 10.0, math.inf])
def test_static_curve_with_a_hard_knee(freq_hz: float, level_db: float, ratio: float) -> None:
    tone = _make_tone(level_db, freq_hz)
    config = CompressorConfig(-20.0, ratio, knee_db=0.0, attack_s=0.005, release_s=0.1)
    expected = min(0.0, (1 / ratio - 1) * (level_db + 20))
    assert _measure_gain_db(tone, compress(tone, config, RATE)) == pytest.approx(expected, abs=0.5)


def test_static_curve_within_the_knee() -> None:
    """Giannoulis, Massberg and Reiss (2012), equation 4: half way at the threshold is a quarter of the way's end."""
    config = CompressorConfig(-20.0, 4.0, knee_db=12.0)
    levels = torch.tensor([-60.0, -26.0, -20.0, -14.0, 0.0], dtype=torch.float64)
    slope = 1 / 4 - 1
    expected = torch.tensor([0.0, 0.0, slope * 36 / 24, slope * 6, slope * 20], dtype=torch.float64)
    torch.testing.assert_close(static_gain_db(levels, config), expected)
    tone = _make_tone(-20)
    assert _measure_gain_db(tone, compress(tone, config, RATE)) == pytest.approx(slope * 1.5, abs=0.1)


def test_below_the_knee_nothing_changes_at_all() -> None:
    quiet = 0.09 * (2 * torch.rand(2, 30000, generator=torch.Generator().manual_seed(0)) - 1)
    assert torch.equal(compress(quiet, HARD, RATE), quiet)


@pytest.mark.parametrize(("attack_s", "release_s"), [(0.02, 0.1), (0.05, 0.2)])
def test_attack_and_release_are_time_constants(attack_s: float, release_s: float) -> None:
    """After one of them 63 % of the way in decibels is gone."""
    config = CompressorConfig(-20.0, 4.0, knee_db=0.0, attack_s=attack_s, release_s=release_s)
    loud, soft = _make_tone(0, 5000), _make_tone(-40, 5000)
    out = compress(torch.cat([loud, soft], -1), config, RATE)
    gain_db = 20 * (out / torch.cat([loud, soft], -1)).abs().clamp(1e-6, 1).log10()[0]

    def gain_at(time_s: float) -> float:
        near = gain_db[round(time_s * RATE) - 20 : round(time_s * RATE) + 20]
        return near.median().item()

    assert gain_at(attack_s) == pytest.approx(-15 * (1 - math.exp(-1)), abs=0.5)
    assert gain_at(0.99) == pytest.approx(-15, abs=0.2)
    assert gain_at(1 + release_s) == pytest.approx(-15 * math.exp(-1), abs=0.5)


def test_channels_share_a_gain_and_items_do_not() -> None:
    loud, soft = _make_tone(0), _make_tone(-60)
    together = compress(torch.cat([loud, soft]), HARD, RATE)
    torch.testing.assert_close(together[0] * 1e-3, together[1], rtol=1e-4, atol=1e-7)
    apart = compress(torch.stack([loud, soft]), HARD, RATE)
    assert torch.equal(apart[1], soft)
    torch.testing.assert_close(apart[0], compress(loud, HARD, RATE), rtol=0, atol=0)


@pytest.mark.parametrize("n_samples", [0, 1, 2, 29, 30, 31])
def test_short_signals(n_samples: int) -> None:
    out = compress(torch.ones(2, n_samples), HARD, RATE)
    assert out.shape == (2, n_samples)
    assert out.isfinite().all()


def test_silence_stays_silence() -> None:
    assert (compress(torch.zeros(2, 5000), HARD, RATE) == 0).all()


@pytest.mark.parametrize(
    ("name", "value"), [("ratio", 0.5), ("knee_db", -1.0), ("attack_s", 0.0), ("release_s", -1.0), ("ratio", math.nan)]
)
def test_impossible_settings_are_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"compressor\.{name}: expected"):
        CompressorConfig(**{name: value})
