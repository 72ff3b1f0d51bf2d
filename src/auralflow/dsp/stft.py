"""Short-time Fourier transform and its inverse, over any leading axes and for any length.

Frame `k` is centred on sample `k * hop_samples`. A signal of `n` samples gets `1 + ceil(n / hop_samples)` frames, so
that its first and its last sample both lie between two frame centres; what a frame sees outside the signal is zero.
Hence every sample is covered, however short the signal is (no samples give one silent frame, and back).

Many published networks were trained on another convention, that of `torch.stft`: a frame sees the signal mirrored at
its ends, and there are `1 + floor(n / hop_samples)` frames. With `STFTConfig(edges="reflect")` their weights serve.

The inverse is the least-squares one of Griffin and Lim (1984, "Signal estimation from modified short-time Fourier
transform"): frames are windowed again, added, and divided by the sum of squared windows. With a hop of at most half a
frame that sum is at least 1/2 at every sample, so the division is harmless and reconstruction is exact to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from jaxtyping import Complex, Float
from torch import Tensor
from torch.nn import functional as F

from auralflow.errors import ConfigError, ShapeError


@dataclass(frozen=True)
class STFTConfig:
    """Frame length, hop and window of a short-time Fourier transform.

    Raises:
        ConfigError: an odd frame, or a hop longer than half a frame (a quarter with edges="reflect", where the last
            frame may be centred a hop before the end).

    Example:
        >>> STFTConfig(n_fft=2048, hop_samples=512).n_freqs
        1025
    """

    n_fft: int = 4096
    """Samples in a frame; even. Bins are `sample_rate / n_fft` Hz apart."""
    hop_samples: int = 1024
    """Samples from one frame to the next; at most half a frame."""
    window: Literal["hann", "rectangle"] = "hann"
    """Window of analysis and synthesis: the periodic raised cosine (hann), or ones (rectangle, as SCNet has it)."""
    edges: Literal["zero", "reflect"] = "zero"
    """What frames see outside the signal: silence, or the signal mirrored."""

    def __post_init__(self) -> None:
        if not isinstance(self.n_fft, int) or self.n_fft < 2 or self.n_fft % 2:
            raise ConfigError(f"stft.n_fft: expected an even whole number, 2 or more, got {self.n_fft!r}")
        if self.edges not in ("zero", "reflect"):
            raise ConfigError(f"stft.edges: expected 'zero' or 'reflect', got {self.edges!r}")
        part, name = (2, "half") if self.edges == "zero" else (4, "a quarter")
        if not isinstance(self.hop_samples, int) or not 1 <= self.hop_samples <= self.n_fft // part:
            raise ConfigError(
                f"stft.hop_samples: expected 1 to {self.n_fft // part} ({name} of n_fft), got {self.hop_samples!r}"
            )
        if self.window not in ("hann", "rectangle"):
            raise ConfigError(f"stft.window: expected 'hann' or 'rectangle', got {self.window!r}")

    @property
    def n_freqs(self) -> int:
        """Frequency bins, from zero to the Nyquist frequency."""
        return self.n_fft // 2 + 1

    def n_frames(self, n_samples: int) -> int:
        """Frames that a signal of `n_samples` has: `1 + ceil(n_samples / hop_samples)`; floor with mirrored edges."""
        rounded_up = n_samples + self.hop_samples - 1 if self.edges == "zero" else n_samples
        return 1 + rounded_up // self.hop_samples


def stft(waveform: Float[Tensor, "*axes time"], config: STFTConfig) -> Complex[Tensor, "*axes freq frame"]:
    """Short-time Fourier transform, unscaled: a full-scale sine on a bin has magnitude `n_fft / 4` there
    (`n_fft / 2` with a rectangle).

    Shape:
        `[*axes, time]` to `[*axes, n_fft / 2 + 1, config.n_frames(time)]`; float64 gives complex128, all others
        complex64 (half precision is too coarse for it). In memory the bins of one frame lie side by side.

    Example:
        >>> stft(torch.randn(2, 1000), STFTConfig(n_fft=256, hop_samples=64)).shape
        torch.Size([2, 129, 17])
    """
    n_frames = config.n_frames(waveform.shape[-1])
    padded = _pad(in_single(waveform), config, n_frames)
    frames = padded.unfold(-1, config.n_fft, config.hop_samples)[..., :n_frames, :]
    spectra: Tensor = torch.fft.rfft(frames * find_window(config, padded.dtype, padded.device))
    return spectra.transpose(-1, -2)


def in_single(waveform: Float[Tensor, "*axes time"]) -> Float[Tensor, "*axes time"]:
    """A waveform in at least single precision."""
    return waveform if waveform.dtype == torch.float64 else waveform.float()


def istft(
    spectrogram: Complex[Tensor, "*axes freq frame"], config: STFTConfig, n_samples: int
) -> Float[Tensor, "*axes time"]:
    """The signal of `n_samples` whose STFT is nearest to `spectrogram` in least squares; exact for one made by `stft`.

    Shape:
        `[*axes, n_fft / 2 + 1, config.n_frames(n_samples)]` to `[*axes, n_samples]`.

    Raises:
        ShapeError: the spectrogram has another number of bins or frames than `n_samples` have under `config`.

    Example:
        >>> config = STFTConfig(n_fft=256, hop_samples=64)
        >>> signal = torch.randn(2, 1000)
        >>> torch.allclose(istft(stft(signal, config), config, 1000), signal, atol=1e-6)
        True
    """
    expected = (config.n_freqs, config.n_frames(n_samples))
    if tuple(spectrogram.shape[-2:]) != expected:
        raise ShapeError(
            f"expected {expected[0]} bins and {expected[1]} frames for {n_samples} samples, "
            f"got {tuple(spectrogram.shape[-2:])}; use the config and the length that the STFT was made with"
        )
    frames = torch.fft.irfft(spectrogram.transpose(-1, -2), n=config.n_fft)
    window = find_window(config, frames.dtype, frames.device)
    covered = slice(config.n_fft // 2, config.n_fft // 2 + n_samples)
    added = _add_frames(frames.mul_(window), config.hop_samples)[..., covered]
    coverage: Tensor = _add_frames((window * window).expand(expected[1], -1), config.hop_samples)[..., covered]
    waveform: Tensor = added / coverage
    return waveform


def _pad(waveform: Float[Tensor, "*axes time"], config: STFTConfig, n_frames: int) -> Float[Tensor, "*axes padded"]:
    half, n_samples = config.n_fft // 2, waveform.shape[-1]
    if config.edges == "zero":
        return F.pad(waveform, (half, half + (n_frames - 1) * config.hop_samples - n_samples))
    # What is too short to be mirrored gets silence first.
    long = F.pad(waveform, (0, max(0, half + 1 - n_samples)))
    return F.pad(long.reshape(1, -1, long.shape[-1]), (half, half), mode="reflect").reshape(*waveform.shape[:-1], -1)


def _add_frames(frames: Float[Tensor, "*axes frame tap"], hop_samples: int) -> Float[Tensor, "*axes time"]:
    """Overlap-add. A frame is cut into blocks of one hop, and block `i` of frame `k` belongs at hop `k + i`."""
    n_frames, n_taps = frames.shape[-2:]
    n_blocks = -(-n_taps // hop_samples)
    missing = n_blocks * hop_samples - n_taps
    blocks = (F.pad(frames, (0, missing)) if missing else frames).reshape(*frames.shape[:-1], n_blocks, hop_samples)
    added = blocks.new_zeros(*blocks.shape[:-3], n_frames + n_blocks - 1, hop_samples)
    for i in range(n_blocks):
        added[..., i : i + n_frames, :] += blocks[..., i, :]
    return added.flatten(-2)


def find_window(config: STFTConfig, dtype: torch.dtype, device: torch.device) -> Float[Tensor, " tap"]:
    """The window of a frame, kept for the next call: not to be written into."""
    # The compiler traces through a cache with a warning; in its graph the window is made anew, fused with its use.
    make = _make_window if torch.compiler.is_dynamo_compiling() else _cached_window
    return make(config, dtype, device)


def _make_window(config: STFTConfig, dtype: torch.dtype, device: torch.device) -> Tensor:
    # Made outside inference mode: a cached inference tensor could never be used in training again.
    with torch.inference_mode(False):
        if config.window == "rectangle":
            return torch.ones(config.n_fft, dtype=dtype, device=device)
        return torch.hann_window(config.n_fft, periodic=True, dtype=dtype, device=device)


_cached_window = lru_cache(maxsize=32)(_make_window)
