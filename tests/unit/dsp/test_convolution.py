"""Convolution: against the definition, for every relation of the two lengths."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from auralflow.dsp import convolution
from auralflow.dsp.convolution import convolve


def _noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("n_samples", [0, 1, 2, 7, 1000, 5001])
@pytest.mark.parametrize("n_taps", [1, 2, 7, 999, 6000])
def test_is_the_sum_that_defines_it(n_samples: int, n_taps: int) -> None:
    waveform, response = _noise(n_samples), _noise(n_taps, seed=1)
    whole = np.convolve(waveform, response) if n_samples else np.zeros(0)
    np.testing.assert_allclose(convolve(waveform, response), whole[:n_samples], atol=1e-9)


def test_many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shortest FFT that may be: every tail covers all of the next block but one sample."""
    monkeypatch.setattr(convolution, "_choose_fft", lambda n_samples, n_taps: 2 * n_taps)
    waveform, response = _noise(5001), _noise(64, seed=1)
    np.testing.assert_allclose(convolve(waveform, response), np.convolve(waveform, response)[:5001], atol=1e-9)


def test_responses_of_their_own_or_one_for_all() -> None:
    waveform, responses = _noise(3, 2, 500), _noise(1, 2, 40, seed=1)
    result = convolve(waveform, responses)
    for item in range(3):
        for channel in range(2):
            torch.testing.assert_close(result[item, channel], convolve(waveform[item, channel], responses[0, channel]))


@pytest.mark.parametrize("n_samples", [1, 1000, 264600, 26_000_000])
@pytest.mark.parametrize("n_taps", [1, 100, 44100, 200_000])
def test_fft_holds_a_block_and_its_tail(n_samples: int, n_taps: int) -> None:
    assert convolution._choose_fft(n_samples, n_taps) >= 2 * n_taps


def test_input_is_not_written_into() -> None:
    waveform = _noise(2, 300)
    before = waveform.clone()
    convolve(waveform, _noise(1, 1, seed=1)).add_(1)
    assert torch.equal(waveform, before)
