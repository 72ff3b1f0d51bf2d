"""Causal models, which separate a stream while it is heard, and their way to spectrograms and back.

Frames of `n` samples, a hop apart. Frame `k` ends with hop `k`: it covers the samples from `(k + 1) hop - n` to
`(k + 1) hop - 1`, those before the beginning being silence.

    samples   0   hop  2hop  3hop  4hop
    frame 0   ....|                           as soon as the first hop is there
    frame 1   .........|
    frame 2       .........|
              ----- what frames 0 to 2 finish: all that frame 3 does not reach

**Latency.** A sample is finished when the last frame that covers it is. That frame may begin with the sample, so it
ends `n - 1` samples later. A stream that gives as many samples as it takes therefore lags by

    latency = n - 1 samples

for blocks of any length, and by no more: with `N` samples heard, `K = floor(N / hop)` frames are done and the samples
before `K hop - (n - hop)` finished, which is above `N - n`, and `N - n` is the newest that a lag of `n - 1` gives.

**Synthesis.** Frames are windowed again, added, and divided by the sum of squared windows (see `auralflow.dsp.stft`).
As frames begin before the beginning, that sum is the same for all hops, and is put into the window.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Complex, Float
from torch import Tensor
from torch.nn import functional as F

from auralflow.dsp.stft import STFTConfig, find_window, in_single, istft, stft
from auralflow.errors import ConfigError
from auralflow.spec import ModelSpec


@runtime_checkable
class CausalModel(Protocol):
    """A model that can separate a stream while it is heard: one whose `spec.latency_samples` is a number.

    Beside `forward(mixture)`, which is aligned as that of every model, it has two methods. With `L` the latency,

        concat(step over mixture and L zeros)[L:] = forward(mixture)

    up to rounding, however the stream is cut into blocks; and no output depends on input that comes later.
    """

    spec: ModelSpec

    def initial_state(self, batch: int = 1) -> Any:
        """What the model remembers before the beginning of `batch` streams, on the device of its parameters."""
        ...

    def step(self, block: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Stems for the next block of the streams, as long as the block and late by the latency, and the next state.

        The state given is not changed, so that one can go back to it.

        Shape:
            block `[batch, channel, time]`, stems `[batch, stem, channel, time]`, any time.
        """
        ...


@dataclass(frozen=True)
class FrameState:
    """What `CausalFrames` remembers between blocks."""

    heard: Float[Tensor, "batch channel held"]
    """The newest samples, which later frames still cover."""
    ahead: Float[Tensor, "batch stem channel ahead"]
    """Stems that are not given yet: the finished ones, and those that later frames add to."""


class CausalFrames:
    """Spectrograms and back for causal models, of whole signals and of streams; see the head of this file.

    Raises:
        ConfigError: mirrored edges, for which a stream would have to know its end.

    Example:
        >>> frames = CausalFrames(STFTConfig(2048, 512))
        >>> frames.latency_samples
        2047
        >>> signal = torch.randn(1, 2, 1000)
        >>> torch.allclose(frames.inverse(frames.transform(signal), 1000), signal, atol=1e-6)
        True
    """

    def __init__(self, config: STFTConfig) -> None:
        if config.edges != "zero":
            raise ConfigError(f"stft.edges: expected 'zero' for a causal model, got {config.edges!r}")
        self.config = config
        self.latency_samples = config.n_fft - 1
        # `stft` centres its first frame on the first sample; with so much silence before, that frame ends with a hop.
        self._margin = config.n_fft // 2 - config.hop_samples

    def transform(self, waveform: Float[Tensor, "*axes time"]) -> Complex[Tensor, "*axes freq frame"]:
        """Spectrogram of a whole signal: all frames that a stream would have until the signal's last sample is done."""
        return stft(F.pad(waveform, (self._margin, self._margin)), self.config)

    def inverse(self, spectrogram: Complex[Tensor, "*axes freq frame"], n_samples: int) -> Float[Tensor, "*axes time"]:
        """The whole signal of `n_samples` that belongs to a spectrogram."""
        padded = istft(spectrogram, self.config, n_samples + 2 * self._margin)
        return padded[..., self._margin : self._margin + n_samples]

    def initial_state(
        self, batch: int, n_channels: int, n_stems: int, latency_samples: int, like: Tensor
    ) -> FrameState:
        """Silence before the beginning, with device and precision of `like`.

        Args:
            latency_samples: by how much `synthesise` is to be late, not less than `self.latency_samples`.
        """
        n_held = self.config.n_fft - self.config.hop_samples
        like = in_single(like.detach())
        return FrameState(
            like.new_zeros(batch, n_channels, n_held),
            like.new_zeros(batch, n_stems, n_channels, latency_samples),
        )

    def analyse(
        self, block: Float[Tensor, "batch channel time"], state: FrameState
    ) -> tuple[Complex[Tensor, "batch channel freq frame"], FrameState]:
        """Spectrogram of the frames, none or more, that end within a block."""
        n_fft, hop = self.config.n_fft, self.config.hop_samples
        heard = torch.cat([state.heard, block.to(state.heard.dtype)], -1)
        n_frames = (heard.shape[-1] - n_fft) // hop + 1
        rest = FrameState(heard[..., n_frames * hop :].clone(), state.ahead)
        if n_frames == 0:
            nothing = heard.new_zeros(*heard.shape[:2], self.config.n_freqs, 0, dtype=heard.dtype.to_complex())
            return nothing, rest
        windowed = heard.unfold(-1, n_fft, hop) * _windows(self.config, heard.dtype, heard.device)[0]
        return torch.fft.rfft(windowed).transpose(-1, -2), rest

    def synthesise(
        self, spectrogram: Complex[Tensor, "batch stem channel freq frame"], state: FrameState, n_samples: int
    ) -> tuple[Float[Tensor, "batch stem channel time"], FrameState]:
        """The next `n_samples`, those of the block whose frames `analyse` gave, late by the latency."""
        n_fft, hop, n_frames = self.config.n_fft, self.config.hop_samples, spectrogram.shape[-1]
        ahead = state.ahead
        if n_frames:
            ahead = F.pad(ahead, (0, n_frames * hop))
            window = _windows(self.config, ahead.dtype, ahead.device)[1]
            frames = torch.fft.irfft(spectrogram.transpose(-1, -2), n=n_fft) * window
            first = ahead.shape[-1] - n_fft - (n_frames - 1) * hop
            for index in range(n_frames):
                start = first + index * hop
                ahead[..., start : start + n_fft] += frames[..., index, :]
        return ahead[..., :n_samples].clone(), FrameState(state.heard, ahead[..., n_samples:].clone())


@lru_cache(maxsize=32)
def _windows(config: STFTConfig, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """For analysis, and for synthesis: the window over the sum of the squares of all windows that cover a sample."""
    n_fft, hop = config.n_fft, config.hop_samples
    with torch.inference_mode(False):  # a cached inference tensor could never be used in training again
        window = find_window(config, dtype, device)
        rows = F.pad(window, (0, -n_fft % hop)).reshape(-1, hop)
        return window, (rows / rows.square().sum(0)).flatten()[:n_fft]
