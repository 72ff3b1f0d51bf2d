"""Where a difference is taken: on the samples, or on the magnitudes of the model's own spectrogram."""

from __future__ import annotations

from typing import Literal

from jaxtyping import Float
from torch import Tensor

from auralflow.estimate import Estimate
from auralflow.losses._base import require

Domain = Literal["waveform", "spectrogram"]
DOMAINS: tuple[Domain, ...] = ("waveform", "spectrogram")


def difference(
    estimate: Estimate, targets: Float[Tensor, "batch stem channel time"], domain: Domain
) -> Float[Tensor, "batch stem feature"]:
    """Estimate less target: samples, or magnitudes of `estimate.transform`, channels laid end to end.

    Shape:
        targets `[batch, stem, channel, time]` to `[batch, stem, feature]`.
    """
    if domain == "waveform":
        return (estimate.stems - targets).flatten(2)
    transform = require(estimate.transform, "transform")
    return (transform(estimate.stems).abs() - transform(targets).abs()).flatten(2)


def needs_of(domain: Domain) -> tuple[str, ...]:
    """The fields of an estimate that `difference` reads."""
    return ("transform",) if domain == "spectrogram" else ()
