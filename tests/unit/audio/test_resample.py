"""Length, time alignment and the transparency of a round trip."""

from __future__ import annotations

import numpy as np
import pytest

from auralflow.audio.resample import Resampler, resampled_length

RATES = [(44100, 48000), (48000, 44100), (8000, 44100), (96000, 44100), (44100, 192000), (44100, 44100)]


def _convert(samples: np.ndarray, rate_in: int, rate_out: int, block_samples: int) -> np.ndarray:
    resampler = Resampler(rate_in, rate_out, samples.shape[0])
    starts = range(0, samples.shape[1], block_samples)
    blocks = [resampler.process(samples[:, i : i + block_samples]) for i in starts]
    return np.concatenate([*blocks, resampler.flush()], axis=1)


@pytest.mark.parametrize(("rate_in", "rate_out"), RATES)
@pytest.mark.parametrize("n_samples", [0, 1, 2, 999, 44107])
def test_length_is_exact(rate_in: int, rate_out: int, n_samples: int) -> None:
    samples = np.zeros((2, n_samples), np.float32)
    assert _convert(samples, rate_in, rate_out, 1000).shape == (2, resampled_length(n_samples, rate_in, rate_out))


def test_blocks_do_not_matter() -> None:
    samples = np.random.default_rng(0).standard_normal((2, 20_000)).astype(np.float32)
    whole, pieces = _convert(samples, 44100, 48000, 20_000), _convert(samples, 44100, 48000, 777)
    np.testing.assert_allclose(pieces, whole, atol=1e-6)


@pytest.mark.parametrize(("rate_in", "rate_out"), RATES)
def test_a_tone_keeps_its_frequency_phase_and_level(rate_in: int, rate_out: int) -> None:
    hz, n_in = 1000.0, rate_in // 2
    tone = np.sin(2 * np.pi * hz * np.arange(n_in) / rate_in)[None].astype(np.float32)
    got = _convert(tone, rate_in, rate_out, 4096)[0]
    want = np.sin(2 * np.pi * hz * np.arange(len(got)) / rate_out)
    inner = slice(len(got) // 4, 3 * len(got) // 4)
    assert np.abs(got[inner] - want[inner]).max() < 1e-4


def test_what_lies_above_the_lower_nyquist_is_removed() -> None:
    tone = np.sin(2 * np.pi * 30_000 * np.arange(96_000) / 96_000)[None].astype(np.float32)
    inner = _convert(tone, 96_000, 44_100, 4096)[0][5_000:-5_000]
    assert 20 * np.log10(np.abs(inner).max()) < -120
