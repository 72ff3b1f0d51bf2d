"""Bleedless and fullness: how little there is too much in an estimate, and how little is missing, from 0 to 100."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from auralflow.dsp.bands import mel_filterbank
from auralflow.dsp.magnitudes import magnitude_blocks
from auralflow.dsp.stft import STFTConfig
from auralflow.metrics._defined import blank_undefined

HIGHER_IS_BETTER = True
BEST = 100.0
SOURCE = "Jarredou; Solovyev et al., Music-Source-Separation-Training, metrics 'bleedless' and 'fullness' (as on MVSEP)"

_CONFIG = STFTConfig(4096, 1024)
_N_BANDS = 512
_FLOOR = 1e-10
_RANGE_DB = 80.0


def bleedless_fullness(
    estimates: Float[Tensor, "stem channel time"], targets: Float[Tensor, "stem channel time"], *, sample_rate: int
) -> dict[str, Tensor]:
    """`100 / (1 + mean of the positive differences)` and `100 / (1 + mean size of the negative ones)`, in mel decibels.

    With `E` and `S` magnitudes of frames of 4096 samples every 1024 (Hann, silence outside the signal), gathered into
    512 mel bands (Slaney's scale, triangles of unit area), and `L(A) = 20 log10 max(A, 1e-10)`, cut off 80 dB below
    its own largest value over all channels, bands and frames,

        D = L(E) - L(S),    bleedless = 100 / (1 + mean D[D > 0]),    fullness = 100 / (1 + mean |D[D < 0]|).

    A mean of nothing is zero. Each mean goes over its own cells only, so a bleed in one cell scores as one everywhere,
    and a wrong gain lowers one of the two: read them together, beside SDR. The published programme takes the mel
    bands of 44100 Hz whatever the rate; here they are those of `sample_rate`.

    NaN where the target is silent or a sample is no finite number.

    Shape:
        `[stem, channel, time]` twice to `{"bleedless": [stem], "fullness": [stem]}`.

    Example:
        >>> targets = torch.randn(1, 2, 9000)
        >>> scores = bleedless_fullness(2 * targets, targets, sample_rate=44100)
        >>> round(scores["bleedless"].item(), 2), round(scores["fullness"].item(), 2)
        (14.24, 100.0)
    """
    filters = mel_filterbank(_N_BANDS, _CONFIG.n_fft, sample_rate, scale="slaney", norm="area").to(targets)
    pairs = [_mean_differences(*pair, filters) for pair in zip(estimates, targets, strict=True)]
    scores = 100 / (1 + torch.stack(pairs, 1))
    return {
        name: blank_undefined(values, estimates, targets)
        for name, values in zip(("bleedless", "fullness"), scores, strict=True)
    }


def _mean_differences(
    estimate: Float[Tensor, "channel time"], target: Float[Tensor, "channel time"], filters: Float[Tensor, "band freq"]
) -> Float[Tensor, "2"]:
    difference = _mel_decibels(estimate, filters) - _mel_decibels(target, filters)
    return torch.stack([_mean_excess(difference), _mean_excess(-difference)])


def _mel_decibels(
    waveform: Float[Tensor, "channel time"], filters: Float[Tensor, "band freq"]
) -> Float[Tensor, "channel band frame"]:
    bands = torch.cat([filters @ block for block in magnitude_blocks(waveform, _CONFIG)], -1)
    levels = 20 * bands.clamp(min=_FLOOR).log10()
    return levels.clamp(min=levels.max() - _RANGE_DB)


def _mean_excess(difference: Float[Tensor, "channel band frame"]) -> Float[Tensor, ""]:
    is_over = difference > 0
    return torch.where(is_over, difference, 0).sum() / is_over.sum().clamp(min=1)
