"""Estimates that need no model, to put scores beside: nothing done at all, and what a mask could do at best."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from auralflow.dsp.stft import STFTConfig, istft, stft

_CONFIG = STFTConfig()
_FLOOR = 1e-10
"""Added to magnitudes, so that silent stems have equal masks."""


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
    return _apply_ratio_masks(mixture, targets, exponent=1)


def oracle_ibm(
    mixture: Float[Tensor, "channel time"], targets: Float[Tensor, "stem channel time"]
) -> Float[Tensor, "stem channel time"]:
    """The mixture under the ideal binary mask of the true stems: the loudest stem of a bin gets all of it.

    Wang (2005, "On ideal binary mask as the computational goal of auditory scene analysis"), on frames of 4096 samples.
    Stems that are equally loud in a bin share it, so that estimates sum to the mixture, in silence too. (`IBM1` of the
    SiSEC campaigns asks instead whether a stem has half of the mixture's magnitude, so that a bin may go to none.)

    Example:
        >>> import torch
        >>> stems = torch.randn(2, 1, 1000)
        >>> torch.allclose(oracle_ibm(stems.sum(0), stems).sum(0), stems.sum(0), atol=1e-5)
        True
    """
    magnitudes = stft(targets, _CONFIG).abs()
    is_loudest = (magnitudes == magnitudes.amax(0)).to(magnitudes)
    return _apply_masks(is_loudest / is_loudest.sum(0), mixture)


def oracle_wiener(
    mixture: Float[Tensor, "channel time"], targets: Float[Tensor, "stem channel time"]
) -> Float[Tensor, "stem channel time"]:
    """The mixture under the Wiener filter of the true stems, each channel on its own: a ratio mask with exponent 2.

    The mask of stem j is `|S_j|^2 / sum_k |S_k|^2`: for independent Gaussian stems of these powers the estimate of
    least squared error (Liutkus and Badeau 2015; `IRM2` of the SiSEC campaigns). It is not their `MWF`, which also
    uses how channels go together. Frames and silence as in `oracle_irm`.

    Example:
        >>> import torch
        >>> stems = torch.randn(2, 1, 1000)
        >>> torch.allclose(oracle_wiener(stems.sum(0), stems).sum(0), stems.sum(0), atol=1e-5)
        True
    """
    return _apply_ratio_masks(mixture, targets, exponent=2)


def _apply_ratio_masks(
    mixture: Float[Tensor, "channel time"], targets: Float[Tensor, "stem channel time"], exponent: int
) -> Float[Tensor, "stem channel time"]:
    powers = (stft(targets, _CONFIG).abs() + _FLOOR) ** exponent
    return _apply_masks(powers / powers.sum(0), mixture)


def _apply_masks(
    masks: Float[Tensor, "stem channel freq frame"], mixture: Float[Tensor, "channel time"]
) -> Float[Tensor, "stem channel time"]:
    return istft(masks * stft(mixture, _CONFIG), _CONFIG, mixture.shape[-1])


BASELINES = {
    "mixture": mixture,
    "oracle_irm": oracle_irm,
    "oracle_ibm": oracle_ibm,
    "oracle_wiener": oracle_wiener,
}
"""Baselines by name."""
