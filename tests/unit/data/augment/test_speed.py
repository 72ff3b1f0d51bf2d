"""Speed: tones, events and lengths move together, and as resampling is linear, stems of a song still add up."""

from __future__ import annotations

import numpy as np
import pytest

from auralflow.data.augment.speed import Speed

RATE = 44100


def _apply(transform: Speed, samples: np.ndarray, seed: int = 0) -> np.ndarray:
    return transform(samples, RATE, np.random.default_rng(seed))


@pytest.mark.parametrize("ratio", [0.5, 0.8, 1.0, 1.03, 1.25, 2.0])
def test_a_tone_moves_and_ends_by_the_ratio(ratio: float) -> None:
    """The played tone is the tone of the other frequency, sample by sample, and silence follows it as soon."""
    n_tone, freq_hz = 30000, 1000.0
    times = np.arange(2 * n_tone) / RATE
    tone = (np.sin(2 * np.pi * freq_hz * times) * (np.arange(2 * n_tone) < n_tone)).astype(np.float32)[None]
    played = _apply(Speed((ratio, ratio)), tone)[0]
    end = int(n_tone / ratio)
    inner = slice(500, min(end, len(played)) - 500)
    expected = np.sin(2 * np.pi * freq_hz * round(ratio * RATE) / RATE * np.arange(len(played)) / RATE)
    np.testing.assert_allclose(played[inner], expected[inner], atol=1e-4)
    assert (np.abs(played[end + 500 :]) < 1e-3).all()


@pytest.mark.parametrize("ratio", [(0.8, 1.25), (0.5, 2.0), (0.7, 0.7)])
def test_n_input_is_enough_and_no_more(ratio: tuple[float, float]) -> None:
    """The result is full of sound to its last samples, however fast; and what is asked for grows with the speed."""
    transform = Speed(ratio)
    for n_output in (1, 2, 3, 1000, 1001, 12345):
        n_input = transform.n_input(n_output)
        assert n_output <= n_input <= n_output * max(1, ratio[1]) + 1
        for seed in range(6):
            played = _apply(transform, np.ones((1, n_input), np.float32), seed)
            assert played.shape == (1, n_output)
            if n_output > 10000:
                assert np.abs(played[0, -300:-100]).min() > 0.9  # the filter rings over the end


def test_stems_of_a_song_add_up() -> None:
    random = np.random.default_rng(0)
    stems = [random.standard_normal((2, 20000)).astype(np.float32) for _ in range(2)]
    apart = sum(_apply(Speed(), stem, seed=4) for stem in stems)
    np.testing.assert_allclose(apart, _apply(Speed(), stems[0] + stems[1], seed=4), atol=1e-5)


def test_draws_fill_the_range() -> None:
    """Where a click that lies in the middle comes out tells the ratio."""
    click = np.zeros((1, 12500), np.float32)
    click[0, 6000] = 1
    places = [int(np.abs(_apply(Speed((0.8, 1.25)), click, seed)[0]).argmax()) for seed in range(40)]
    ratios = 6000 / np.array(places)
    assert ratios.min() < 0.85
    assert ratios.max() > 1.18
    assert ((ratios > 0.799) & (ratios < 1.251)).all()
