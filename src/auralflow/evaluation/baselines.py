"""Estimates that need no model, to put scores beside: nothing done at all, and what a mask could do at best."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from auralflow.dsp.stft import STFTConfig, istft, stft


def mixture(
    mixture: Float[Tensor, "channel time"], targets: Float[Tensor, "stem channel time"]
) -> Float[Tensor, "stem channel time"]:
    """The mixture itself as the estimate of every stem: the score of doing nothing.

    Example:
        >>> import torch
        >>> mixture(torch.ones(2, 10), torch.zeros(4, 2, 10)).shape
        torch.Size([4, 2, 10])
    """
    return mixture.expand_as(targets)


def oracle_irm(
    mixture: Float[Tensor, "channel time"], targets: Float[Tensor, "stem channel time"]
) -> Float[Tensor, "stem channel time"]:
    """The mixture under the ideal ratio mask of the true stems: about as far as masks with the mixture's phase can go.

    With `S_j` the spectrogram of stem j, its mask is `|S_j| / sum_k |S_k|` (Liutkus and Badeau 2015, "Generalized
    Wiener filtering with fractional power spectrograms", exponent 1; `IRM1` of the SiSEC campaigns), on frames of 4096
    samples. Where all stems are silent the masks are equal.

    Example:
        >>> import torch
        >>> stems = torch.randn(2, 1, 1000)
        >>> torch.allclose(oracle_irm(stems.sum(0), stems).sum(0), stems.sum(0), atol=1e-5)
        True
    """
    config = STFTConfig()
    magnitudes = stft(targets, config).abs()
    masks = (magnitudes + 1e-10) / (magnitudes + 1e-10).sum(0)
    return istft(masks * stft(mixture, config), config, mixture.shape[-1])


BASELINES = {"mixture": mixture, "oracle_irm": oracle_irm}
"""Baselines by name."""
