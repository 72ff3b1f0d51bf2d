"""Reverb as a transform: the dry sound in its place, the room beside it at the level that was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from auralflow.data.augment.reverb import Reverb

RATE = 44100


def _fixed(wet_db: float, decay_s: float = 0.4) -> Reverb:
    return Reverb((wet_db, wet_db), (decay_s, decay_s), (5000.0, 5000.0), (0.01, 0.01))


def _apply(transform: Reverb, samples: np.ndarray, seed: int = 0) -> np.ndarray:
    return transform(samples, RATE, np.random.default_rng(seed))


@pytest.mark.parametrize("wet_db", [-20.0, -6.0, 0.0, 6.0])
def test_room_is_at_its_level_and_after_the_dry_sound(wet_db: float) -> None:
    click = np.zeros((2, RATE), np.float32)
    click[:, 5000] = 1
    out = _apply(_fixed(wet_db), click).astype(np.float64)
    first_reflection = 5000 + round(0.01 * RATE)
    rest = np.delete(np.arange(RATE), 5000)
    before = rest[rest < first_reflection]
    assert np.abs(out[:, before]).max() < 1e-5
    room = np.sum(out[:, first_reflection:] ** 2, axis=1)
    assert 10 * np.log10(room / out[:, 5000] ** 2) == pytest.approx(wet_db, abs=0.05)


@pytest.mark.parametrize("wet_db", [-10.0, 0.0])
def test_noise_keeps_its_power(wet_db: float) -> None:
    noise = np.random.default_rng(5).standard_normal((2, 3 * RATE)).astype(np.float32)
    settled = slice(RATE, None)
    assert _apply(_fixed(wet_db), noise)[:, settled].std() == pytest.approx(noise.std(), rel=0.05)


def test_mono_in_two_channels_becomes_wide() -> None:
    noise = np.tile(np.random.default_rng(5).standard_normal((1, RATE)).astype(np.float32), (2, 1))
    left, right = _apply(_fixed(20.0), noise)
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.2


def test_rooms_are_drawn() -> None:
    click = np.zeros((1, 2000), np.float32)
    click[0, 0] = 1
    assert len({_apply(Reverb(), click, seed).tobytes() for seed in range(5)}) == 5
