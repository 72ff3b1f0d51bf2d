"""An equalizer: second-order filters in a row, applied as one.

Source: R. Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter coefficients". With
`w = 2 pi freq / rate`, `alpha = sin(w) / (2 q)` and `A = 10^(gain / 40)` each filter is

    H(z) = (b0 + b1 z^-1 + b2 z^-2) / (a0 + a1 z^-1 + a2 z^-2).

The responses of all filters are multiplied, turned into one impulse response that has fallen by 120 dB where it is
cut, and convolved by FFT. Unlike a recursion this needs no loop over samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from auralflow.dsp.convolution import convolve
from auralflow.dsp.reproducible import irfft
from auralflow.errors import ConfigError

BandKind = Literal["peak", "low_shelf", "high_shelf", "low_pass", "high_pass"]
Coefficients = tuple[float, float, float]

BUTTERWORTH_Q = math.sqrt(0.5)
"""The q of a second-order filter that is flat up to its corner."""

_FALL = 1e-6
_MAX_TAIL_SAMPLES = 1 << 18


@dataclass(frozen=True)
class Band:
    """One second-order filter.

    Raises:
        ConfigError: a frequency or a q that is not positive.
    """

    kind: BandKind
    """A bell, a shelf, or a pass filter of 12 dB per octave."""
    freq_hz: float
    """Centre of a bell, half-gain point of a shelf, corner of a pass filter."""
    gain_db: float = 0.0
    """Of a bell's centre or of a shelf; pass filters have none."""
    q: float = BUTTERWORTH_Q
    """Sharpness: centre over bandwidth of a bell, resonance of the others."""

    def __post_init__(self) -> None:
        for name in ("freq_hz", "q"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ConfigError(f"band.{name}: expected more than 0, got {value!r}")


def butterworth(kind: Literal["low_pass", "high_pass"], freq_hz: float, order: int) -> tuple[Band, ...]:
    """A pass filter of even order, -3 dB at `freq_hz` and as flat as can be below it; `6 * order` dB per octave.

    Example:
        >>> [round(band.q, 3) for band in butterworth("low_pass", 1000.0, 4)]
        [1.307, 0.541]
    """
    if order < 2 or order % 2:
        raise ConfigError(f"order: expected an even number, 2 or more, got {order!r}")
    angles = [math.pi * (order - 1 - 2 * k) / (2 * order) for k in range(order // 2)]
    return tuple(Band(kind, freq_hz, q=0.5 / math.cos(angle)) for angle in angles)


def equalize(
    waveform: Float[Tensor, "*axes time"], bands: Sequence[Band], sample_rate: int
) -> Float[Tensor, "*axes time"]:
    """The waveform through all bands, in a row; causal, from rest.

    Shape:
        `[*axes, time]` to `[*axes, time]`.

    Raises:
        ConfigError: a band at or above half the sample rate.

    Example:
        >>> tone = torch.sin(2 * math.pi * 1000 * torch.arange(44100) / 44100)
        >>> louder = equalize(tone, [Band("peak", 1000.0, gain_db=6.0)], 44100)
        >>> round(20 * (louder[22050:].norm() / tone[22050:].norm()).log10().item(), 2)
        6.0
    """
    n_taps = max((_tail_samples(band, sample_rate) for band in bands), default=1)
    # Twice the length: what a longer tail would fold back onto is cut.
    n_fft = 2 << (n_taps - 1).bit_length()
    freqs_hz = torch.fft.rfftfreq(n_fft, 1 / sample_rate, dtype=torch.float64)
    response = irfft(equalizer_response(bands, freqs_hz, sample_rate), n_fft)[:n_taps]
    return convolve(waveform, response.to(waveform).view((1,) * (waveform.dim() - 1) + (-1,)))


def equalizer_response(
    bands: Sequence[Band], freqs_hz: Float[Tensor, " freq"], sample_rate: int
) -> Complex[Tensor, " freq"]:
    """Complex gain of all bands together at each frequency.

    Shape:
        `[freq]` to `[freq]`, complex128.

    Raises:
        ConfigError: a band at or above half the sample rate.

    Example:
        >>> gain = equalizer_response([Band("low_shelf", 100.0, gain_db=-6.0)], torch.tensor([0.0, 100.0]), 44100)
        >>> (20 * gain.abs().log10()).round(decimals=3)
        tensor([-6., -3.], dtype=torch.float64)
    """
    delay = torch.exp(-2j * math.pi * freqs_hz.double() / sample_rate)
    gain = torch.ones_like(delay)
    for band in bands:
        above, below = biquad(band, sample_rate)
        gain = gain * _polynomial(above, delay) / _polynomial(below, delay)
    return gain


def biquad(band: Band, sample_rate: int) -> tuple[Coefficients, Coefficients]:
    """The coefficients `(b0, b1, b2)` and `(a0, a1, a2)` of a band.

    Raises:
        ConfigError: the band is at or above half the sample rate.
    """
    if band.freq_hz >= sample_rate / 2:
        raise ConfigError(f"band.freq_hz: expected less than {sample_rate / 2:g} (half the rate), got {band.freq_hz:g}")
    w = 2 * math.pi * band.freq_hz / sample_rate
    cos, alpha = math.cos(w), math.sin(w) / (2 * band.q)
    if band.kind == "low_pass":
        return ((1 - cos) / 2, 1 - cos, (1 - cos) / 2), (1 + alpha, -2 * cos, 1 - alpha)
    if band.kind == "high_pass":
        return ((1 + cos) / 2, -1 - cos, (1 + cos) / 2), (1 + alpha, -2 * cos, 1 - alpha)
    a = 10 ** (band.gain_db / 40)
    if band.kind == "peak":
        return (1 + alpha * a, -2 * cos, 1 - alpha * a), (1 + alpha / a, -2 * cos, 1 - alpha / a)
    return _shelf(a, cos if band.kind == "low_shelf" else -cos, alpha, band.kind == "low_shelf")


def _shelf(a: float, cos: float, alpha: float, is_low: bool) -> tuple[Coefficients, Coefficients]:
    # A high shelf is a low one mirrored at a quarter of the rate: the sign of cos and of z^-1.
    sign, slope = (1 if is_low else -1), 2 * math.sqrt(a) * alpha
    sum_, difference = a + 1, a - 1
    above = (
        a * (sum_ - difference * cos + slope),
        sign * 2 * a * (difference - sum_ * cos),
        a * (sum_ - difference * cos - slope),
    )
    below = (
        sum_ + difference * cos + slope,
        sign * -2 * (difference + sum_ * cos),
        sum_ + difference * cos - slope,
    )
    return above, below


def _tail_samples(band: Band, sample_rate: int) -> int:
    """Samples in which the slower pole falls to `_FALL`, doubled for the bands that come after it in the row."""
    radius = float(np.abs(np.roots(biquad(band, sample_rate)[1])).max())
    return min(_MAX_TAIL_SAMPLES, 64 + math.ceil(2 * math.log(_FALL) / math.log(radius))) if radius > 0 else 64


def _polynomial(coefficients: Coefficients, delay: Tensor) -> Tensor:
    return coefficients[0] + (coefficients[1] + coefficients[2] * delay) * delay
