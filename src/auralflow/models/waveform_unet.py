"""WaveformUNet: a U-Net of strided convolutions straight from waveform to waveforms, in the manner of Demucs.

Origin: Défossez et al. (2019, "Music source separation in the waveform domain", arXiv 1911.13254), without its
resampling. Here the LSTM's units are chosen freely. The mixture is divided by its root mean square (its standard
deviation, as music has no offset) over channels and time, and the stems are multiplied by it: they follow the mixture's
level, and silence gives exact zeros.

    mixture --> [conv 8/4, ReLU, 1x1, GLU] ----------- + -----------> [conv 3, GLU, transposed conv 8/4] --> stems
                    [conv 8/4, ReLU, 1x1, GLU] ------- + -------> [conv 3, GLU, transposed conv 8/4, ReLU]
                                     ...     --> LSTM -->     ...

Shape:
    `[batch, channel, time]` to `[batch, stem, channel, time]`; in between features of `[batch, feature, frame]`.

The default has 9,003,336 parameters; `width` 64, `depth` 6 and `n_hidden` 2048 make it as large as the paper's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from auralflow.errors import ConfigError
from auralflow.models.blocks.waveform import ResidualLSTM, check_mixture
from auralflow.spec import ModelSpec

# The convolutions of the default reach 3751 samples to either side. The LSTM hears the whole segment, but near
# things most: the rest of half a second is 18 of its frames.
SPEC = ModelSpec(("vocals", "drums", "bass", "other"), 44100, 2, segment_samples=6 * 44100, context_samples=22050)

_SILENCE = 1e-16  # power: 160 dB below full scale


@dataclass(frozen=True)
class WaveformUNetConfig:
    """Options of `WaveformUNet`.

    Raises:
        ConfigError: a field has a value it cannot have.
    """

    width: int = 32
    """Features of the first level."""
    growth: float = 2.0
    """Factor on the features from level to level."""
    depth: int = 5
    """Levels; each divides the number of frames by `stride`."""
    kernel: int = 8
    """Length of the convolutions that change level, in frames of the level above (samples for the first)."""
    stride: int = 4
    """Steps of those convolutions; at most `kernel`, or samples would be left out."""
    context: int = 3
    """Frames that a level sees on the way up before it becomes the next, odd."""
    glu: bool = True
    """Gated linear units after the other convolutions; else ReLU, at half their parameters."""
    n_lstm_layers: int = 2
    """Layers of the bidirectional LSTM at the bottom; 0 for none, and a model that hears only what is near."""
    n_hidden: int = 256
    """Units of the LSTM in each direction."""
    rescale: float = 0.1
    """Root mean square that initial weights are drawn towards (half way in decibels); 0 leaves them alone."""
    normalise: bool = True
    """Bring every item to the same level before the network and undo it after."""

    def __post_init__(self) -> None:
        for name in ("width", "depth", "kernel", "stride", "context", "n_hidden"):
            if getattr(self, name) < 1:
                raise ConfigError(f"config.{name}: expected 1 or more, got {getattr(self, name)!r}")
        if self.stride > self.kernel:
            raise ConfigError(f"config.stride: expected at most the kernel ({self.kernel}), got {self.stride!r}")
        if self.context % 2 == 0:
            raise ConfigError(f"config.context: expected an odd number, got {self.context!r}")
        if self.growth < 1:
            raise ConfigError(f"config.growth: expected 1 or more, got {self.growth!r}")
        for name in ("n_lstm_layers", "rescale"):
            if getattr(self, name) < 0:
                raise ConfigError(f"config.{name}: expected 0 or more, got {getattr(self, name)!r}")

    @property
    def widths(self) -> tuple[int, ...]:
        """Features of each level, from the top down."""
        return tuple(round(self.width * self.growth**level) for level in range(self.depth))

    @property
    def reach_samples(self) -> int:
        """How far the convolutions look to either side of an output sample.

        Level l takes and gives frames of `stride**l` samples. To the right its convolution looks `kernel - 1` of them
        ahead; to the left its transposed convolution takes from frames that begin as far back. Between the two the
        context looks half its length to either side, in frames `stride` times as long.
        """
        at_a_level = self.kernel - 1 + self.stride * (self.context // 2)
        return sum(at_a_level * self.stride**level for level in range(self.depth))

    @property
    def edge_samples(self) -> int:
        """Silence before and after the mixture, so that at every level all of it is in as many frames.

        The length does not change it: frames stand on one grid from the first sample on, in a segment as in the song.
        """
        return sum((self.kernel - self.stride) * self.stride**level for level in range(self.depth))

    def valid_samples(self, n_samples: int) -> int:
        """The least length from `n_samples` up that goes down all levels and comes back as it was.

        Example:
            >>> WaveformUNetConfig(depth=2).valid_samples(101)
            116
        """
        n = n_samples
        for _ in range(self.depth):
            n = max(0, -(-(n - self.kernel) // self.stride)) + 1
        for _ in range(self.depth):
            n = (n - 1) * self.stride + self.kernel
        return n


TINY = WaveformUNetConfig(width=6, depth=3, n_lstm_layers=1, n_hidden=5)


class WaveformUNet(nn.Module):
    """U-Net on the waveform; see the head of this file.

    Raises:
        ShapeError: another number of channels than `spec.channels` (when called).
    """

    def __init__(self, spec: ModelSpec, config: WaveformUNetConfig) -> None:
        super().__init__()
        self.spec, self.config = spec, config
        widths = config.widths
        above = (spec.channels, *widths[:-1])
        self.down = nn.ModuleList(_make_down(i, o, config) for i, o in zip(above, widths, strict=True))
        self.bottom: nn.Module = nn.Identity()
        if config.n_lstm_layers:
            self.bottom = ResidualLSTM(widths[-1], config.n_hidden, config.n_lstm_layers)
        outputs = (*reversed(widths[:-1]), len(spec.stems) * spec.channels)
        self.up = nn.ModuleList(_make_up(i, o, config) for i, o in zip(reversed(widths), outputs, strict=True))
        if config.rescale:
            _rescale(self, config.rescale)

    def forward(self, mixture: Float[Tensor, "batch channel time"]) -> Float[Tensor, "batch stem channel time"]:
        check_mixture(mixture, self.spec)
        if not self.config.normalise:
            return self._separate(mixture)
        power = mixture.square().sum(dim=(1, 2), keepdim=True) / max(1, mixture[0].numel())
        level = power.clamp_min(_SILENCE).sqrt()
        stems = self._separate(mixture / level)
        return stems * (level * (power > _SILENCE)).unsqueeze(1)

    def _separate(self, mixture: Float[Tensor, "batch channel time"]) -> Float[Tensor, "batch stem channel time"]:
        n_samples, edge = mixture.shape[-1], self.config.edge_samples
        n_padded = self.config.valid_samples(n_samples + 2 * edge)
        padded = F.pad(mixture, (edge, n_padded - n_samples - edge))
        stems = self._convolve(padded)[..., edge : edge + n_samples].to(mixture.dtype)
        return stems.reshape(stems.shape[0], len(self.spec.stems), self.spec.channels, n_samples)

    def _convolve(self, features: Tensor) -> Tensor:
        skips = []
        for down in self.down:
            features = down(features)
            skips.append(features)
        skips.pop()  # the bottom has it already
        features = self.up[0](self.bottom(features))
        for up in self.up[1:]:
            features = up(features.relu() + skips.pop())
        return features


def _make_down(n_in: int, n_out: int, config: WaveformUNetConfig) -> nn.Sequential:
    convolution = nn.Conv1d(n_in, n_out, config.kernel, config.stride)
    return nn.Sequential(convolution, nn.ReLU(), *_make_gate(n_out, 1, config))


def _make_up(n_in: int, n_out: int, config: WaveformUNetConfig) -> nn.Sequential:
    convolution = nn.ConvTranspose1d(n_in, n_out, config.kernel, config.stride)
    return nn.Sequential(*_make_gate(n_in, config.context, config), convolution)


def _make_gate(width: int, kernel: int, config: WaveformUNetConfig) -> tuple[nn.Module, nn.Module]:
    n_out = 2 * width if config.glu else width
    convolution = nn.Conv1d(width, n_out, kernel, padding=kernel // 2)
    return convolution, nn.GLU(dim=1) if config.glu else nn.ReLU()


@torch.no_grad()
def _rescale(model: nn.Module, reference: float) -> None:
    """Divide weights and biases of each convolution by `sqrt(rms / reference)`, as the paper does."""
    for module in model.modules():
        if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
            gain = (reference / module.weight.square().mean().sqrt()).sqrt()
            for parameter in module.parameters():
                parameter.mul_(gain)
