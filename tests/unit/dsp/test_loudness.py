"""Integrated loudness: the standard's own figures, the gates, and agreement with its filters run in time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import signal
from torch import Tensor

from auralflow.dsp import weighting
from auralflow.dsp.loudness import integrated_loudness, k_filter


def _tone(level_db: float, seconds: float, sample_rate: int = 16000, freq_hz: float = 997.0) -> Tensor:
    time_s = torch.arange(round(seconds * sample_rate), dtype=torch.float64) / sample_rate
    return 10 ** (level_db / 20) * torch.sin(2 * math.pi * freq_hz * time_s).expand(2, -1)


def _noise(seconds: float, sample_rate: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(2, round(seconds * sample_rate), generator=generator, dtype=torch.float64)


def _loudness(waveform: Tensor, sample_rate: int = 16000) -> float:
    return integrated_loudness(waveform, sample_rate).item()


def _reference(waveform: np.ndarray, sample_rate: int) -> float:
    """BS.1770-4 written out: recursive filters, blocks one by one, both gates."""
    weighted = waveform
    for above, below in k_filter(sample_rate):
        weighted = signal.lfilter(above, below, weighted, axis=-1)
    block, hop = round(0.4 * sample_rate), round(0.1 * sample_rate)
    starts = range(0, waveform.shape[-1] - block + 1, hop)
    powers = np.array([(weighted[:, start : start + block] ** 2).mean(1).sum() for start in starts])
    heard = powers[-0.691 + 10 * np.log10(powers) > -70]
    gate = -0.691 + 10 * np.log10(heard.mean()) - 10
    kept = heard[-0.691 + 10 * np.log10(heard) > gate]
    return float(-0.691 + 10 * np.log10(kept.mean()))


def test_filters_are_the_standards_at_48_khz() -> None:
    for ours, standard in zip(k_filter(48000), (weighting._SHELF, weighting._HIGH_PASS), strict=True):
        np.testing.assert_allclose(ours, standard, atol=1e-8)


@pytest.mark.parametrize("sample_rate", [16000, 44100, 48000, 96000])
def test_a_full_scale_tone_in_one_channel(sample_rate: int) -> None:
    """BS.1770: 0 dBFS at 997 Hz in one channel is -3.01 LKFS; in both it is 3.01 louder. Near that at any rate."""
    tone = _tone(0.0, 1.0, sample_rate)
    assert _loudness(tone[:1], sample_rate) == pytest.approx(-3.01, abs=0.05)
    assert _loudness(tone, sample_rate) == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize(
    ("levels_db", "seconds"),
    [
        ((-23.0,), (4.0,)),
        ((-33.0,), (4.0,)),
        ((-36.0, -23.0, -36.0), (2.0, 12.0, 2.0)),
        ((-72.0, -36.0, -23.0, -36.0, -72.0), (2.0, 2.0, 12.0, 2.0, 2.0)),
        ((-26.0, -20.0, -26.0), (20.0, 20.1, 20.0)),
    ],
)
def test_programmes_of_ebu_tech_3341(levels_db: tuple[float, ...], seconds: tuple[float, ...]) -> None:
    """Cases 1 to 5 (3 and 4 five times shorter): -23 or -33 LUFS within 0.1 LU."""
    programme = torch.cat([_tone(*part, freq_hz=1000.0) for part in zip(levels_db, seconds, strict=True)], -1)
    expected = -33.0 if levels_db == (-33.0,) else -23.0
    assert _loudness(programme) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("sample_rate", [8000, 44100])
def test_agrees_with_the_standard_written_out(sample_rate: int) -> None:
    """Noise whose level moves across both gates."""
    waveform = _noise(4.0, sample_rate)
    waveform *= 10 ** torch.linspace(-4, 0.5, waveform.shape[-1], dtype=torch.float64)
    assert _loudness(waveform, sample_rate) == pytest.approx(_reference(waveform.numpy(), sample_rate), abs=1e-6)
    assert _loudness(waveform.float(), sample_rate) == pytest.approx(_loudness(waveform, sample_rate), abs=1e-4)


def test_silence_does_not_dilute() -> None:
    noise = _noise(4.0, 16000)
    mixed = torch.cat([noise, torch.zeros(2, 64000)], -1)
    assert _loudness(mixed) == pytest.approx(_loudness(noise), abs=0.2)
    assert -10 < 10 * math.log10(mixed.square().mean() / noise.square().mean()) < -3


def test_edges() -> None:
    assert _loudness(torch.zeros(2, 16000)) == -math.inf
    assert _loudness(_tone(-75.0, 1.0)) == -math.inf
    assert math.isnan(_loudness(_noise(0.39, 16000)))
    assert math.isfinite(_loudness(_noise(0.4, 16000)))
    broken = _noise(2.0, 16000)
    broken[0, 5000] = torch.nan
    assert math.isnan(_loudness(broken))


def test_leading_axes_are_items() -> None:
    programmes = torch.stack([_noise(1.0, 16000), 0.5 * _noise(1.0, 16000, seed=1)])
    together = integrated_loudness(programmes, 16000)
    assert together.tolist() == pytest.approx([_loudness(programme) for programme in programmes])
    assert (together[0] - together[1]).item() == pytest.approx(6.02, abs=0.2)
