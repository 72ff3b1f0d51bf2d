"""What a model hands to losses and metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Complex, Float
from torch import Tensor


@dataclass(frozen=True)
class Estimate:
    """The stems a model estimated, and what else it knows about them.

    Shape:
        stems: (batch, stem, channel, time); mixture: (batch, channel, time); masks: (batch, stem, channel, freq,
        frame), real or complex.
    """

    stems: Float[Tensor, "batch stem channel time"]
    """Estimated waveforms."""
    mixture: Float[Tensor, "batch channel time"]
    """The mixture they were estimated from."""
    masks: Float[Tensor, "batch stem channel freq frame"] | Complex[Tensor, "batch stem channel freq frame"] | None = (
        None
    )
    """Masks that were applied to the mixture's spectrogram."""
    transform: Callable[[Tensor], Tensor] | None = None
    """Waveform (..., time) to the model's own complex spectrogram (..., freq, frame)."""
    latent: tuple[Tensor, Tensor] | None = None
    """Mean and log-variance of a variational model's latent."""
