"""Signal-to-distortion ratios in decibels, for losses and metrics to share.

What they say at the edges:

- a silent target has no ratio: NaN, never a number, so that it cannot slip into a mean;
- an estimate equal to its target has infinitely many decibels; one that holds nothing of it has minus infinitely many.

A loss cannot live with that. With `eps` above zero it is added to the power of the signal and to that of the
distortion: every value and every gradient is then finite, silence included, and two silent signals score 0 dB. Metrics
leave it at zero.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def sdr(
    estimates: Float[Tensor, "*axes time"], targets: Float[Tensor, "*axes time"], eps: float = 0.0
) -> Float[Tensor, "*axes"]:
    """Signal-to-distortion ratio `10 log10(|s|^2 / |s - e|^2)`, elsewhere also called SNR; in dB.

    Shape:
        `[*axes, time]` twice to `[*axes]`.

    Example:
        >>> target = torch.ones(100)
        >>> round(sdr(0.9 * target, target).item(), 3)
        20.0
    """
    return _decibels(_energy(targets), _energy(targets - estimates), _energy(targets), eps)


def si_sdr(
    estimates: Float[Tensor, "*axes time"],
    targets: Float[Tensor, "*axes time"],
    eps: float = 0.0,
    *,
    is_zero_mean: bool = False,
) -> Float[Tensor, "*axes"]:
    """Scale-invariant signal-to-distortion ratio, in dB.

    Le Roux et al. (2019, "SDR: half-baked or well done?"): the target is scaled to fit the estimate best,
    `a = <e, s> / |s|^2`, and the ratio is `10 log10(|a s|^2 / |a s - e|^2)`. With `is_zero_mean` the mean over time is
    first taken from both, which makes it blind to an offset too.

    Shape:
        `[*axes, time]` twice to `[*axes]`.

    Example:
        >>> target = torch.sin(torch.arange(1000) / 10)
        >>> si_sdr(0.5 * target, target).item()
        inf
    """
    if is_zero_mean:
        estimates = estimates - estimates.mean(-1, keepdim=True)
        targets = targets - targets.mean(-1, keepdim=True)
    energy = _energy(targets)
    gain = (estimates * targets).sum(-1) / (energy + eps)
    scaled = gain.unsqueeze(-1) * targets
    return _decibels(_energy(scaled), _energy(scaled - estimates), energy, eps)


def _energy(signal: Float[Tensor, "*axes time"]) -> Float[Tensor, "*axes"]:
    return signal.square().sum(-1)


def _decibels(
    signal: Float[Tensor, "*axes"], distortion: Float[Tensor, "*axes"], target: Float[Tensor, "*axes"], eps: float
) -> Float[Tensor, "*axes"]:
    if eps > 0:
        return 10 * ((signal + eps).log10() - (distortion + eps).log10())
    ratio = torch.where(signal == 0, torch.zeros_like(signal), signal / distortion)
    return torch.where(target == 0, torch.full_like(ratio, torch.nan), 10 * ratio.log10())
