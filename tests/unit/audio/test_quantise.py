from __future__ import annotations

import numpy as np
import pytest

from auralflow.audio.quantise import quantise
from auralflow.errors import AudioError

DEPTHS = [("int16", 16), ("int24", 24)]


def in_steps(samples: np.ndarray, depth: str) -> np.ndarray:
    """Quantised samples as whole steps of their depth."""
    return samples.astype(np.int64) >> (0 if depth == "int16" else 8)


def test_every_16_bit_value_returns_to_itself() -> None:
    values = np.arange(-32768, 32768, dtype=np.int16)[None]
    result = quantise(values.astype(np.float32) / 32768, "int16")
    assert result.samples.dtype == np.int16
    np.testing.assert_array_equal(result.samples, values)
    assert result.n_clipped == 0


def test_24_bit_values_return_to_themselves_in_the_upper_bits() -> None:
    values = np.random.default_rng(0).integers(-(2**23), 2**23, (2, 100_000))
    values[:, :4] = [-(2**23), 2**23 - 1, 1, -1]
    result = quantise((values / 2**23).astype(np.float32), "int24")
    assert result.samples.dtype == np.int32
    np.testing.assert_array_equal(result.samples, values << 8)
    assert result.n_clipped == 0


def test_depth_reduction_rounds_and_does_not_truncate() -> None:
    signal = np.random.default_rng(1).uniform(-0.9, 0.9, (2, 50_000)).astype(np.float32)
    error = quantise(signal, "int16").samples - signal.astype(np.float64) * 32768
    assert np.abs(error).max() <= 0.5
    # Truncation would have a mean of -0.5; the standard error of 100,000 uniform errors is 0.0009.
    assert abs(error.mean()) < 0.004
    assert error.var() == pytest.approx(1 / 12, rel=0.02)


def test_halves_go_to_the_even_neighbour() -> None:
    signal = np.array([[0.5, 1.5, 2.5, -0.5, -1.5]], np.float32) / 32768
    assert quantise(signal, "int16").samples.tolist() == [[0, 2, 2, 0, -2]]


@pytest.mark.parametrize(("depth", "bits"), DEPTHS)
def test_what_lies_beyond_full_scale_is_clipped_and_counted(depth: str, bits: int) -> None:
    signal = np.array([[1.0, -1.0, 1.01, -1.01, 7.0, 1e38, 0.5]], np.float32)
    result = quantise(signal, depth)
    top = 2 ** (bits - 1)
    assert in_steps(result.samples, depth).tolist() == [[top - 1, -top, top - 1, -top, top - 1, top - 1, top // 2]]
    assert result.n_clipped == 4


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_no_number_is_refused(bad: float) -> None:
    signal = np.zeros((2, 10), np.float32)
    signal[1, 3] = bad
    with pytest.raises(AudioError, match="got 1 that are NaN or infinite"):
        quantise(signal, "int16")


def test_an_empty_block_stays_empty() -> None:
    assert quantise(np.zeros((2, 0), np.float32), "int16").samples.shape == (2, 0)


@pytest.mark.parametrize(("depth", "bits"), DEPTHS)
def test_dither_makes_a_tone_below_half_a_step_audible(depth: str, bits: int) -> None:
    step = 2.0 ** (1 - bits)
    time_s = np.arange(200_000) / 44100
    tone = (0.4 * np.sin(2 * np.pi * 441.5 * time_s + 0.1)).astype(np.float32)[None]
    signal = (tone * step).astype(np.float32)

    plain = quantise(signal, depth).samples
    assert not plain.any()

    dithered = in_steps(quantise(signal, depth, "tpdf", np.random.default_rng(3)).samples, depth)
    gain = (dithered * tone).sum() / (tone**2).sum()
    # Noise of variance 1/4 on 200,000 samples of power 0.08: the standard error of the gain is 0.004.
    assert gain == pytest.approx(1, abs=0.02)


def test_dither_error_has_no_mean_and_the_same_variance_at_every_level() -> None:
    for level in (0.1, 0.25, 0.5, 0.9):
        signal = np.full((1, 200_000), (1000 + level) / 32768, np.float32)
        dithered = quantise(signal, "int16", "tpdf", np.random.default_rng(5)).samples
        error = dithered - (1000 + level)
        assert abs(error.mean()) < 0.01
        # Two uniform errors of the dither and one of rounding: 3/12 squared steps.
        assert error.var() == pytest.approx(0.25, rel=0.03)
        assert np.abs(error).max() <= 1.5


def test_dither_leaves_zeros_alone() -> None:
    signal = np.zeros((2, 5000), np.float32)
    signal[0, 2000:3000] = 0.3
    dithered = quantise(signal, "int16", "tpdf", np.random.default_rng(7)).samples
    assert not dithered[:, :2000].any()
    assert not dithered[:, 3000:].any()
    assert not dithered[1].any()
    assert dithered[0, 2000:3000].std() > 0.3


def test_dither_does_not_depend_on_how_the_stream_is_cut() -> None:
    signal = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 1000)).astype(np.float32)
    whole = quantise(signal, "int16", "tpdf", np.random.default_rng(11)).samples
    generator = np.random.default_rng(11)
    pieces = [quantise(piece, "int16", "tpdf", generator).samples for piece in np.split(signal, [1, 8, 501], axis=1)]
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), whole)
    other = quantise(signal, "int16", "tpdf", np.random.default_rng(12)).samples
    assert (other != whole).any()


def test_dither_needs_a_generator() -> None:
    with pytest.raises(ValueError, match="generator"):
        quantise(np.zeros((1, 1), np.float32), "int16", "tpdf")
