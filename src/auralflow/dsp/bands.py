"""Frequency bands: the mel scale, its triangular filters, and cutting a spectrogram into bands and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from auralflow.errors import ConfigError, ShapeError

MelScale = Literal["htk", "slaney"]
_Spectrogram = Float[Tensor, "*axes freq frame"] | Complex[Tensor, "*axes freq frame"]

# Slaney (1998, "Auditory Toolbox"): 200/3 Hz per mel up to 1 kHz, then 27 mels for every factor of 6.4.
_SLANEY_HZ_PER_MEL = 200 / 3
_SLANEY_CORNER_HZ = 1000.0
_SLANEY_CORNER_MEL = _SLANEY_CORNER_HZ / _SLANEY_HZ_PER_MEL
_SLANEY_LOG_STEP = math.log(6.4) / 27


def hz_to_mel(frequency_hz: Float[Tensor, "*axes"], scale: MelScale = "slaney") -> Float[Tensor, "*axes"]:
    """Pitch in mel of frequencies in Hz.

    `htk`: `2595 log10(1 + f / 700)` (O'Shaughnessy 1987, used by HTK). `slaney`: linear with 15 mel at 1 kHz,
    logarithmic above (Slaney 1998).

    Example:
        >>> hz_to_mel(torch.tensor([1000.0, 6400.0])).tolist()
        [15.0, 42.0]
    """
    if scale == "htk":
        return 2595 * torch.log10(1 + frequency_hz / 700)
    above = frequency_hz.clamp(min=_SLANEY_CORNER_HZ)
    return torch.where(
        frequency_hz < _SLANEY_CORNER_HZ,
        frequency_hz / _SLANEY_HZ_PER_MEL,
        _SLANEY_CORNER_MEL + torch.log(above / _SLANEY_CORNER_HZ) / _SLANEY_LOG_STEP,
    )


def mel_to_hz(mel: Float[Tensor, "*axes"], scale: MelScale = "slaney") -> Float[Tensor, "*axes"]:
    """The inverse of `hz_to_mel`: frequencies in Hz."""
    if scale == "htk":
        return 700 * (10 ** (mel / 2595) - 1)
    above = (mel - _SLANEY_CORNER_MEL).clamp(min=0)
    return torch.where(
        mel < _SLANEY_CORNER_MEL,
        mel * _SLANEY_HZ_PER_MEL,
        _SLANEY_CORNER_HZ * torch.exp(above * _SLANEY_LOG_STEP),
    )


def mel_edges_hz(n_bands: int, low_hz: float, high_hz: float, scale: MelScale = "slaney") -> Float[Tensor, " freq"]:
    """`n_bands + 2` frequencies in Hz, evenly spaced in mel: band k rises from edge k to k + 1 and falls to k + 2."""
    ends = hz_to_mel(torch.tensor([low_hz, high_hz], dtype=torch.float64), scale)
    position = torch.linspace(0, 1, n_bands + 2, dtype=torch.float64)
    return mel_to_hz(ends[0] + position * (ends[1] - ends[0]), scale)


def mel_filterbank(
    n_bands: int,
    n_fft: int,
    sample_rate: int,
    *,
    low_hz: float = 0.0,
    high_hz: float | None = None,
    scale: MelScale = "slaney",
    norm: Literal["area", "peak"] = "area",
) -> Float[Tensor, "band freq"]:
    """Triangular filters, evenly spaced in mel, sampled at the bins of an STFT; float32.

    Each triangle is linear in Hz between the edges of `mel_edges_hz`. `peak`: its apex is 1, so that neighbours sum to
    one between the first and the last apex. `area`: its integral over frequency is 1 (apex `2 / (f[k+2] - f[k])`), so
    that noise of equal density gives equal bands. A triangle narrower than a bin may fall between two and be empty.

    Args:
        high_hz: upper end of the last band; None for the Nyquist frequency.

    Raises:
        ConfigError: no bands, or ends that are not 0 <= low_hz < high_hz <= sample_rate / 2.
    """
    high_hz = sample_rate / 2 if high_hz is None else high_hz
    if n_bands < 1:
        raise ConfigError(f"n_bands: expected 1 or more, got {n_bands}")
    if not 0 <= low_hz < high_hz <= sample_rate / 2:
        raise ConfigError(f"low_hz, high_hz: expected 0 <= low < high <= {sample_rate / 2}, got {low_hz}, {high_hz}")
    edges = mel_edges_hz(n_bands, low_hz, high_hz, scale).unsqueeze(1)
    bins = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * (sample_rate / n_fft)
    low, apex, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = torch.minimum((bins - low) / (apex - low), (high - bins) / (high - apex)).clamp(min=0)
    return (triangles * (2 / (high - low) if norm == "area" else 1)).float()


@dataclass(frozen=True, eq=False)
class BandSplit:
    """Cuts a spectrogram into bands and puts it together again: exactly, or to rounding where bands overlap.

    `merge` averages what overlapping bands say of a bin, weighted by `weights`.

    Raises:
        ConfigError: an empty band, weights that do not fit it or do not sum to one at every bin.

    Example:
        >>> bands = BandSplit.from_widths([4, 4, 121])
        >>> spectrogram = torch.randn(2, 129, 10)
        >>> [band.shape[-2] for band in bands.split(spectrogram)]
        [4, 4, 121]
        >>> torch.equal(bands.merge(bands.split(spectrogram)), spectrogram)
        True
    """

    edges: tuple[tuple[int, int], ...]
    """First bin and bin after the last, of each band."""
    weights: tuple[Tensor, ...]
    """Weight of each bin in each band; over the bands they sum to one at every bin."""

    def __post_init__(self) -> None:
        covered = torch.zeros(self.n_freqs)
        for (start, stop), weight in zip(self.edges, self.weights, strict=True):
            if not 0 <= start < stop or len(weight) != stop - start:
                raise ConfigError(f"bands: expected a bin or more and one weight each, got bins {start} to {stop}")
            covered[start:stop] += weight
        if not torch.allclose(covered, torch.ones_like(covered), atol=1e-6):
            wrong = int((covered - 1).abs().argmax())
            raise ConfigError(f"bands: expected weights summing to 1 at every bin, got {covered[wrong]:.3g} at {wrong}")

    @classmethod
    def from_widths(cls, widths: Sequence[int]) -> BandSplit:
        """Bands side by side, of so many bins each.

        Raises:
            ConfigError: a width below 1, or no widths.
        """
        if not widths or min(widths) < 1:
            raise ConfigError(f"widths: expected one or more positive whole numbers, got {list(widths)}")
        stops = [sum(widths[: i + 1]) for i in range(len(widths))]
        edges = tuple((stop - width, stop) for stop, width in zip(stops, widths, strict=True))
        return cls(edges, tuple(torch.ones(width) for width in widths))

    @classmethod
    def mel(cls, n_bands: int, n_fft: int, sample_rate: int, scale: MelScale = "slaney") -> BandSplit:
        """Overlapping bands, those of `mel_filterbank`, the triangle's height as weight.

        A band has the bins under its triangle and the one nearest to its apex; the first has bin zero too, and the
        last the Nyquist bin.

        Raises:
            ConfigError: no bands.
        """
        filters = mel_filterbank(n_bands, n_fft, sample_rate, scale=scale, norm="peak")
        apexes = mel_edges_hz(n_bands, 0.0, sample_rate / 2, scale)[1:-1] * (n_fft / sample_rate)
        filters[torch.arange(n_bands), apexes.round().long()] += torch.finfo(filters.dtype).eps
        filters[0, 0] = filters[-1, -1] = 1
        return cls._from_filters(filters)

    @classmethod
    def _from_filters(cls, filters: Float[Tensor, "band freq"]) -> BandSplit:
        shares = filters / filters.sum(0)
        rows = [row.nonzero().flatten() for row in shares]
        edges = tuple((int(row[0]), int(row[-1]) + 1) for row in rows)
        return cls(edges, tuple(share[start:stop] for share, (start, stop) in zip(shares, edges, strict=True)))

    @property
    def n_freqs(self) -> int:
        """Bins that the bands cover together."""
        return max(stop for _, stop in self.edges)

    def split(self, spectrogram: _Spectrogram) -> list[Tensor]:
        """One view per band, of shape `[*axes, bins of the band, frame]`.

        Raises:
            ShapeError: another number of bins than the bands cover.
        """
        if spectrogram.shape[-2] != self.n_freqs:
            raise ShapeError(f"expected {self.n_freqs} bins for these bands, got {spectrogram.shape[-2]}")
        return [spectrogram[..., start:stop, :] for start, stop in self.edges]

    def merge(self, bands: Sequence[Tensor]) -> _Spectrogram:
        """The inverse of `split`; bins that several bands have are averaged.

        Raises:
            ShapeError: another number of bands, or of bins in a band.
        """
        widths = [stop - start for start, stop in self.edges]
        if [band.shape[-2] for band in bands] != widths:
            raise ShapeError(f"expected bands of {widths} bins, got {[band.shape[-2] for band in bands]}")
        merged = bands[0].new_zeros(*bands[0].shape[:-2], self.n_freqs, bands[0].shape[-1])
        for band, weight, (start, stop) in zip(bands, self.weights, self.edges, strict=True):
            merged[..., start:stop, :] += band * weight.to(device=band.device, dtype=band.real.dtype).unsqueeze(-1)
        return merged
