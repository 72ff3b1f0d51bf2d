"""Relative L1 distance of magnitude spectrograms."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from auralflow.dsp.distances import amplitudes, relative_l1
from auralflow.dsp.stft import STFTConfig
from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.losses._base import PerStemLoss


@dataclass(frozen=True)
class L1Freq(PerStemLoss):
    """Relative L1 distance of magnitudes, `mean | |E_j| - |S_j| | / mean_k |S_k|`, at a fixed STFT.

    Means go over channels and bins; the one below also over all stems of the item, so that a silent stem can be
    scored, and it has a floor 60 dB below full scale. A silent estimate scores 1. Unlike `l1` on the spectrogram,
    the value depends neither on the level of the song nor on the frame length, and any model has it, spectrogram or
    not. Phase plays no part.

    Source: Gusó et al. (2022, "On loss functions and evaluation metrics for music source separation"), loss
    "L1freq". The metric of that name in separation toolkits, `100 / (1 + 10 mean ||E| - |S||)`, has frames of 2048
    samples without a window and no normalisation; the division is ours.

    Raises:
        ConfigError: a frame or hop that cannot be.

    Example:
        >>> import torch
        >>> targets = torch.randn(1, 2, 1, 5000)
        >>> L1Freq()(Estimate(0.75 * targets, targets.sum(1)), targets)
        tensor(0.2500)
    """

    n_fft: int = 2048
    """Samples in a frame."""
    hop_samples: int = 1024
    """Samples from one frame to the next."""

    def __post_init__(self) -> None:
        try:
            STFTConfig(self.n_fft, self.hop_samples)
        except ConfigError as error:
            raise ConfigError(str(error).removeprefix("stft.")) from None

    def per_stem(
        self, estimate: Estimate, targets: Float[Tensor, "batch stem channel time"]
    ) -> Float[Tensor, "batch stem"]:
        """The relative distance of each stem."""
        config = STFTConfig(self.n_fft, self.hop_samples)
        return relative_l1(amplitudes(estimate.stems, config), amplitudes(targets, config))
