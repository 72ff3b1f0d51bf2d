"""What a model hands to losses and metrics."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import torch
from jaxtyping import Complex, Float
from torch import Tensor


class Estimate:
    """The stems a model estimated, and what else it knows about them.

    Args:
        stems: estimated waveforms, or what computes them when somebody asks: a loss on masks never does, and the way
            back to waveforms, with its gradient, takes a large part of a step of a small spectrogram model.
        mixture: what they were estimated from.
        masks: what was applied to the mixture's spectrogram.
        transform: waveform (..., time) to the model's own complex spectrogram (..., freq, frame).
        latent: mean and log-variance of a variational model's latent.

    Shape:
        stems: (batch, stem, channel, time); mixture: (batch, channel, time); masks: (batch, stem, channel, freq,
        frame), real or complex.
    """

    def __init__(
        self,
        stems: Float[Tensor, "batch stem channel time"] | Callable[[], Tensor],
        mixture: Float[Tensor, "batch channel time"],
        masks: Float[Tensor, "batch stem channel freq frame"]
        | Complex[Tensor, "batch stem channel freq frame"]
        | None = None,
        transform: Callable[[Tensor], Tensor] | None = None,
        latent: tuple[Tensor, Tensor] | None = None,
    ) -> None:
        self._stems, self.mixture = stems, mixture
        self.masks, self.transform, self.latent = masks, transform, latent

    @cached_property
    def stems(self) -> Float[Tensor, "batch stem channel time"]:
        """Estimated waveforms, computed once."""
        if isinstance(self._stems, Tensor):
            return self._stems
        with torch.enable_grad():  # who asks first may want no gradient, and the next one may
            return self._stems()

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the stems, without computing them where masks say as much."""
        if self.masks is None or isinstance(self._stems, Tensor):
            return tuple(self.stems.shape)
        return (*self.masks.shape[:2], *self.mixture.shape[1:])
