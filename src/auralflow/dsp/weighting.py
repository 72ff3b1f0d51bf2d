"""K-weighting: the frequency response of ITU-R BS.1770 with which loudness is measured.

Two filters in a row: a shelf of +4 dB above 2 kHz for the head, and a high-pass at 38 Hz. The standard gives their
coefficients for 48 kHz. Only the size of the response matters for a power, so it is read at the wanted frequencies
and put on the spectrum; no filter has to be redesigned for another rate.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

_RATE_HZ = 48000
_SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
_HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))


def k_weighting(freqs_hz: Float[Tensor, " freq"]) -> Float[Tensor, " freq"]:
    """Gain of the K-weighting at each frequency (1 changes nothing); above 24 kHz that at 24 kHz.

    Shape:
        `[freq]` to `[freq]`, float64.

    Example:
        >>> gain = k_weighting(torch.tensor([997.0]))
        >>> round(20 * gain.log10().item(), 2)
        0.69
    """
    delay = torch.exp(-2j * math.pi * freqs_hz.double().clamp(max=_RATE_HZ / 2) / _RATE_HZ)
    gain = torch.ones_like(delay)
    for above, below in (_SHELF, _HIGH_PASS):
        gain = gain * _polynomial(above, delay) / _polynomial(below, delay)
    return gain.abs()


def k_weighted_power(waveform: Float[Tensor, "*axes time"], sample_rate: int) -> Float[Tensor, "*axes"]:
    """Mean square of a K-weighted waveform, by Parseval's theorem from its spectrum.

    The waveform counts as one period of a periodic sound.

    Shape:
        `[*axes, time]` to `[*axes]`.

    Example:
        >>> tone = torch.sin(2 * math.pi * 1000 * torch.arange(4800) / 48000)
        >>> round(10 * (k_weighted_power(tone, 48000) / tone.square().mean()).log10().item(), 1)
        0.7
    """
    n_samples = waveform.shape[-1]
    weights = _bin_weights(n_samples, sample_rate).to(waveform)
    spectrum = torch.view_as_real(torch.fft.rfft(waveform, norm="ortho"))
    return (spectrum.square().sum(-1) * weights).sum(-1) / n_samples


@lru_cache(maxsize=4)
def _bin_weights(n_samples: int, sample_rate: int) -> Float[Tensor, " freq"]:
    """Squared gain of each bin of a real spectrum, doubled where it stands for two."""
    with torch.inference_mode(False):  # a cached inference tensor could never be used in training again
        weights = k_weighting(torch.fft.rfftfreq(n_samples, 1 / sample_rate, dtype=torch.float64)).square()
        weights[1 : (n_samples + 1) // 2] *= 2
    return weights


def _polynomial(coefficients: tuple[float, float, float], delay: Tensor) -> Tensor:
    return coefficients[0] + (coefficients[1] + coefficients[2] * delay) * delay
