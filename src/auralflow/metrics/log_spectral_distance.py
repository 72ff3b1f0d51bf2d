"""Log-spectral distance: how many decibels the spectrum of a frame is off, averaged over the frames."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from auralflow.dsp.distances import LOG_FLOOR
from auralflow.dsp.magnitudes import magnitude_blocks
from auralflow.dsp.stft import STFTConfig
from auralflow.metrics._defined import blank_undefined

HIGHER_IS_BETTER = False
SOURCE = "Gray and Markel (1976), 'Distance measures for speech processing'"

_CONFIG = STFTConfig(2048, 512)


def log_spectral_distance(
    estimates: Float[Tensor, "stem channel time"], targets: Float[Tensor, "stem channel time"], *, sample_rate: int
) -> dict[str, Tensor]:
    """`mean over frames of sqrt(mean over bins of (20 log10 (E / S))^2)` in dB; 0 for equal magnitudes.

    `E` and `S` are magnitudes of frames of 2048 samples every 512, over the norm of the Hann window; both have a floor
    of 1e-4, 80 dB below full scale, so that silence in a frame is a level like any other and the distance stays below
    what separates the loudest bin from the floor. Channels count as frames. Phase plays no part.

    NaN where the whole target is silent or a sample is no finite number.

    Shape:
        `[stem, channel, time]` twice to `{"log_spectral_distance": [stem]}`. The sample rate plays no part.

    Example:
        >>> targets = torch.randn(1, 2, 5000)
        >>> score = log_spectral_distance(0.1 * targets, targets, sample_rate=44100)
        >>> round(score["log_spectral_distance"].item())
        20
    """
    distances = torch.stack([_mean_distance(*pair) for pair in zip(estimates, targets, strict=True)])
    return {"log_spectral_distance": blank_undefined(distances, estimates, targets)}


def _mean_distance(estimate: Float[Tensor, "channel time"], target: Float[Tensor, "channel time"]) -> Float[Tensor, ""]:
    total, n_frames = target.new_zeros(()), 0
    pair = (magnitude_blocks(waveform, _CONFIG) for waveform in (estimate, target))
    for estimated, wanted in zip(*pair, strict=True):
        frames = (_decibels(estimated) - _decibels(wanted)).square().mean(-2).sqrt()
        total = total + frames.sum()
        n_frames += frames.numel()
    return total / n_frames


def _decibels(magnitudes: Float[Tensor, "channel freq frame"]) -> Float[Tensor, "channel freq frame"]:
    norm = math.sqrt(3 / 8 * _CONFIG.n_fft)  # the squares of a periodic Hann window sum to 3/8 of its length
    return 20 * (magnitudes / norm).clamp(min=LOG_FLOOR).log10()
