"""Bands that widen by octaves: what is heard of them, and the way back to bins.

The lowest `n_fine` bins are bands of their own; each octave above has `n_fine / 2` bands, so that they are 2, 4, 8, ...
bins wide. On the way back every bin has what its band has (the Nyquist bin what the last has). Eight neighbouring bands
are a group, which a linear layer of its own sees.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

from auralflow.errors import ConfigError

GROUP_BANDS = 8
_TINY_POWER = 1e-10  # far below a frame of 16-bit noise
_FLOOR = 1e-8  # of the level: 80 dB below it
_ROUNDING = 1e-7


def check_bands(n_fine: int, n_fft: int) -> None:
    """Refuse what `OctaveBands` cannot cut, in the words of a config that has both.

    Raises:
        ConfigError: `n_fine` is no multiple of 16, or half a frame no power of two times `n_fine`.
    """
    if n_fine < 16 or n_fine % 16:
        raise ConfigError(f"config.n_fine: expected a multiple of 16, got {n_fine!r}")
    n_octaves, rest = divmod(n_fft // 2, n_fine)
    if rest or n_octaves & (n_octaves - 1) or not n_octaves:
        raise ConfigError(f"config.stft.n_fft: expected {2 * n_fine} (twice n_fine) times a power of two, got {n_fft}")


class OctaveBands:
    """The bands of a spectrogram; see the head of this file.

    Args:
        n_freqs: bins of the spectrogram, `n_fine` times a power of two, and one.
        n_fine: bands of one bin, a multiple of 16.

    Example:
        >>> bands = OctaveBands(2, n_freqs=129, n_fine=32)
        >>> len(bands.widths), bands.n_groups
        (64, 8)
        >>> masks = torch.rand(64)
        >>> bool(torch.isclose(bands.pool(bands.spread(masks)[None, None, None])[0, 0, 0], masks).all())
        True
    """

    def __init__(self, n_channels: int, *, n_freqs: int, n_fine: int) -> None:
        self.n_channels, self.n_fine = n_channels, n_fine
        self.n_octaves = round(math.log2((n_freqs - 1) / n_fine))
        self.n_groups = (n_fine + self.n_octaves * n_fine // 2) // GROUP_BANDS
        self.n_views = n_channels + 2 if n_channels > 1 else 1
        self.n_seen = self.n_views * GROUP_BANDS
        """Numbers that a group is told of a frame."""
        self.widths = torch.tensor(
            [1] * n_fine + [2**octave for octave in range(1, self.n_octaves + 1) for _ in range(n_fine // 2)]
        )
        """Bins of each band."""

    def view(self, spectrogram: Complex[Tensor, "batch channel freq frame"]) -> Float[Tensor, "batch frame view freq"]:
        """Power of each channel, of the channels' mean, and of what differs from it."""
        channels = spectrogram.permute(0, 3, 1, 2)
        powers = _square(channels)
        if self.n_channels == 1:
            return powers
        mean = channels.mean(2, keepdim=True)
        middle = _square(mean)
        # Of channels that are nearly alike rounding decides how far they are apart: below this it is not looked at.
        sides = _square(channels - mean).mean(2, keepdim=True) + _ROUNDING * middle
        return torch.cat([powers, middle, sides], 2)

    def pool(self, powers: Float[Tensor, "batch frame view freq"]) -> Float[Tensor, "batch frame view band"]:
        """Mean of each band."""
        bands, start = [powers[..., : self.n_fine]], self.n_fine
        for octave in range(1, self.n_octaves + 1):
            octave_powers = powers[..., start : 2 * start]
            bands.append(octave_powers.unflatten(-1, (-1, 2**octave)).mean(-1))
            start *= 2
        return torch.cat(bands, -1)

    def group(
        self, powers: Float[Tensor, "batch frame view band"], level: Float[Tensor, "batch frame"]
    ) -> Float[Tensor, "batch frame group feature"]:
        """Decades above the level, scaled to about one, by groups of bands."""
        relative = powers / (level + _TINY_POWER)[..., None, None]
        decades = ((relative + _FLOOR).log10() + 3) / 3
        groups: Tensor = decades.unflatten(-1, (self.n_groups, GROUP_BANDS))
        return groups.transpose(2, 3).flatten(-2)

    def spread(self, bands: Float[Tensor, "*axes band"]) -> Float[Tensor, "*axes freq"]:
        """To every bin what its band has."""
        parts = [bands[..., : self.n_fine]]
        for octave in range(1, self.n_octaves + 1):
            start = self.n_fine + (octave - 1) * self.n_fine // 2
            part = bands[..., start : start + self.n_fine // 2]
            parts.append(part.unsqueeze(-1).expand(*part.shape, 2**octave).flatten(-2))
        return torch.cat([*parts, bands[..., -1:]], -1)


class GroupLinear(nn.Module):
    """A linear layer for each group.

    Shape:
        `[batch, frame, group, feature]` to the same, `n_out` features.
    """

    def __init__(self, n_groups: int, n_in: int, n_out: int) -> None:
        super().__init__()
        bound = n_in**-0.5
        self.weight = nn.Parameter(torch.empty(n_groups, n_in, n_out).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(n_groups, 1, n_out))

    def forward(self, features: Float[Tensor, "batch frame group feature"]) -> Float[Tensor, "batch frame group n_out"]:
        groups = features.flatten(0, 1).transpose(0, 1)
        mixed = torch.baddbmm(self.bias, groups, self.weight).transpose(0, 1)
        unfolded: Tensor = mixed.unflatten(0, features.shape[:2])
        return unfolded


def _square(spectrogram: Complex[Tensor, "*axes"]) -> Float[Tensor, "*axes"]:
    return spectrogram.real.square() + spectrogram.imag.square()
