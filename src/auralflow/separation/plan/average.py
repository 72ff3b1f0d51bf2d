"""Put together what several models say of one stem.

With the estimates x_k of a stem, their weights w_k (which sum to one) and their spectrograms X_k:

    waveform         sum_k w_k x_k
    magnitude        sum_k w_k |X_k|, with the phase of sum_k w_k X_k
    min_magnitude    in each bin the X_k with the smallest magnitude: only what all agree on is left
    max_magnitude    in each bin the X_k with the largest: nothing that one of them found is lost

A weighted mean of complex spectrograms is that of the samples, for the transform is linear. Spectrograms are made
piece after piece; a piece hears one frame more at either side than it answers for, so that the result is that of the
whole track.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from auralflow.audio.types import Samples
from auralflow.dsp.stft import STFTConfig, istft, stft
from auralflow.separation.plan.config import Average
from auralflow.separation.plan.streams import lockstep, mix
from auralflow.separation.segments import Segmentation, cut_segments

_FRAME_S = 0.046
_HOPS_PER_FRAME = 4
_HOPS_PER_PIECE = 128


def average(
    streams: Sequence[Iterator[Samples]], weights: Sequence[float], rule: Average, sample_rate: int
) -> Iterator[Samples]:
    """One stream of several; see the head of this file.

    Shape:
        blocks (channel, time)
    """
    if len(streams) == 1:
        return streams[0]
    shares = [weight / sum(weights) for weight in weights]
    if rule == "waveform":
        return mix(streams, shares)
    return _average_spectra(streams, shares, rule, choose_stft(sample_rate))


def choose_stft(sample_rate: int) -> STFTConfig:
    """Frames of about 46 ms: 2048 samples at 44.1 and 48 kHz, twice that at 88.2 and 96 kHz."""
    n_fft = 2 ** round(math.log2(_FRAME_S * sample_rate))
    return STFTConfig(n_fft, n_fft // _HOPS_PER_FRAME)


def average_whole(estimates: Tensor, shares: Sequence[float], rule: Average, config: STFTConfig) -> Tensor:
    """The same of signals in memory, by magnitudes.

    Shape:
        estimates (model, channel, time) -> (channel, time)
    """
    spectra = stft(estimates, config)
    if rule == "magnitude":
        weights = torch.tensor(shares, dtype=estimates.dtype)[:, None, None, None]
        spectrum = torch.polar((weights * spectra.abs()).sum(0), (weights * spectra).sum(0).angle())
    else:
        size = spectra.abs()
        chosen = size.argmin(0) if rule == "min_magnitude" else size.argmax(0)
        spectrum = spectra.gather(0, chosen[None])[0]
    return istft(spectrum, config, estimates.shape[-1])


def _average_spectra(
    streams: Sequence[Iterator[Samples]], shares: Sequence[float], rule: Average, config: STFTConfig
) -> Iterator[Samples]:
    context = config.n_fft  # half a frame to the frames that cover a sample, and half a frame to what those see
    hop = _HOPS_PER_PIECE * config.hop_samples
    cut = Segmentation(hop + 2 * context, hop, context, ramp_samples=0, grid_samples=config.hop_samples)
    position = 0
    for segment in cut_segments(map(np.stack, lockstep(streams)), cut):
        piece = average_whole(torch.from_numpy(segment.samples), shares, rule, config)
        end = segment.end - (0 if segment.is_last else context)
        yield piece[..., position - segment.start : end - segment.start].numpy()
        position = end
