"""Longer or shorter at the same pitch: a phase vocoder with locked phases.

Frames are taken from the input at one spacing and laid down at another. A frame is turned so that its phases go on
where those of the frame before it end: between two output frames one hop apart, a partial's phase must advance as it
does in the input over one hop. That advance is read from two input frames that are exactly a hop apart (M. Puckette
1995, "Phase-locked vocoder"), so that no phase has to be unwrapped and frequencies are exact.

All bins around a spectral peak are turned alike (identity locking; J. Laroche and M. Dolson 1999, "Improved phase
vocoder time-scale modification of audio"), which keeps a partial in one piece, and so are all channels, which keeps
the stereo image: of the channels' products the sum is taken, where polarity cancels and the loudest has most to say.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor
from torch.nn import functional as F

from auralflow.dsp.reproducible import multiply
from auralflow.dsp.stft import STFTConfig, istft
from auralflow.errors import ConfigError

_FRAME_S = 0.07
_OVERLAP = 4
_PEAK_RADIUS = 2


def time_stretch(
    waveform: Float[Tensor, "*axes channel time"], factor: float, sample_rate: int
) -> Float[Tensor, "*axes channel stretched"]:
    """The waveform `factor` times as long, at the same pitch.

    Sample `t` of the input comes at `factor * t`. Channels are turned together, items of other axes for themselves.

    Shape:
        `[*axes, channel, time]` to `[*axes, channel, round(factor * time)]`.

    Raises:
        ConfigError: a factor that is not positive.

    Example:
        >>> time_stretch(torch.randn(2, 44100), 1.1, 44100).shape
        torch.Size([2, 48510])
    """
    if not 0 < factor < math.inf:
        raise ConfigError(f"factor: expected more than 0, got {factor!r}")
    n_output = round(factor * waveform.shape[-1])
    if factor == 1 or n_output == 0:
        return waveform[..., :n_output].clone()
    config = _choose_frames(sample_rate)
    steps = torch.arange(config.n_frames(n_output), dtype=torch.float64)
    centres = (steps * config.hop_samples / factor).round().long()
    now = _analyse(waveform, centres, config)
    before = _analyse(waveform, centres - config.hop_samples, config)
    turned = multiply(now, _find_rotation(now, before).unsqueeze(-3))
    return istft(turned.transpose(-1, -2), config, n_output)


def _choose_frames(sample_rate: int) -> STFTConfig:
    n_fft = 1 << max(4, round(math.log2(_FRAME_S * sample_rate)))
    return STFTConfig(n_fft, n_fft // _OVERLAP)


def _analyse(
    waveform: Float[Tensor, "*axes channel time"], centres: Int[Tensor, " frame"], config: STFTConfig
) -> Complex[Tensor, "*axes channel frame freq"]:
    """Spectra of the frames around `centres`; silence lies outside of the waveform."""
    half = config.n_fft // 2
    padded = F.pad(waveform, (half + config.hop_samples, half + config.hop_samples))
    last = padded.shape[-1] - config.n_fft
    frames = padded.unfold(-1, config.n_fft, 1)[..., (centres + config.hop_samples).clamp(0, last), :]
    window = torch.hann_window(config.n_fft, dtype=waveform.dtype, device=waveform.device)
    spectra: Tensor = torch.fft.rfft(frames * window)
    return spectra


def _find_rotation(
    now: Complex[Tensor, "*axes channel frame freq"], before: Complex[Tensor, "*axes channel frame freq"]
) -> Complex[Tensor, "*axes frame freq"]:
    """The unit number by which each bin is turned.

    The output's phase before the frame is that of the last input frame times the last rotation; it should be that of
    `before` times the new one. So the new one is the last, times the last frame over `before`.
    """
    products = multiply(now[..., :-1, :], before[..., 1:, :].conj()).sum(-3)
    sizes = products.abs()
    advances = torch.where(sizes > 0, products / sizes.clamp(min=1e-30), 1)
    nearest = _find_nearest_peaks(torch.view_as_real(now).square().sum(-1).sum(-3))
    rotation = torch.ones_like(now[..., 0, 0, :])
    rotations = [rotation]
    for frame in range(advances.shape[-2]):
        rotation = (rotation * advances[..., frame, :]).gather(-1, nearest[..., frame + 1, :])
        rotations.append(rotation)
    return torch.stack(rotations, -2)


def _find_nearest_peaks(power: Float[Tensor, "*axes frame freq"]) -> Int[Tensor, "*axes frame freq"]:
    """For each bin the nearest bin whose power is no less than that of its neighbours."""
    flat = power.flatten(0, -2)
    around = F.max_pool1d(flat.unsqueeze(0), 2 * _PEAK_RADIUS + 1, 1, _PEAK_RADIUS).squeeze(0)
    n_freqs = flat.shape[-1]
    bins = torch.arange(n_freqs, device=power.device).expand_as(flat)
    is_peak = flat >= around
    # Far away where there is none on that side.
    below = torch.where(is_peak, bins, -n_freqs).cummax(-1).values
    above = torch.where(is_peak, bins, 2 * n_freqs).flip(-1).cummin(-1).values.flip(-1)
    return torch.where(bins - below <= above - bins, below, above).view_as(power)
