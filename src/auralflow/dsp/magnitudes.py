"""Magnitude spectrograms of whole songs, a block of frames at a time, so that memory does not grow with the song.

Frame `k` is centred on sample `k * hop_samples`, and there are `1 + time // hop_samples` of them: the framing that
published metrics on spectrograms inherit from `torch.stft`. (`auralflow.dsp.stft` adds a frame where the hop does not
divide the length, for the sake of its inverse.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from auralflow.dsp.stft import STFTConfig

Padding = Literal["constant", "reflect"]
Window = Literal["hann", "rectangular"]

_BLOCK_VALUES = 2**21


def magnitude_blocks(
    waveform: Float[Tensor, "channel time"],
    config: STFTConfig,
    *,
    window: Window = "hann",
    padding: Padding = "constant",
) -> Iterator[Tensor]:
    """Unscaled magnitudes, block after block of frames; laid end to end they are the spectrogram.

    `padding` says what a frame sees outside the signal: silence (`constant`), or its mirror image, for which the
    signal must be longer than half a frame.

    Shape:
        `[channel, time]` to blocks of `[channel, freq, frame]`.

    Example:
        >>> blocks = list(magnitude_blocks(torch.zeros(2, 1000), STFTConfig(256, 64)))
        >>> torch.cat(blocks, -1).shape
        torch.Size([2, 129, 16])
    """
    make = torch.hann_window if window == "hann" else torch.ones
    weights: Tensor = make(config.n_fft, dtype=waveform.dtype, device=waveform.device)
    half = config.n_fft // 2
    frames = F.pad(waveform, (half, half), mode=padding).unfold(-1, config.n_fft, config.hop_samples)
    n_block = max(1, _BLOCK_VALUES // (config.n_fft * waveform.shape[0]))
    for block in torch.split(frames, n_block, dim=1):
        yield torch.fft.rfft(block * weights).abs().transpose(-1, -2)
