"""The sound is the same every time, in blocks of any song length, and every segment of it is heard."""

from __future__ import annotations

import numpy as np
import pytest

from auralflow.bench.signal import make_blocks

RATE = 8000


def make(n_samples: int, seed: int = 0) -> np.ndarray:
    return np.concatenate(list(make_blocks(n_samples, RATE, seed)), axis=1)


def test_it_is_a_function_of_its_arguments() -> None:
    assert np.array_equal(make(RATE), make(RATE))
    assert not np.array_equal(make(RATE), make(RATE, seed=1))


def test_a_longer_one_begins_alike_and_keeps_flat_blocks() -> None:
    """The noise of a block depends on where it begins alone."""
    longer = make(3 * 65536)
    assert np.array_equal(longer[:, :65536], make(65536))
    assert {block.shape[-1] for block in make_blocks(3 * 65536, RATE)} == {65536}
    assert longer.dtype == np.float32


@pytest.mark.parametrize("rate", [8000, 44100])
def test_it_is_loud_everywhere_and_never_clips(rate: int) -> None:
    sound = np.concatenate(list(make_blocks(10 * rate, rate)), axis=1)
    frames = sound[:, : sound.shape[1] // 2048 * 2048].reshape(2, -1, 2048)
    assert np.abs(sound).max() <= 1
    assert frames.std(-1).min() > 1e-3


def test_the_channels_differ() -> None:
    left, right = make(4 * RATE)
    assert 0.1 < np.corrcoef(left, right)[0, 1] < 0.95


def test_it_has_a_chirp_over_the_band() -> None:
    """Energy from the lowest octaves up to near 0.4 of the rate, well above the floor of the noise."""
    spectrum = np.abs(np.fft.rfft(make(2 * RATE)[1])) ** 2
    bands = spectrum[1:-1].reshape(-1, 7999 // 19)[:19].sum(1)  # 19 bands of 210 Hz
    below, above = bands[:15], bands[16:]
    assert below.min() > 3 * above.max()
