"""Distance between the estimated masks and ideal ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Complex, Float
from torch import Tensor

from auralflow.estimate import Estimate
from auralflow.losses._base import PerStemLoss, require
from auralflow.losses._checks import check_choice, check_range


@dataclass(frozen=True)
class Mask(PerStemLoss):
    """Distance `mean d(M_j - I_j)` between masks and ideal masks, over the bins of the spectrogram that can be heard.

    With `S_j` the spectrogram of target j and `X` that of the mixture, the ideal mask is

    - `ratio`: `I_j = |S_j| / (sum_k |S_k| + |X - sum_k S_k|)`; what no target accounts for counts as one more source,
      so that a model of one stem has a sensible ideal too;
    - `phase_sensitive`: `I_j = Re(S_j / X)`, kept within 0 and 1. The best real mask where the phases differ.

    Every bin weighs the same however loud it is, except that bins more than `floor_db` below the loudest of the item
    are left out: there an ideal mask is only noise. Silence has value and gradient zero. Complex masks are compared by
    magnitude (ratio) or real part (phase_sensitive).

    Source: Wang, Narayanan and Wang (2014, "On training targets for supervised speech separation"); Erdogan et al.
    (2015, "Phase-sensitive and recognition-boosted speech separation using deep recurrent neural networks").

    Raises:
        ConfigError: an option has a value it cannot have.
    """

    ideal: Literal["ratio", "phase_sensitive"] = "ratio"
    """Which ideal mask."""
    distance: Literal["l1", "l2"] = "l1"
    """Absolute (l1) or squared (l2) difference."""
    floor_db: float = -80.0
    """Level of a bin of the mixture, re the loudest of the item, below which it is left out."""

    def __post_init__(self) -> None:
        check_choice("ideal", self.ideal, ("ratio", "phase_sensitive"))
        check_choice("distance", self.distance, ("l1", "l2"))
        check_range("floor_db", self.floor_db, -1000, 0)

    @property
    def needs(self) -> tuple[str, ...]:
        """The masks, and the transform to make ideal ones."""
        return ("masks", "transform")

    def per_stem(
        self, estimate: Estimate, targets: Float[Tensor, "batch stem channel time"]
    ) -> Float[Tensor, "batch stem"]:
        """The mean distance of each stem."""
        masks, transform = require(estimate.masks, "masks"), require(estimate.transform, "transform")
        with torch.no_grad():
            mixture = transform(estimate.mixture)
            ideal = self._ideal_masks(transform(targets), mixture)
            is_heard = self._is_heard(mixture).unsqueeze(1)
        if masks.is_complex():
            masks = masks.abs() if self.ideal == "ratio" else masks.real
        error = (masks - ideal).abs() if self.distance == "l1" else (masks - ideal).square()
        n_heard = is_heard.flatten(2).sum(-1).clamp(min=1)
        return (error * is_heard).flatten(2).sum(-1) / n_heard

    def _ideal_masks(
        self,
        targets: Complex[Tensor, "batch stem channel freq frame"],
        mixture: Complex[Tensor, "batch channel freq frame"],
    ) -> Float[Tensor, "batch stem channel freq frame"]:
        tiny = torch.finfo(mixture.real.dtype).tiny
        if self.ideal == "ratio":
            magnitudes = targets.abs()
            total = magnitudes.sum(1) + (mixture - targets.sum(1)).abs()
            return magnitudes / total.clamp(min=tiny).unsqueeze(1)
        power = mixture.abs().square().clamp(min=tiny).unsqueeze(1)
        return ((targets * mixture.unsqueeze(1).conj()).real / power).clamp(0, 1)

    def _is_heard(
        self, mixture: Complex[Tensor, "batch channel freq frame"]
    ) -> Bool[Tensor, "batch channel freq frame"]:
        magnitude = mixture.abs()
        return magnitude > 10 ** (self.floor_db / 20) * magnitude.amax(dim=(1, 2, 3), keepdim=True)
