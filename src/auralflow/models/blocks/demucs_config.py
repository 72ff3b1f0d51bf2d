"""Options that Hybrid Demucs and its successor with a transformer have in common, and what they make of each level.

The branch on the spectrogram divides the frequencies by `stride` from level to level, the one on the waveform the
samples. As a frame's hop is a quarter of `n_fft`, one frequency is left where the waveform has got down to the rate of
the frames: there the branches can become one, and what follows divides the frames by `time_stride`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from auralflow.errors import ConfigError


@dataclass(frozen=True)
class Level:
    """One level of both branches, or of what they have become."""

    index: int
    width: int
    """Features that it gives."""
    kernel: int
    """Of the branch on the spectrogram."""
    stride: int
    is_spectral: bool
    """There is a frequency axis, and a branch on the waveform beside it."""
    is_last_spectral: bool
    """Its convolution takes all frequencies that are left, so that the branches become one."""
    norm_groups: int
    """0 for no normalisation."""


@dataclass(frozen=True)
class HybridConfig:
    """Options of both; in brackets their names in the package `demucs`.

    Raises:
        ConfigError: a field has a value it cannot have.
    """

    width: int = 48
    """Features of the first level (channels)."""
    growth: float = 2.0
    """Factor on the features from level to level (growth)."""
    depth: int = 4
    """Levels (depth)."""
    n_fft: int = 4096
    """Samples in a frame of the spectrogram, a multiple of 8; the hop is a quarter of it (nfft)."""
    kernel: int = 8
    """Length of the convolutions that change level, a multiple of 4 (kernel_size)."""
    stride: int = 4
    """Steps of those convolutions, half the kernel (stride)."""
    time_stride: int = 2
    """Steps along frames of the levels after the branches have become one (time_stride)."""
    context: int = 1
    """Neighbours to either side that a level sees on the way up before it becomes the next (context)."""
    encoder_context: int = 0
    """The same on the way down (context_enc)."""
    frequency_weight: float = 0.2
    """How much of a learned vector for each frequency is added after the first level; 0 for none (freq_emb)."""
    frequency_gain: float = 10.0
    """These vectors are kept divided by it, so that they learn faster by as much (emb_scale)."""
    is_frequency_smooth: bool = True
    """Neighbouring frequencies begin with similar vectors (emb_smooth)."""
    norm_start: int = 4
    """First level whose convolutions are followed by normalisation (norm_starts)."""
    norm_groups: int = 4
    """Groups of features that are normalised together there (norm_groups)."""
    branches: Literal["none", "encoder", "decoder", "both"] = "encoder"
    """Where the levels have residual branches (dconv_mode: 0, 1, 2, 3)."""
    branch_depth: int = 2
    """Layers of a residual branch, with dilations 1, 2, 4, ... (dconv_depth)."""
    branch_compression: float = 4.0
    """Features of a level by those inside its branch (dconv_comp)."""
    branch_scale: float = 1e-3
    """Factor on what a branch adds, at first (dconv_init)."""
    rescale: float = 0.1
    """Deviation that initial weights are drawn towards (half way in decibels); 0 leaves them alone (rescale)."""

    def __post_init__(self) -> None:
        for name in ("width", "depth", "n_fft", "stride", "time_stride", "norm_groups", "branch_depth"):
            if getattr(self, name) < 1:
                raise ConfigError(f"config.{name}: expected 1 or more, got {getattr(self, name)!r}")
        for name in ("context", "encoder_context", "norm_start", "frequency_weight", "branch_scale", "rescale"):
            if getattr(self, name) < 0:
                raise ConfigError(f"config.{name}: expected 0 or more, got {getattr(self, name)!r}")
        for name in ("growth", "branch_compression", "frequency_gain"):
            if not getattr(self, name) >= 1:
                raise ConfigError(f"config.{name}: expected 1 or more, got {getattr(self, name)!r}")
        if self.branches not in ("none", "encoder", "decoder", "both"):
            raise ConfigError(f"config.branches: expected none, encoder, decoder or both, got {self.branches!r}")
        self._check_transform()

    def _check_transform(self) -> None:
        if self.n_fft % 8:
            raise ConfigError(f"config.n_fft: expected a multiple of 8, got {self.n_fft!r}")
        if self.kernel % 4 or self.kernel != 2 * self.stride:
            raise ConfigError(
                f"config.kernel: expected a multiple of 4 and twice the stride ({self.stride}), got {self.kernel!r}"
            )
        n_freqs, n_levels = self.n_fft // 2, 1
        while n_freqs > self.kernel:
            if n_freqs % self.stride:
                raise ConfigError(
                    f"config.n_fft: expected its half to be divisible by the stride down to {self.kernel}"
                )
            n_freqs, n_levels = n_freqs // self.stride, n_levels + 1
        if self.depth >= n_levels and self.stride**n_levels != self.hop_samples:
            raise ConfigError(
                f"config.n_fft: with {self.n_fft} one frequency is left after {n_levels} levels, where the waveform is "
                f"divided by {self.stride**n_levels}; expected it to be divided by the hop, {self.hop_samples}"
            )

    @property
    def hop_samples(self) -> int:
        """Samples from one frame of the spectrogram to the next."""
        return self.n_fft // 4

    def plan_levels(self) -> tuple[Level, ...]:
        """What each level is, from the outermost inwards."""
        levels: list[Level] = []
        width, n_freqs = self.width, self.n_fft // 2
        for index in range(self.depth):
            is_spectral, is_last = n_freqs > 1, 1 < n_freqs <= self.kernel
            kernel = self.kernel if is_spectral else 2 * self.time_stride
            stride = self.stride if is_spectral else self.time_stride
            groups = self.norm_groups if index >= self.norm_start else 0
            levels.append(Level(index, width, n_freqs if is_last else kernel, stride, is_spectral, is_last, groups))
            width = int(self.growth * width)
            n_freqs = 1 if is_last or not is_spectral else n_freqs // self.stride
        return tuple(levels)
