"""The spectrogram of Hybrid Demucs: as many frames as the samples are hops, its parts as channels, and the way back.

Frame `k` is centred on sample `(k + 1/2) hop_samples`, so that `n` samples have exactly `n / hop_samples` frames
(rounded up), as a convolution of that stride would give; the waveform is mirrored at its ends. The highest of the bins
is left out. Everything is divided by `sqrt(n_fft)` and multiplied by it on the way back.

On the way back there is nothing beyond the spectrogram's ends, where frames of mirrored sound would have been: a hop
and a half at either end comes out fainter than it went in. The networks were trained so.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from auralflow.dsp.stft import STFTConfig, in_single, istft, stft


def analyse(
    waveform: Float[Tensor, "batch channel time"], config: STFTConfig
) -> Float[Tensor, "batch parts freq frame"]:
    """Spectrogram with the real and the imaginary part of each channel side by side.

    Args:
        config: with a hop of a quarter of the frame.

    Shape:
        `[batch, channel, time]`, at least one sample, to `[batch, 2 * channel, n_fft / 2, ceil(time / hop)]`.

    Example:
        >>> analyse(torch.randn(1, 2, 1000), STFTConfig(256, 64)).shape
        torch.Size([1, 4, 128, 16])
    """
    edge = _edge(config)
    missing = -waveform.shape[-1] % config.hop_samples
    padded = mirror_ends(in_single(waveform), edge, edge + missing)
    # Two frames at either end of this transform would be centred outside what was mirrored.
    spectrogram = stft(padded, config)[..., :-1, 2:-2]
    parts = torch.view_as_real(spectrogram).permute(0, 1, 4, 2, 3) / math.sqrt(config.n_fft)
    return parts.flatten(1, 2)


def synthesise(
    parts: Float[Tensor, "batch stem parts freq frame"], config: STFTConfig, n_samples: int
) -> Float[Tensor, "batch stem channel time"]:
    """The waveforms of spectrograms such as `analyse` gives.

    Shape:
        `[batch, stem, 2 * channel, n_fft / 2, ceil(n_samples / hop)]` to `[batch, stem, channel, n_samples]`.
    """
    n_frames = parts.shape[-1]
    pairs = parts.unflatten(2, (-1, 2)).permute(0, 1, 2, 5, 4, 3)
    # The highest bin and two frames at either end are zero. Bins of a frame lie side by side, as the inverse wants it.
    padded = F.pad(pairs * math.sqrt(config.n_fft), (0, 0, 0, 1, 2, 2)).contiguous()
    spectrogram = torch.view_as_complex(padded).transpose(-1, -2)
    edge = _edge(config)
    waveform = istft(spectrogram, config, n_frames * config.hop_samples + 2 * edge)
    return waveform[..., edge : edge + n_samples]


def mirror_ends(
    waveform: Float[Tensor, "batch channel time"], left: int, right: int
) -> Float[Tensor, "batch channel more"]:
    """The waveform mirrored at its ends; what is too short for that gets silence first, at its end as far as it can.

    Example:
        >>> mirror_ends(torch.tensor([[[1.0, 2.0, 3.0]]]), 2, 1)
        tensor([[[3., 2., 1., 2., 3., 2.]]])
    """
    missing = max(0, max(left, right) - waveform.shape[-1] + 1)
    after = min(right, missing)
    before = missing - after
    longer = F.pad(waveform, (before, after)) if missing else waveform
    return F.pad(longer, (left - before, right - after), mode="reflect")


def _edge(config: STFTConfig) -> int:
    return config.hop_samples // 2 * 3
