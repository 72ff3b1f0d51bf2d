"""Scale-invariant ratios to interference and to artefacts: how much of the distortion is other stems, how much new."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from auralflow.metrics._defined import blank_undefined

HIGHER_IS_BETTER = True
SOURCE = "Le Roux et al. (2019), 'SDR: half-baked or well done?', section 2; Scheibler (2022), 'SDR: medium rare'"
USES_ALL_TARGETS = True

_BLOCK_SAMPLES = 2**18
_ROUNDING = 1e-26
"""Power, relative to the estimate, below which an error is that of float64 (260 dB)."""


def si_bss(
    estimates: Float[Tensor, "stem channel time"], targets: Float[Tensor, "stem channel time"], *, sample_rate: int
) -> dict[str, Tensor]:
    """SI-SIR and SI-SAR in dB. They use all targets of the song, not only that of the stem.

    An estimate `e_j` is cut into three parts: `t`, its projection on the target `s_j`; `i`, what its projection on
    all targets has besides that; `a`, the rest, orthogonal to every target. Then

        SI-SIR = 10 log10(|t|^2 / |i|^2),    SI-SAR = 10 log10(|t|^2 / |a|^2).

    As the parts `i` and `a` are orthogonal, `10^(-SI-SDR/10) = 10^(-SI-SIR/10) + 10^(-SI-SAR/10)`. (The SAR of BSS Eval
    and of fast_bss_eval has `|t + i|^2` above, which breaks that law; the two differ where interference is strong.)
    Channels are laid end to end, so that one gain serves them all, as in `si_sdr`.

    NaN where the target is silent or a sample is no finite number. Other silent targets are no direction to project
    on; SI-SIR is NaN where no other target sounds. Plus infinity for a part that is below the rounding of float64, in
    which all of this is computed.

    Shape:
        `[stem, channel, time]` twice to `{"si_sir": [stem], "si_sar": [stem]}`. The sample rate plays no part.

    Example:
        >>> import torch
        >>> targets = torch.eye(3).unsqueeze(1)
        >>> mixed = targets + 0.1 * targets.roll(1, 0)
        >>> scores = si_bss(mixed, targets, sample_rate=44100)
        >>> [round(value) for value in scores["si_sir"].tolist()], scores["si_sar"].tolist()
        ([20, 20, 20], [inf, inf, inf])
    """
    flat_estimates, flat_targets = estimates.flatten(1), targets.flatten(1)
    gram, cross = (_correlate(flat, flat_targets) for flat in (flat_targets, flat_estimates))
    own = gram.diagonal()
    is_sounding = own > 0
    gain = torch.where(is_sounding, cross.diagonal() / own, 0)
    coefficients = _project(gram, cross)
    artefacts = _energy_of_rest(flat_estimates, flat_targets, coefficients)
    others = coefficients - torch.diag(gain)
    interference = ((others @ gram) * others).sum(1)
    total = _energy_of_rest(flat_estimates, flat_targets, torch.zeros_like(gram))
    wanted = torch.where(is_sounding, gain.square() * own, torch.nan)
    has_other = is_sounding.sum() - is_sounding.int() > 0
    sir, sar = (_decibels(wanted, part, total).to(targets) for part in (interference, artefacts))
    return {
        "si_sir": blank_undefined(torch.where(has_other, sir, torch.nan), estimates, targets),
        "si_sar": blank_undefined(sar, estimates, targets),
    }


def _correlate(first: Float[Tensor, "stem time"], second: Float[Tensor, "stem time"]) -> Float[Tensor, "stem stem"]:
    """Inner products of all pairs, in float64, without a float64 copy of the song."""
    pairs = zip(*(torch.split(part, _BLOCK_SAMPLES, 1) for part in (first, second)), strict=True)
    return torch.stack([a.double() @ b.double().T for a, b in pairs]).sum(0)


def _project(gram: Float[Tensor, "stem stem"], cross: Float[Tensor, "stem stem"]) -> Float[Tensor, "stem stem"]:
    """Coefficients of each estimate's projection on all targets; those of a silent target are zero."""
    if not cross.isfinite().all() or not gram.isfinite().all():
        # A stem that is not finite must not take the others with it, nor make the solver raise.
        cross, gram = (torch.where(part.isfinite(), part, 0) for part in (cross, gram))
    # Scaled to unit targets, so that a quiet stem is not taken for one that depends on the others.
    size = gram.diagonal().sqrt()
    scale = torch.where(size > 0, 1 / size, 0)
    inverse = torch.linalg.pinv(scale[:, None] * gram * scale, rtol=1e-12, hermitian=True)
    projected: Tensor = (cross * scale) @ inverse * scale
    return projected


def _energy_of_rest(
    estimates: Float[Tensor, "stem time"], targets: Float[Tensor, "stem time"], coefficients: Float[Tensor, "stem stem"]
) -> Float[Tensor, " stem"]:
    """Energy of the estimates less a combination of the targets, summed from the samples: no large numbers cancel."""
    pairs = zip(*(torch.split(part, _BLOCK_SAMPLES, 1) for part in (estimates, targets)), strict=True)
    return torch.stack([(e.double() - coefficients @ t.double()).square().sum(1) for e, t in pairs]).sum(0)


def _decibels(
    wanted: Float[Tensor, " stem"], unwanted: Float[Tensor, " stem"], total: Float[Tensor, " stem"]
) -> Float[Tensor, " stem"]:
    heard = torch.where(unwanted <= _ROUNDING * total, 0, unwanted)
    ratio = torch.where(wanted == 0, 0, wanted / heard)
    return 10 * ratio.log10()
