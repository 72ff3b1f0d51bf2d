"""Transforms that change a sample by a factor: gain, polarity, exchange of channels."""

from __future__ import annotations

import numpy as np
import pytest

from auralflow.data.augment.channel_swap import ChannelSwap
from auralflow.data.augment.gain import Gain
from auralflow.data.augment.polarity import Polarity

RATE = 44100
SOUND = np.random.default_rng(0).standard_normal((2, 1000)).astype(np.float32)


def _apply(transform: Gain | Polarity | ChannelSwap, samples: np.ndarray, seed: int = 0) -> np.ndarray:
    return transform(samples, RATE, np.random.default_rng(seed))


def test_gain_is_one_number_of_the_range_in_decibels() -> None:
    gains_db = []
    for seed in range(200):
        ratio = _apply(Gain((-20.0, 4.0)), SOUND, seed) / SOUND
        assert ratio.max() - ratio.min() < 1e-5
        gains_db.append(20 * np.log10(ratio.mean()))
    assert -20 <= min(gains_db) < -19
    assert 3 < max(gains_db) <= 4
    assert np.median(gains_db) == pytest.approx(-8, abs=2.5)


def test_gain_of_a_fixed_range() -> None:
    np.testing.assert_allclose(_apply(Gain((6.0, 6.0)), SOUND), SOUND * 10**0.3, rtol=1e-6)


def test_polarity_cancels_what_it_was() -> None:
    np.testing.assert_array_equal(_apply(Polarity(), SOUND) + SOUND, 0)


def test_swap_exchanges_left_and_right() -> None:
    swapped = _apply(ChannelSwap(), SOUND)
    np.testing.assert_array_equal(swapped, SOUND[[1, 0]])
    np.testing.assert_array_equal(_apply(ChannelSwap(), swapped), SOUND)


@pytest.mark.parametrize("channels", [1, 3, 6])
def test_swap_leaves_what_is_not_stereo(channels: int) -> None:
    sound = np.tile(SOUND[:1], (channels, 1)) * np.arange(1, channels + 1, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(_apply(ChannelSwap(), sound), sound)
