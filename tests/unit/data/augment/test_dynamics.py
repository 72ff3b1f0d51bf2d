"""The compressor as a transform: less dynamic at the same peak, and the same at every level."""

from __future__ import annotations

import numpy as np
import pytest

from auralflow.data.augment.compressor import Compressor

RATE = 44100


def _make_swelling_noise() -> np.ndarray:
    """From -50 to 0 dB within two seconds."""
    noise = np.random.default_rng(0).uniform(-1, 1, (2, 2 * RATE))
    return (noise * 10 ** (np.linspace(-50, 0, 2 * RATE) / 20)).astype(np.float32)


def _apply(transform: Compressor, samples: np.ndarray, seed: int = 0) -> np.ndarray:
    return transform(samples, RATE, np.random.default_rng(seed))


def _levels_db(samples: np.ndarray) -> np.ndarray:
    """Peaks of twentieths of the sound."""
    return 20 * np.log10(np.abs(samples.reshape(2, 20, -1)).max(axis=(0, 2)))


FIXED = Compressor(threshold_db=(-20.0, -20.0), ratio=(4.0, 4.0), attack_s=(1e-3, 1e-3), release_s=(0.05, 0.05))


def test_is_less_dynamic_above_the_threshold_only() -> None:
    sound = _make_swelling_noise()
    before, after = _levels_db(sound), _levels_db(_apply(FIXED, sound))
    assert after.max() == pytest.approx(before.max(), abs=1e-4)  # the peak is kept
    lift = (after - before)[before < -25]
    assert lift == pytest.approx(lift[0], abs=1e-3)  # one gain, below the knee
    assert lift[0] == pytest.approx(15, abs=1)  # 20 dB above the threshold, 3/4 taken off
    loud = before > -16
    slope = np.polyfit(before[loud], after[loud], 1)[0]
    assert slope == pytest.approx(1 / 4, abs=0.08)


def test_without_keeping_the_peak_soft_parts_stay() -> None:
    sound = _make_swelling_noise()
    transform = Compressor((-20.0, -20.0), (4.0, 4.0), (1e-3, 1e-3), (0.05, 0.05), keep_peak=False)
    out = _apply(transform, sound)
    np.testing.assert_array_equal(out[:, :RATE], sound[:, :RATE])
    assert np.abs(out).max() < 0.3 * np.abs(sound).max()


@pytest.mark.parametrize("level", [1e-4, 0.01, 3.0])
def test_every_level_is_changed_alike(level: float) -> None:
    sound = _make_swelling_noise()
    np.testing.assert_allclose(_apply(FIXED, level * sound) / level, _apply(FIXED, sound), rtol=2e-3, atol=1e-5)


def test_settings_are_drawn() -> None:
    sound = _make_swelling_noise()
    results = {_apply(Compressor(), sound, seed).tobytes() for seed in range(5)}
    assert len(results) == 5
