"""Spectrograms compared at several resolutions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from auralflow.dsp.distances import amplitudes, log_distance, spectral_convergence
from auralflow.dsp.stft import STFTConfig
from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.losses._base import PerStemLoss


@dataclass(frozen=True)
class MultiSTFT(PerStemLoss):
    """Multi-resolution STFT loss: the mean over resolutions of spectral convergence plus log-magnitude distance.

    With `E` and `S` the amplitudes of estimate and target, and norms over channels and bins,

        |E - S|_2 / sqrt(mean_k |S_k|_2^2)  +  mean |ln(E + f) - ln(S + f)|.

    The first part is ruled by loud bins, the second by all alike down to `f`, 80 dB below full scale. The first is
    divided by the root mean square over all stems of the item instead of by the stem's own norm, so that a silent
    stem can be scored; together the stems' norms have a floor 60 dB below full scale. For one stem that is the
    formula of the paper. Phase plays no part: combine it with a loss that hears phase.

    Source: Yamamoto, Song and Kim (2020, "Parallel WaveGAN", equations 4 to 6).

    Raises:
        ConfigError: no resolution, lists of different lengths, or a hop that does not fit its frame.

    Example:
        >>> targets = torch.randn(1, 2, 1, 5000)
        >>> MultiSTFT()(Estimate(-targets, targets.sum(1)), targets)
        tensor(0.)
    """

    n_ffts: tuple[int, ...] = (512, 1024, 2048, 4096)
    """Frame length of each resolution, in samples."""
    hops_samples: tuple[int, ...] = (128, 256, 512, 1024)
    """Hop of each resolution."""

    def __post_init__(self) -> None:
        if not self.n_ffts or len(self.n_ffts) != len(self.hops_samples):
            raise ConfigError(
                f"hops_samples: expected one hop for each of the {len(self.n_ffts)} n_ffts and at least one, "
                f"got {len(self.hops_samples)}"
            )
        for index in range(len(self.n_ffts)):
            self._configure(index)

    def per_stem(
        self, estimate: Estimate, targets: Float[Tensor, "batch stem channel time"]
    ) -> Float[Tensor, "batch stem"]:
        """The mean over resolutions of each stem."""
        return torch.stack([self._compare(i, estimate.stems, targets) for i in range(len(self.n_ffts))]).mean(0)

    def _compare(
        self,
        index: int,
        stems: Float[Tensor, "batch stem channel time"],
        targets: Float[Tensor, "batch stem channel time"],
    ) -> Float[Tensor, "batch stem"]:
        config = self._configure(index)
        estimated, wanted = amplitudes(stems, config), amplitudes(targets, config)
        return spectral_convergence(estimated, wanted) + log_distance(estimated, wanted)

    def _configure(self, index: int) -> STFTConfig:
        try:
            return STFTConfig(self.n_ffts[index], self.hops_samples[index])
        except ConfigError as error:
            field = "n_ffts" if "n_fft:" in str(error) else "hops_samples"
            raise ConfigError(f"{field}.{index}: {str(error).partition(': ')[2]}") from None
