"""Integrated loudness of a programme in LUFS, after ITU-R BS.1770-4.

The K-weighted power is taken in blocks of 400 ms, one every 100 ms. Blocks below -70 LUFS do not count (absolute gate);
of the rest, those more than 10 LU below their common loudness do not count either (relative gate). What remains is
averaged. The part of a programme after its last whole block is left out.

The standard gives the two filters for 48 kHz. For another rate they are designed anew from the analogue corner, gain
and quality that the bilinear transform leads back to, as most meters do; at 48 kHz that is the standard's filter to
nine digits. Both decay within some tens of milliseconds, so that they are applied as one finite response.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from auralflow.dsp.convolution import convolve

HOP_S = 0.1
"""Seconds from one block to the next."""
HOPS_PER_BLOCK = 4
"""A block has four hops, so 400 ms."""
ABSOLUTE_GATE_LUFS = -70.0
"""Blocks quieter than this never count."""
RELATIVE_GATE_LU = -10.0
"""Blocks quieter than this, relative to those above the absolute gate, do not count."""

_OFFSET_DB = -0.691
_SHELF_HZ, _SHELF_DB, _SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
_SHELF_EXPONENT = 0.4996667741545416
_HIGH_PASS_HZ, _HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773
_RESPONSE_S = 0.25

_Section = tuple[tuple[float, float, float], tuple[float, float, float]]


def integrated_loudness(waveform: Float[Tensor, "*axes channel time"], sample_rate: int) -> Float[Tensor, "*axes"]:
    """Gated loudness in LUFS; all channels have weight 1, as left, right and centre have in the standard.

    Minus infinity where no block passes the gate, as in silence; NaN where there is not one whole block (400 ms), or
    where a sample is not a number.

    Shape:
        `[*axes, channel, time]` to `[*axes]`.

    Example:
        >>> tone = torch.sin(2 * math.pi * 997 * torch.arange(48000) / 48000)
        >>> round(integrated_loudness(tone[None], 48000).item(), 2)
        -3.01
    """
    power = _block_power(waveform, sample_rate)
    if not power.shape[-1]:
        return power.new_full(power.shape[:-1], torch.nan)
    is_heard = power > 10 ** ((ABSOLUTE_GATE_LUFS - _OFFSET_DB) / 10)
    is_kept = is_heard & (power > 10 ** (RELATIVE_GATE_LU / 10) * _mean_where(power, is_heard).unsqueeze(-1))
    loudness = _OFFSET_DB + 10 * _mean_where(power, is_kept).log10()
    return torch.where(power.isfinite().all(-1), loudness, torch.nan)


def k_filter(sample_rate: int) -> tuple[_Section, _Section]:
    """Coefficients `(above, below)` of the shelf and of the high-pass, in powers of the delay, for a sample rate.

    Example:
        >>> (above, below), _ = k_filter(48000)
        >>> round(above[0], 10)
        1.5351248596
    """
    corner = math.tan(math.pi * min(_SHELF_HZ / sample_rate, 0.499))
    high, square = 10 ** (_SHELF_DB / 20), corner * corner
    middle = high**_SHELF_EXPONENT * corner / _SHELF_Q
    zeros = (high + middle + square, 2 * (square - high), high - middle + square)
    shelf = _normalise(zeros, _poles(corner, _SHELF_Q))
    below = _normalise(_poles(0.0, 1.0), _poles(math.tan(math.pi * _HIGH_PASS_HZ / sample_rate), _HIGH_PASS_Q))[1]
    return shelf, ((1.0, -2.0, 1.0), below)


def _poles(corner: float, quality: float) -> tuple[float, float, float]:
    square = corner * corner
    return 1 + corner / quality + square, 2 * (square - 1), 1 - corner / quality + square


def _normalise(above: tuple[float, float, float], below: tuple[float, float, float]) -> _Section:
    return (
        (above[0] / below[0], above[1] / below[0], above[2] / below[0]),
        (1.0, below[1] / below[0], below[2] / below[0]),
    )


@lru_cache(maxsize=4)
def _k_response(sample_rate: int) -> Float[Tensor, " tap"]:
    """Impulse response of both filters in a row, float64."""
    # The spectrum is sampled so densely that what wraps around has decayed by more than 200 dB.
    n_taps = 2 * math.ceil(_RESPONSE_S * sample_rate)
    with torch.inference_mode(False):  # a cached inference tensor could never be used in training again
        delay = torch.exp(-2j * math.pi * torch.arange(n_taps // 2 + 1, dtype=torch.float64) / n_taps)
        spectrum = torch.ones_like(delay)
        for (b0, b1, b2), (a0, a1, a2) in k_filter(sample_rate):
            spectrum = spectrum * (b0 + (b1 + b2 * delay) * delay) / (a0 + (a1 + a2 * delay) * delay)
        response: Tensor = torch.fft.irfft(spectrum, n_taps)[: n_taps // 2]
        return response


def _block_power(waveform: Float[Tensor, "*axes channel time"], sample_rate: int) -> Float[Tensor, "*axes block"]:
    """K-weighted mean square of every block, summed over channels."""
    hop = max(1, round(HOP_S * sample_rate))
    n_hops = waveform.shape[-1] // hop
    if n_hops < HOPS_PER_BLOCK:
        return waveform.new_zeros((*waveform.shape[:-2], 0))
    weighted = convolve(waveform[..., : n_hops * hop], _k_response(sample_rate).to(waveform))
    hops = weighted.square().reshape(*weighted.shape[:-1], n_hops, hop).mean(-1).sum(-2)
    power: Tensor = hops.unfold(-1, HOPS_PER_BLOCK, 1).mean(-1)
    return power


def _mean_where(power: Float[Tensor, "*axes block"], is_counted: Tensor) -> Float[Tensor, "*axes"]:
    """Zero where no block counts."""
    return torch.where(is_counted, power, 0).sum(-1) / is_counted.sum(-1).clamp(min=1)
