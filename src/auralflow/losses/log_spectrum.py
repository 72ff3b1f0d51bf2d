"""Error of the masked spectrogram in decibels, without a way back to the waveform."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from auralflow.estimate import Estimate
from auralflow.losses._base import PerStemLoss, require
from auralflow.losses._checks import check_range

_SILENCE = 1e-12  # power of an unscaled bin below which nothing is compared


@dataclass(frozen=True)
class LogSpectrum(PerStemLoss):
    """Level of each stem's error below the item, `10 log10(sum |M_j X - S_j|^2 / mean_k sum |S_k|^2 + t)` in dB.

    `M_j X` is the masked spectrogram of the mixture, `S_j` the target's, sums go over channels and bins, and `t` is
    `floor_db` as a power. Every stem is judged in decibels, as by SDR: a fifth of the error less is worth as much in
    a soft stem as in a loud one, where a sum of squares hardly looks at the soft one. Below the floor nothing is
    chased, and a silent stem is scored like any other. The value depends on no level.

    The waveform plays no part: a spectrogram model learns by it without an inverse transform to differentiate. Up to
    the overlap of frames it is what SDR measures.

    Source: the soft threshold is that of Wisdom et al. (2020, "Unsupervised sound separation using mixture invariant
    training"), there on waveforms and below the mixture; the formula is ours.

    Raises:
        ConfigError: a floor outside -120 to 0 dB.

    Example:
        >>> from functools import partial
        >>> from auralflow.dsp.stft import STFTConfig, stft
        >>> targets = torch.randn(1, 1, 1, 4000)
        >>> transform = partial(stft, config=STFTConfig(256, 64))
        >>> masks = torch.full((1, 1, 1, *transform(targets).shape[-2:]), 0.9)
        >>> round(LogSpectrum(floor_db=-60.0)(Estimate(targets, targets.sum(1), masks, transform), targets).item(), 2)
        -20.0
    """

    floor_db: float = -30.0
    """Level of the error, below the mean of the stems, that is good enough."""

    def __post_init__(self) -> None:
        check_range("floor_db", self.floor_db, -120, 0)

    @property
    def needs(self) -> tuple[str, ...]:
        """The masks, and the transform for mixture and targets."""
        return ("masks", "transform")

    @property
    def minimum(self) -> float | None:
        """The floor."""
        return self.floor_db

    def per_stem(
        self, estimate: Estimate, targets: Float[Tensor, "batch stem channel time"]
    ) -> Float[Tensor, "batch stem"]:
        """The level of each stem's error."""
        masks, transform = require(estimate.masks, "masks"), require(estimate.transform, "transform")
        with torch.no_grad():
            mixture, wanted = transform(estimate.mixture).unsqueeze(1), transform(targets)
            silence = _SILENCE * wanted[0, 0].numel()
            scale = _energy(wanted).mean(1, keepdim=True).clamp(min=silence)
        error = _energy(masks * mixture - wanted)
        return 10 * (error / scale + 10 ** (self.floor_db / 10)).log10()


def _energy(spectrogram: Complex[Tensor, "batch stem channel freq frame"]) -> Float[Tensor, "batch stem"]:
    return torch.view_as_real(spectrogram).square().flatten(2).sum(-1)
