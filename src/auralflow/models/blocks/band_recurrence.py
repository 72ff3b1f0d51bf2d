"""What a recurrent network on bands is made of: the bands, what is heard of them, recurrence, and masks of all stems.

Luo and Yu (2023, "Music source separation with band-split RNN", IEEE/ACM TASLP 31), with changes of ours that let a
small network learn soon; each class says which.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from auralflow.errors import ConfigError
from auralflow.models.blocks.octave_bands import GroupLinear

Cell = Literal["lstm", "gru"]

_CORNER_HZ = 700.0  # of the mel scale: bands are about equally wide below and a constant part of an octave above
_EXPONENT = 0.3
_FLOOR_POWER = 1e-10  # of the mean: 100 dB below it
_TINY_POWER = 1e-20  # of a spectrogram, far below that of 16-bit noise
_START_WEIGHT = 0.1
_SOFT = 1e-2  # not 0, or what lies before would have no gradient at the first step


def cut_bands(n_freqs: int, n_bands: int, nyquist_hz: float) -> tuple[int, ...]:
    """Bins of each of `n_bands` bands, from low to high, equally wide on the mel scale but of one bin at least.

    Every bin is in one band.

    Raises:
        ConfigError: fewer bins than bands.

    Example:
        >>> cut_bands(1025, 8, 22050.0)
        (18, 27, 43, 65, 101, 156, 242, 373)
    """
    if not 1 <= n_bands <= n_freqs:
        raise ConfigError(f"n_bands: expected 1 to {n_freqs}, one bin or more for each, got {n_bands}")
    stops = [0]
    for band in range(1, n_bands + 1):
        edge_hz = _CORNER_HZ * ((1 + nyquist_hz / _CORNER_HZ) ** (band / n_bands) - 1)
        least, most = stops[-1] + 1, n_freqs - (n_bands - band)
        stops.append(min(max(round(edge_hz / nyquist_hz * n_freqs), least), most))
    return tuple(stop - start for start, stop in pairwise(stops))


class CompressedBands(nn.Module):
    """Each band of a spectrogram to `n_features` features by a linear layer of its own.

    The paper normalises each band of each frame. Here the whole item is brought to level one, so that how loud a band
    is at a moment is heard, and amplitudes are raised to the power 0.3, so that quiet bins count.

    A linear layer does not see from real and imaginary parts how loud a bin is, as its phase turns from frame to
    frame. So it is told the amplitudes: of each channel, of the channels' mean, and of what differs from it.

    Args:
        widths: bins of each band.
        has_phase: the layer hears the compressed real and imaginary parts too.

    Shape:
        real and imaginary parts `[batch, frame, freq, channel, 2]` to `[batch, frame, band, feature]`.
    """

    def __init__(self, widths: Sequence[int], n_channels: int, n_features: int, *, has_phase: bool) -> None:
        super().__init__()
        self.has_phase = has_phase
        n_numbers = n_channels * (3 if has_phase else 1) + (2 if n_channels > 1 else 0)
        self.numbers = [width * n_numbers for width in widths]
        self.layers = nn.ModuleList(nn.Linear(number, n_features) for number in self.numbers)

    def forward(self, pairs: Float[Tensor, "batch frame freq channel 2"]) -> Float[Tensor, "batch frame band feature"]:
        numbers = _hear(pairs, self.has_phase).flatten(2).to(next(self.parameters()).dtype)
        bands = numbers.split(self.numbers, dim=-1)
        return torch.stack([layer(band) for layer, band in zip(self.layers, bands, strict=True)], dim=2)


def _hear(
    pairs: Float[Tensor, "batch frame freq channel 2"], has_phase: bool
) -> Float[Tensor, "batch frame freq number"]:
    """What is told of a bin: compressed amplitudes, then real and imaginary parts; silence gives near to nothing."""
    level = _square(pairs).mean((1, 2, 3), keepdim=True).clamp(min=_TINY_POWER).sqrt()
    pairs = pairs / level.unsqueeze(-1)
    powers = _square(pairs)
    views = [powers]
    if pairs.shape[3] > 1:
        middle = pairs.mean(3, keepdim=True)
        views += [_square(middle), _square(pairs - middle).mean(3, keepdim=True)]
    heard = [(torch.cat(views, -1) + _FLOOR_POWER).pow(_EXPONENT / 2)]
    if has_phase:
        heard.append((pairs * (powers + _FLOOR_POWER).pow((_EXPONENT - 1) / 2).unsqueeze(-1)).flatten(-2))
    return torch.cat(heard, -1)


def _square(pairs: Float[Tensor, "*axes 2"]) -> Float[Tensor, "*axes"]:
    real, imag = pairs.unbind(-1)
    return real * real + imag * imag


class ResidualRNN(nn.Module):
    """Normalised, run over in both directions, and added to what came in.

    Args:
        starts_soft: next to nothing is added at first, so that a trained network may grow by this and stay what it is.

    Shape:
        `[row, step, feature]` to the same; rows do not know of each other.
    """

    def __init__(self, width: int, n_hidden: int, cell: Cell, *, starts_soft: bool = False) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        kind = nn.LSTM if cell == "lstm" else nn.GRU
        self.rnn = kind(width, n_hidden, batch_first=True, bidirectional=True)
        self.mix = nn.Linear(2 * n_hidden, width)
        if starts_soft:
            with torch.no_grad():
                self.mix.weight.mul_(_SOFT)
                self.mix.bias.zero_()

    def forward(self, rows: Float[Tensor, "row step feature"]) -> Float[Tensor, "row step feature"]:
        seen, _ = self.rnn(self.norm(rows))
        changed: Tensor = rows + self.mix(seen)
        return changed


class BandRecurrence(nn.Module):
    """A recurrent layer over the frames of each band, then one over the bands of each frame.

    Args:
        starts_soft: see `ResidualRNN`.

    Shape:
        `[batch, frame, band, feature]` to the same.

    Example:
        >>> BandRecurrence(8, n_hidden=4, cell="gru")(torch.randn(2, 7, 5, 8)).shape
        torch.Size([2, 7, 5, 8])
    """

    def __init__(self, width: int, n_hidden: int, cell: Cell, *, starts_soft: bool = False) -> None:
        super().__init__()
        self.along_frames = ResidualRNN(width, n_hidden, cell, starts_soft=starts_soft)
        self.along_bands = ResidualRNN(width, n_hidden, cell, starts_soft=starts_soft)

    def forward(self, features: Float[Tensor, "batch frame band feature"]) -> Float[Tensor, "batch frame band feature"]:
        n_batch, n_frames, n_bands, _ = features.shape
        rows = self.along_frames(features.transpose(1, 2).flatten(0, 1)).unflatten(0, (n_batch, n_bands))
        frames = self.along_bands(rows.transpose(1, 2).flatten(0, 1))
        unfolded: Tensor = frames.unflatten(0, (n_batch, n_frames))
        return unfolded


class JointBandMasks(nn.Module):
    """Features of each band to the masks of all stems in it, by two layers of its own with a tanh between them.

    Complex masks leave through a GLU, as in the paper, and real ones through a sigmoid. At first they are near
    `gain`, so that an untrained model gives parts of the mixture itself.

    Args:
        widths: bins of each band.
        n_masks: masks of a bin.
        n_hidden: features between the layers.
        gain: real masks begin at most at 1/2.

    Shape:
        `[batch, frame, band, feature]` to `[batch, frame, mask, freq, part]`, the real and the imaginary part or one.
    """

    def __init__(
        self, widths: Sequence[int], n_masks: int, n_features: int, n_hidden: int, *, is_complex: bool, gain: float
    ) -> None:
        super().__init__()
        self.n_masks, self.is_complex = n_masks, is_complex
        self.norm = nn.LayerNorm(n_features)  # each band's layer can have gains of its own
        self.hidden = GroupLinear(len(widths), n_features, n_hidden)
        n_parts = 4 if is_complex else 1  # a value and a gate for each part
        self.layers = nn.ModuleList(nn.Linear(n_hidden, n_masks * width * n_parts) for width in widths)
        with torch.no_grad():
            for layer in self.layers:
                assert isinstance(layer, nn.Linear)
                layer.weight.mul_(_START_WEIGHT)
                layer.bias.zero_()
                if is_complex:
                    layer.bias[: layer.bias.shape[0] // 2 : 2] = 2 * gain  # the gate is near 1/2
                else:
                    layer.bias.fill_(-math.log(max(1 / gain, 2.0) - 1))  # where the sigmoid is `gain`

    def forward(
        self, features: Float[Tensor, "batch frame band feature"]
    ) -> Float[Tensor, "batch frame mask freq part"]:
        hidden = self.hidden(self.norm(features)).tanh().unbind(2)
        bands = [layer(band) for layer, band in zip(self.layers, hidden, strict=True)]
        if not self.is_complex:
            return torch.cat([band.unflatten(-1, (self.n_masks, -1, 1)) for band in bands], dim=3).sigmoid()
        return torch.cat([F.glu(band).unflatten(-1, (self.n_masks, -1, 2)) for band in bands], dim=3)
