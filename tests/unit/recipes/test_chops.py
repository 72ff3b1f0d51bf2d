"""Voices in slices: a rhythm that comes round, of nothing but the voice."""

from __future__ import annotations

import numpy as np
import pytest

from chops import chop
from notes import RATE

BEAT_S = 0.8


def chop_once(sound: np.ndarray, seed: int) -> np.ndarray:
    return chop(sound.astype(np.float32), np.random.default_rng(seed), BEAT_S)


@pytest.mark.parametrize("seed", range(5))
def test_the_rhythm_comes_round(seed: int) -> None:
    voice = np.random.default_rng(9).uniform(-1, 1, 20 * RATE)
    heard = chop_once(voice, seed)
    assert heard.shape == voice.shape
    assert 0.05 < np.mean(heard != 0) < 1
    turn = 16 * round(BEAT_S / 2 * RATE)  # of 8 or 16 steps, of halves or quarters: all of them divide this one
    assert np.array_equal(heard[:turn], heard[turn : 2 * turn])
    assert np.array_equal(heard, chop_once(voice, seed))
    assert not np.array_equal(heard, chop_once(voice, seed + 100))


@pytest.mark.parametrize("seed", range(5))
def test_what_is_heard_is_the_voice_at_some_speed(seed: int) -> None:
    heard = chop_once(np.sin(2 * np.pi * 400 * np.arange(10 * RATE) / RATE), seed)
    spectrum = np.abs(np.fft.rfft(heard)) ** 2
    hz = np.arange(len(spectrum)) * RATE / len(heard)
    speeds = 2.0 ** (np.array([-12, -5, 0, 3, 7, 12]) / 12)
    near = np.any([np.abs(hz - 400 * speed) < 40 for speed in speeds], axis=0)
    assert spectrum[near].sum() > 0.9 * spectrum.sum()
    assert np.abs(np.diff(heard)).max() < 0.2  # no click at an edge: 800 Hz alone move by 0.11 a sample


def test_silence_stays() -> None:
    assert not chop_once(np.zeros(RATE), 0).any()
