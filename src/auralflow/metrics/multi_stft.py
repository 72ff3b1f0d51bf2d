"""Multi-resolution STFT distance: spectral convergence plus log-magnitude distance, at four resolutions."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from auralflow.dsp.distances import LOG_FLOOR, SILENCE
from auralflow.dsp.magnitudes import magnitude_blocks
from auralflow.dsp.stft import STFTConfig
from auralflow.metrics._defined import blank_undefined

HIGHER_IS_BETTER = False
SOURCE = "Yamamoto, Song and Kim (2020), 'Parallel WaveGAN', equations 4 to 6"

RESOLUTIONS = tuple(STFTConfig(n_fft, n_fft // 4) for n_fft in (512, 1024, 2048, 4096))
"""Frames of 512 to 4096 samples, each with a hop of a quarter."""


def multi_stft(
    estimates: Float[Tensor, "stem channel time"], targets: Float[Tensor, "stem channel time"], *, sample_rate: int
) -> dict[str, Tensor]:
    """`mean over resolutions of |E - S| / |S| + mean |ln(E + f) - ln(S + f)|`; 0 for equal magnitudes.

    `E` and `S` are magnitudes over the norm of the Hann window, `f` is 1e-4 (80 dB below full scale), and the first two
    norms go over channels, bins and frames of the stem, with a floor 60 dB below full scale under `|S|`. The first part
    is ruled by loud bins; the second, in nepers, hears quiet ones alike. Phase plays no part.

    NaN where the target is silent or a sample is no finite number.

    Shape:
        `[stem, channel, time]` twice to `{"multi_stft": [stem]}`. The sample rate plays no part.

    Example:
        >>> targets = torch.rand(1, 2, 5000)
        >>> multi_stft(-targets, targets, sample_rate=44100)["multi_stft"]
        tensor([0.])
    """
    distances = [
        torch.stack([_compare(estimate, target, config) for config in RESOLUTIONS]).mean()
        for estimate, target in zip(estimates, targets, strict=True)
    ]
    return {"multi_stft": blank_undefined(torch.stack(distances), estimates, targets)}


def _compare(
    estimate: Float[Tensor, "channel time"], target: Float[Tensor, "channel time"], config: STFTConfig
) -> Float[Tensor, ""]:
    difference = power = logs = target.new_zeros(())
    n_values = 0
    norm = math.sqrt(3 / 8 * config.n_fft)  # the squares of a periodic Hann window sum to 3/8 of its length
    for e, s in zip(magnitude_blocks(estimate, config), magnitude_blocks(target, config), strict=True):
        estimated, wanted = e / norm, s / norm
        difference = difference + (estimated - wanted).square().sum()
        power = power + wanted.square().sum()
        logs = logs + ((estimated + LOG_FLOOR).log() - (wanted + LOG_FLOOR).log()).abs().sum()
        n_values += wanted.numel()
    level = (power / n_values).sqrt().clamp(min=SILENCE)
    return (difference / n_values).sqrt() / level + logs / n_values
