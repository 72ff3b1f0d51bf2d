"""Means of several estimates, by samples and by magnitudes, piece by piece as of the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from auralflow.dsp.stft import stft
from auralflow.separation.plan.average import average, average_whole, choose_stft
from auralflow.separation.plan.config import Average

Noise = Callable[..., np.ndarray]
RATE = 8000
MAGNITUDES: list[Average] = ["magnitude", "min_magnitude", "max_magnitude"]


def blocks_of(samples: np.ndarray, length: int) -> Iterator[np.ndarray]:
    return (samples[:, i : i + length] for i in range(0, samples.shape[1], length))


def run(rule: Average, estimates: np.ndarray, weights: list[float], length: int = 5000) -> np.ndarray:
    streams = [blocks_of(estimate, length + i) for i, estimate in enumerate(estimates)]
    empty = np.zeros((estimates.shape[1], 0), np.float32)
    return np.concatenate([empty, *average(streams, weights, rule, RATE)], axis=1)


def estimates_of(noise: Noise, n_samples: int, n_models: int = 3) -> np.ndarray:
    return np.stack([noise(2, n_samples, seed) for seed in range(n_models)])


def test_samples_are_averaged_with_their_weights(noise: Noise) -> None:
    estimates = estimates_of(noise, 12_345)
    expected = (1 * estimates[0] + 2 * estimates[1] + 5 * estimates[2]) / 8
    np.testing.assert_allclose(run("waveform", estimates, [1, 2, 5]), expected, atol=1e-7)


@pytest.mark.parametrize("rule", MAGNITUDES)
@pytest.mark.parametrize("n_samples", [0, 1, 999, 16_384, 50_003])
def test_pieces_equal_the_whole(noise: Noise, rule: Average, n_samples: int) -> None:
    estimates = estimates_of(noise, n_samples)
    got = run(rule, estimates, [1, 2, 5])
    assert got.shape == (2, n_samples)
    if n_samples:
        whole = average_whole(torch.from_numpy(estimates), [1 / 8, 2 / 8, 5 / 8], rule, choose_stft(RATE))
        assert np.abs(got - whole.numpy()).max() < 1e-6


def test_pieces_come_as_soon_as_they_are_heard() -> None:
    n_read = n_given = most_held = 0

    def source() -> Iterator[np.ndarray]:
        nonlocal n_read
        for _ in range(100):
            n_read += 1000
            yield np.full((1, 1000), 0.1, np.float32)

    for block in average([source(), blocks_of(np.zeros((1, 100_000), np.float32), 500)], [1, 1], "magnitude", RATE):
        n_given += block.shape[1]
        most_held = max(most_held, n_read - n_given)
    assert n_given == n_read
    assert most_held <= 128 * 128 + 2 * 512 + 1000  # a piece and a block


@pytest.mark.parametrize("rule", [*MAGNITUDES, "waveform"])
def test_models_that_agree_are_believed(noise: Noise, rule: Average) -> None:
    same = noise(2, 20_000)
    assert np.abs(run(rule, np.stack([same, same]), [1, 3]) - same).max() < 2e-6


def test_magnitudes_are_the_mean_with_the_phase_of_the_mean(noise: Noise) -> None:
    """Against the definition, where phases agree: then the result has a spectrogram, and it is this one."""
    first = noise(2, 20_000)
    np.testing.assert_allclose(run("magnitude", np.stack([first, 3 * first]), [3, 1]), 1.5 * first, atol=3e-6)
    # Opposite signs cancel in samples, never in magnitudes.
    opposite = run("magnitude", np.stack([first, -0.5 * first]), [1, 1])
    np.testing.assert_allclose(opposite, 0.75 * first, atol=3e-6)


def test_the_quieter_and_the_louder_are_taken_bin_by_bin() -> None:
    """Two tones, each louder in one estimate."""
    t = np.arange(20_000) / RATE
    low, high = (np.sin(2 * np.pi * f * t).astype(np.float32)[None] for f in (500, 2500))
    estimates = np.stack([low + 0.1 * high, 0.2 * low + high])
    inner = slice(1000, -1000)
    quiet = run("min_magnitude", estimates, [1, 1])
    loud = run("max_magnitude", estimates, [1, 1])
    assert np.abs(quiet - (0.2 * low + 0.1 * high))[:, inner].max() < 1e-3
    assert np.abs(loud - (low + high))[:, inner].max() < 1e-3


@pytest.mark.parametrize(
    ("sample_rate", "n_fft"), [(8000, 512), (44_100, 2048), (48_000, 2048), (96_000, 4096), (192_000, 8192)]
)
def test_frames_last_as_long_at_every_rate(sample_rate: int, n_fft: int) -> None:
    assert choose_stft(sample_rate).n_fft == n_fft


def test_silence_stays_silent() -> None:
    silence = np.zeros((2, 2, 20_000), np.float32)
    for rule in MAGNITUDES:
        assert not run(rule, silence, [1, 1]).any()
    assert torch.isfinite(stft(torch.zeros(1, 10), choose_stft(RATE)).abs()).all()
