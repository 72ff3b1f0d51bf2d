"""Blocks of magnitudes are the spectrogram of `torch.stft`."""

from __future__ import annotations

import pytest
import torch

from auralflow.dsp import magnitudes
from auralflow.dsp.magnitudes import Padding, Window, magnitude_blocks
from auralflow.dsp.stft import STFTConfig

CONFIG = STFTConfig(256, 64)


@pytest.mark.parametrize("window", ["hann", "rectangular"])
@pytest.mark.parametrize("padding", ["constant", "reflect"])
@pytest.mark.parametrize("n_block", [1, 3, 1000])
def test_is_torchs_spectrogram(window: Window, padding: Padding, n_block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    waveform = torch.randn(2, 1000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    monkeypatch.setattr(magnitudes, "_BLOCK_VALUES", n_block * 2 * CONFIG.n_fft)
    blocks = list(magnitude_blocks(waveform, CONFIG, window=window, padding=padding))
    weights = (torch.hann_window if window == "hann" else torch.ones)(256, dtype=torch.float64)
    whole = torch.stft(waveform, 256, 64, window=weights, pad_mode=padding, return_complex=True).abs()
    torch.testing.assert_close(torch.cat(blocks, -1), whole, atol=1e-12, rtol=0)
    assert len(blocks) == -(-16 // n_block)
