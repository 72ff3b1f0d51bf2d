"""Spectrograms compared after compression, on the masks, without a way back to the waveform."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from auralflow.estimate import Estimate
from auralflow.losses._base import PerStemLoss, require
from auralflow.losses._checks import check_choice, check_range

_FLOOR = 1e-3  # of the item's root mean square over bins and stems: 60 dB below it
_SILENCE = 1e-6  # magnitude of an unscaled bin below which nothing is compared


@dataclass(frozen=True)
class CompressedSpectrum(PerStemLoss):
    """Distance of power-law compressed spectrograms, `sum ((|E_j| + f)^c - (T_j + f)^c)^2 / mean_k sum (T_k + f)^2c`.

    `E_j = M_j X` is the masked spectrogram of the mixture and `c` the exponent. `T_j` is what it is compared with: the
    target's magnitude `|S_j|`, or the part of the target that has the mixture's phase, `max(0, Re(S_j X* / |X|))`,
    which is what a real mask can give at best. Sums go over channels and bins, the mean over the stems, so the value
    depends on no level, and a silent stem can be scored. For `c` below 1 soft bins count for more than their energy;
    `f` lies 60 dB below the item's level, for there the power is steep. With `distance` l1, absolute differences and
    the first power stand in place of squares: then what is best for a bin that is a stem's or not is the likelier of
    the two, and a stem that is seldom heard falls silent, where squares give it its share.

    The waveform plays no part: a spectrogram model learns by it without an inverse transform to differentiate, which
    takes a large part of a step of a small network on a processor. What is left of the loss is a large part, too; with
    `every_frames` 2 it is half of that; as frames share most of their samples with their neighbours, little is lost.

    Source: Ephrat et al. (2018, "Looking to listen at the cocktail party", section 4.1) for the compression; Erdogan
    et al. (2015, "Phase-sensitive and recognition-boosted speech separation using deep recurrent neural networks") for
    the phase. They take squares; the absolute differences and the division are ours.

    Raises:
        ConfigError: an exponent outside 0.1 to 1, an unknown distance, or `every_frames` below 1.

    Example:
        >>> from functools import partial
        >>> from auralflow.dsp.stft import STFTConfig, stft
        >>> targets = torch.randn(1, 1, 1, 4000)
        >>> transform = partial(stft, config=STFTConfig(256, 64))
        >>> masks = torch.ones(1, 1, 1, *transform(targets).shape[-2:])
        >>> value = CompressedSpectrum()(Estimate(targets, targets.sum(1), masks, transform), targets)
        >>> bool(value < 1e-6)
        True
    """

    exponent: float = 0.5
    """Of the magnitudes; 1 compares them as they are."""
    is_phase_sensitive: bool = True
    """Compare with the part of the target that has the mixture's phase, else with its magnitude."""
    distance: Literal["l1", "l2"] = "l2"
    """Absolute (l1) or squared (l2) difference."""
    every_frames: int = 1
    """Compare the first of so many frames only."""

    def __post_init__(self) -> None:
        check_choice("distance", self.distance, ("l1", "l2"))
        check_range("every_frames", self.every_frames, 1, math.inf)
        check_range("exponent", self.exponent, 0.1, 1)

    @property
    def needs(self) -> tuple[str, ...]:
        """The masks, and the transform for mixture and targets."""
        return ("masks", "transform")

    @property
    def minimum(self) -> float | None:
        """A perfect estimate has the targets' phase, not the mixture's; how much that costs depends on the signals."""
        return None if self.is_phase_sensitive else 0.0

    def per_stem(
        self, estimate: Estimate, targets: Float[Tensor, "batch stem channel time"]
    ) -> Float[Tensor, "batch stem"]:
        """The distance of each stem."""
        masks, transform = require(estimate.masks, "masks"), require(estimate.transform, "transform")
        with torch.no_grad():
            mixture, spectrogram = self._thin(transform(estimate.mixture).unsqueeze(1)), self._thin(transform(targets))
            loudness = mixture.abs()
            wanted = self._choose_targets(spectrogram, mixture, loudness)
            level = wanted.square().mean((1, 2, 3, 4), keepdim=True).sqrt()
            floor = (_FLOOR * level).clamp(min=_SILENCE)
            wanted = self._compress(wanted.add_(floor))
            total = self._sum(wanted).mean(1, keepdim=True)
        masks = self._thin(masks)
        magnitudes = masks.abs() if masks.is_complex() else masks
        compressed = self._compress(torch.addcmul(floor, magnitudes, loudness))
        return self._sum(compressed - wanted) / total

    def _thin(self, frames: Tensor) -> Tensor:
        return frames[..., :: self.every_frames]

    def _sum(self, difference: Float[Tensor, "batch stem channel freq frame"]) -> Float[Tensor, "batch stem"]:
        sizes = difference.abs() if self.distance == "l1" else difference.square()
        return sizes.flatten(2).sum(-1)

    def _choose_targets(
        self, targets: Complex[Tensor, "batch stem channel freq frame"], mixture: Tensor, loudness: Tensor
    ) -> Float[Tensor, "batch stem channel freq frame"]:
        if not self.is_phase_sensitive:
            return targets.abs()
        turned = mixture.conj() / loudness.clamp(min=torch.finfo(loudness.dtype).tiny)
        return (targets.real * turned.real - targets.imag * turned.imag).clamp_(min=0)

    def _compress(self, magnitudes: Tensor) -> Tensor:
        # A square root takes a tenth of the time of another power.
        return magnitudes.sqrt() if self.exponent == 0.5 else magnitudes**self.exponent
