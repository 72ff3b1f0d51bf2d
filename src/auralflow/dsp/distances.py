"""Distances between magnitude spectrograms of stems, for losses and metrics to share.

Each compares amplitudes of `[*axes, stem, channel, freq, frame]` and gives one number per stem. What is relative is
relative to all stems of an item together: a silent stem has no level of its own to divide by.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from auralflow.dsp.stft import STFTConfig, stft

SILENCE = 1e-3
"""Amplitude (-60 dB re full scale) that a divisor does not go below."""
LOG_FLOOR = 1e-4
"""Amplitude (-80 dB re full scale) that is added before a logarithm."""

_Amplitudes = Float[Tensor, "*axes stem channel freq frame"]


def amplitudes(waveform: Float[Tensor, "*axes time"], config: STFTConfig) -> Float[Tensor, "*axes freq frame"]:
    """Magnitudes of the STFT over the norm of its window, so that noise keeps its root mean square.

    Shape:
        `[*axes, time]` to `[*axes, freq, frame]`.

    Example:
        >>> amplitudes(torch.zeros(2, 1000), STFTConfig(256, 64)).shape
        torch.Size([2, 129, 17])
    """
    # The squares of a periodic Hann window sum to 3/8 of its length.
    return stft(waveform, config).abs() / math.sqrt(3 / 8 * config.n_fft)


def relative_l1(estimates: _Amplitudes, targets: _Amplitudes) -> Float[Tensor, "*axes stem"]:
    """Mean absolute difference of a stem, relative to the mean amplitude of all targets of the item.

    Shape:
        `[*axes, stem, channel, freq, frame]` twice to `[*axes, stem]`.

    Example:
        >>> targets = torch.ones(4, 2, 5, 7)
        >>> relative_l1(0.75 * targets, targets)
        tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """
    level = targets.flatten(-4).mean(-1).clamp(min=SILENCE).unsqueeze(-1)
    return (estimates - targets).abs().flatten(-3).mean(-1) / level


def spectral_convergence(estimates: _Amplitudes, targets: _Amplitudes) -> Float[Tensor, "*axes stem"]:
    """Root mean squared difference of a stem, relative to the root mean square of all targets of the item.

    For one stem that is the spectral convergence of Arik et al. (2019, "Fast spectrogram inversion using multi-head
    convolutional neural networks"), `|E - S| / |S|` with Frobenius norms.

    Shape:
        `[*axes, stem, channel, freq, frame]` twice to `[*axes, stem]`.

    Example:
        >>> targets = torch.rand(4, 2, 5, 7)
        >>> bool((spectral_convergence(targets, targets) == 0).all())
        True
    """
    level = targets.square().flatten(-4).mean(-1).sqrt().clamp(min=SILENCE).unsqueeze(-1)
    difference = (estimates - targets).flatten(-3)
    # Unlike sqrt(mean(x^2)), the norm has a gradient of zero at zero.
    norm: Tensor = torch.linalg.vector_norm(difference, dim=-1)
    return norm / math.sqrt(difference.shape[-1]) / level


def log_distance(estimates: _Amplitudes, targets: _Amplitudes) -> Float[Tensor, "*axes stem"]:
    """Mean absolute difference of the natural logarithms of a stem's amplitudes, each raised by `LOG_FLOOR`.

    Shape:
        `[*axes, stem, channel, freq, frame]` twice to `[*axes, stem]`.

    Example:
        >>> targets = torch.ones(1, 2, 5, 7)
        >>> round(log_distance(targets / torch.e, targets).item(), 3)
        1.0
    """
    return ((estimates + LOG_FLOOR).log() - (targets + LOG_FLOOR).log()).abs().flatten(-3).mean(-1)
