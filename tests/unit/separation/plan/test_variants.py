"""Variants of the input are undone in the output, and averaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from auralflow.separation.plan.variants import Variant, list_variants, run_variants

Noise = Callable[..., np.ndarray]
ALL = ("swap_channels", "invert")


def blocks_of(samples: np.ndarray, length: int = 777) -> Iterator[np.ndarray]:
    return (samples[:, i : i + length] for i in range(0, samples.shape[1], length))


def run(function: Callable[[np.ndarray], np.ndarray], mixture: np.ndarray, variants: list[Variant]) -> np.ndarray:
    """A model of one stem that is a function of the whole input."""

    def separate(blocks: Iterator[np.ndarray]) -> Iterator[list[np.ndarray]]:
        heard = np.concatenate([np.zeros((len(mixture), 0), np.float32), *blocks], axis=1)
        yield from ([block] for block in blocks_of(function(heard), 500))

    outputs = [stem for (stem,) in run_variants(variants, separate, blocks_of(mixture), len(mixture))]
    return np.concatenate([np.zeros((len(mixture), 0), np.float32), *outputs], axis=1)


@pytest.mark.parametrize("n_samples", [0, 1, 999, 10_007])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_function_that_is_indifferent_gains_nothing(noise: Noise, n_samples: int, channels: int) -> None:
    mixture = noise(channels, n_samples)
    got = run(lambda x: 0.5 * x, mixture, list_variants(3, ALL, 8000, channels))
    assert got.shape == mixture.shape
    assert np.abs(got - 0.5 * mixture).max(initial=0) < 1e-6


def test_channels_are_swapped_there_and_back(noise: Noise) -> None:
    mixture = noise(3, 100)
    gain = np.array([[1.0], [3.0], [5.0]], np.float32)
    got = run(lambda x: gain * x, mixture, list_variants(1, ("swap_channels",), 8000, 3))
    np.testing.assert_allclose(got, np.array([[2.0], [2.0], [5.0]]) * mixture, rtol=1e-6)


def test_signs_are_changed_there_and_back(noise: Noise) -> None:
    mixture = noise(2, 100)
    got = run(lambda x: x + x**2, mixture, list_variants(1, ("invert",), 8000, 2))
    np.testing.assert_allclose(got, mixture, atol=1e-6)  # what is even cancels


def test_delays_are_made_there_and_back(noise: Noise) -> None:
    """A gain that depends on the place in the input: the mean over places."""
    mixture, variants = noise(1, 4000), list_variants(2, (), 2000, 1)
    place = np.arange(6000, dtype=np.float32)
    got = run(lambda x: x * place[: x.shape[1]], mixture, variants)
    np.testing.assert_allclose(got, mixture * (place[:4000] + variants[1].delay_samples / 2), rtol=1e-6)


@pytest.mark.parametrize("shifts", [1, 2, 3, 10])
@pytest.mark.parametrize("sample_rate", [8000, 44100, 48000])
def test_delays_are_a_grid_that_no_hop_divides(shifts: int, sample_rate: int) -> None:
    delays = [variant.delay_samples for variant in list_variants(shifts, (), sample_rate, 2)]
    assert len(set(delays)) == shifts
    assert delays[0] == 0
    spacing = 0.5 * sample_rate / shifts
    assert all(0 <= delay - i * spacing <= 40 for i, delay in enumerate(delays))
    assert not any(delay % hop == 0 for delay in delays[1:] for hop in (2, 3, 5, 7))


def test_a_mono_file_is_not_swapped() -> None:
    assert list_variants(1, ALL, 8000, 1) == [Variant(), Variant(inverts=True)]
    assert len(list_variants(2, ALL, 8000, 2)) == 6
