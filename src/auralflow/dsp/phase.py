"""What phase an estimated magnitude gets: the mixture's, one that Griffin-Lim finds, or a Wiener filter's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from auralflow.dsp.stft import STFTConfig, istft, stft
from auralflow.errors import ConfigError

FLOOR = 1e-20
"""Power, relative to the mixture's largest bin (-200 dB), below which a bin counts as silent."""

_Power = Float[Tensor, "*axes stem freq frame"]
_Spatial = Complex[Tensor, "*axes stem channel channel freq"]
_Precision = Complex[Tensor, "*axes channel channel freq frame"]


@dataclass(frozen=True)
class PhaseConfig:
    """How estimated magnitudes are given a phase.

    Raises:
        ConfigError: a field has a value it cannot have.
    """

    method: Literal["mixture", "griffin_lim", "wiener"] = "mixture"
    """`mixture`: the mixture's phase; `griffin_lim`: refined from it by fast Griffin-Lim, each stem and channel by
    itself; `wiener`: multichannel Wiener filter, whose stems sum to the mixture."""
    n_griffin_lim_iterations: int = 16
    """Rounds of fast Griffin-Lim, each one inverse and one forward STFT."""
    griffin_lim_momentum: float = 0.99
    """How far a round overshoots (0: plain Griffin-Lim)."""
    n_wiener_iterations: int = 1
    """Rounds of expectation-maximisation; 1 filters once with what the magnitudes say."""

    def __post_init__(self) -> None:
        if self.method not in ("mixture", "griffin_lim", "wiener"):
            raise ConfigError(f"phase.method: expected 'mixture', 'griffin_lim' or 'wiener', got {self.method!r}")
        if not 0 <= self.griffin_lim_momentum <= 1:
            raise ConfigError(f"phase.griffin_lim_momentum: expected 0 to 1, got {self.griffin_lim_momentum!r}")
        for name in ("n_griffin_lim_iterations", "n_wiener_iterations"):
            if getattr(self, name) < 0:
                raise ConfigError(f"phase.{name}: expected 0 or more, got {getattr(self, name)!r}")


def with_phase_of(
    magnitude: Float[Tensor, "*axes freq frame"], spectrogram: Complex[Tensor, "*axes freq frame"]
) -> Complex[Tensor, "*axes freq frame"]:
    """`magnitude` with the phase of `spectrogram`; where that is zero, phase zero."""
    size = spectrogram.abs()
    return magnitude * torch.where(size > 0, spectrogram / size, torch.ones_like(spectrogram))


def fast_griffin_lim(
    magnitude: Float[Tensor, "*axes freq frame"],
    initial: Complex[Tensor, "*axes freq frame"],
    config: STFTConfig,
    n_samples: int,
    n_iterations: int,
    momentum: float = 0.99,
) -> Complex[Tensor, "*axes freq frame"]:
    """`magnitude` with a phase under which overlapping frames agree better than under the phase of `initial`.

    Fast Griffin-Lim of Perraudin, Balazs and Sondergaard (2013, "A fast Griffin-Lim algorithm"). With P the projection
    on consistent spectrograms (an inverse and a forward STFT) and M the one on the given magnitude:

        c[n] = P M t[n-1];    t[n] = c[n] + momentum (c[n] - c[n-1])

    The overshoot finds better phases, but may end on a bad round. So the result is compared with the start, and of each
    item on the leading axes the better one (`spectral_convergence`) is returned: never worse than `initial`.

    Shape:
        `[*axes, freq, frame]`, the bins and frames that `config` gives `n_samples`.
    """
    start = with_phase_of(magnitude, initial)
    previous = first = _project(start, config, n_samples)
    ahead = first
    for _ in range(n_iterations):
        current = _project(with_phase_of(magnitude, ahead), config, n_samples)
        ahead = current + momentum * (current - previous)
        previous = current
    final = with_phase_of(magnitude, previous)
    last = _project(final, config, n_samples)
    is_better = spectral_convergence(last, magnitude) < spectral_convergence(first, magnitude)
    return torch.where(is_better[..., None, None], final, start)


def _project(
    spectrogram: Complex[Tensor, "*axes freq frame"], config: STFTConfig, n_samples: int
) -> Complex[Tensor, "*axes freq frame"]:
    return stft(istft(spectrogram, config, n_samples), config)


def spectral_convergence(
    spectrogram: Complex[Tensor, "*axes freq frame"], magnitude: Float[Tensor, "*axes freq frame"]
) -> Float[Tensor, "*axes"]:
    """Relative distance of a spectrogram's magnitude from the wanted one: `|| |X| - m || / ||m||`."""
    distance = torch.linalg.vector_norm(spectrogram.abs() - magnitude, dim=(-2, -1))
    wanted = torch.linalg.vector_norm(magnitude, dim=(-2, -1)).clamp(min=torch.finfo(magnitude.dtype).tiny)
    ratio: Tensor = distance / wanted
    return ratio


def wiener_em(
    estimates: Complex[Tensor, "*axes stem channel freq frame"],
    mixture: Complex[Tensor, "*axes channel freq frame"],
    n_iterations: int = 1,
) -> Complex[Tensor, "*axes stem channel freq frame"]:
    """Multichannel Wiener filter under the local Gaussian model, fitted by expectation-maximisation.

    Duong, Vincent and Gribonval (2010, "Under-determined reverberant audio source separation using a full-rank spatial
    covariance model"), with the weighted spatial update of Nugraha, Liutkus and Vincent (2016, "Multichannel audio
    source separation with deep neural networks"). Stem j at bin (f, n) is Gaussian with covariance `v_j(f, n) R_j(f)`:

        C   = sum_j v_j R_j                          mixture
        W_j = v_j R_j C^-1,   y_j = W_j x            filter
        S_j = y_j y_j^H + (1 - W_j) v_j R_j          posterior second moment
        v_j = trace(S_j) / channels,   R_j = sum_n S_j / sum_n v_j

    so that trace(R_j) is the number of channels, and v_j a power. The first v and R come from `estimates`, taken for
    certain (S_j = y_j y_j^H); each further iteration updates them once. The stems sum to the mixture, and where all
    estimates are silent they share it equally. No iterations return `estimates`.

    Each C gets sqrt(machine epsilon) of its trace on the diagonal, split between the stems. That and the rounding of
    the inverse then weigh alike. The work is done in double precision, except on devices that lack it (MPS).

    Shape:
        estimates `[*axes, stem, channel, freq, frame]`, mixture `[*axes, channel, freq, frame]`, any channel count.
    """
    if n_iterations == 0:
        return estimates
    dtype = estimates.dtype if estimates.device.type == "mps" else torch.complex128
    peak = mixture.abs().amax(dim=(-3, -2, -1), keepdim=True)
    scale = torch.where(peak > 0, peak, torch.ones_like(peak))
    x = (mixture / scale).to(dtype)
    y = (estimates / scale.unsqueeze(-4)).to(dtype)
    power, spatial = _moments(y)
    for i in range(n_iterations):
        loading = torch.finfo(dtype).eps ** 0.5 * power.sum(-3) + FLOOR
        precision = _invert(_mixture_covariance(power, spatial, loading))
        y = _filter(power, spatial, precision, loading, x)
        if i < n_iterations - 1:
            power, spatial = _posterior_moments(power, spatial, precision, y)
    return y.to(estimates.dtype) * scale.unsqueeze(-4)


# The channel axes of a covariance stand before freq and frame: every operation then runs along contiguous bins
# instead of over millions of 2 x 2 matrices. In the einsums: j stem, a b c d channels, f freq, t frame.


def _moments(y: Complex[Tensor, "*axes stem channel freq frame"]) -> tuple[_Power, _Spatial]:
    """v and R of stems that are known for certain."""
    return _normalise(_mean_power(y), _second_moment(y))


def _posterior_moments(
    power: _Power, spatial: _Spatial, precision: _Precision, y: Complex[Tensor, "*axes stem channel freq frame"]
) -> tuple[_Power, _Spatial]:
    """v and R after a filter; what it leaves uncertain, `v R - v^2 R C^-1 R`, is added to the moments of `y`."""
    n_channels = y.shape[-3]
    squared = torch.einsum("...jabf,...jbcf->...jacf", spatial, spatial)
    explained = torch.einsum("...jabf,...baft->...jft", squared, precision).real
    trace = power * n_channels - power.square() * explained
    weighted = torch.einsum("...jft,...abft->...jabf", power.square().to(precision.dtype), precision)
    uncertain = spatial * power.sum(-1)[..., None, None, :]
    uncertain = uncertain - torch.einsum("...jabf,...jbcf,...jcdf->...jadf", spatial, weighted, spatial)
    return _normalise(_mean_power(y) + trace.clamp(min=0) / n_channels, _second_moment(y) + uncertain)


def _normalise(power: _Power, moment: _Spatial) -> tuple[_Power, _Spatial]:
    """R from its sum over frames; a stem that is silent at a frequency comes from everywhere alike."""
    total = power.sum(-1)[..., None, None, :]
    everywhere = torch.eye(moment.shape[-2], dtype=moment.dtype, device=moment.device)[..., None]
    return power, torch.where(total > FLOOR, moment / total.clamp(min=FLOOR), everywhere)


def _mean_power(y: Complex[Tensor, "*axes stem channel freq frame"]) -> _Power:
    return (y.real.square() + y.imag.square()).mean(-3)


def _second_moment(y: Complex[Tensor, "*axes stem channel freq frame"]) -> _Spatial:
    """Sum over frames of `y y^H`."""
    by_freq = y.transpose(-2, -3)
    return (by_freq @ by_freq.mH).movedim(-3, -1)


def _mixture_covariance(power: _Power, spatial: _Spatial, loading: Float[Tensor, "*axes freq frame"]) -> _Precision:
    covariance = torch.einsum("...jft,...jabf->...abft", power.to(spatial.dtype), spatial)
    eye = torch.eye(covariance.shape[-3], dtype=covariance.dtype, device=covariance.device)
    return covariance + eye[..., None, None] * loading[..., None, None, :, :]


def _filter(
    power: _Power,
    spatial: _Spatial,
    precision: _Precision,
    loading: Float[Tensor, "*axes freq frame"],
    x: Complex[Tensor, "*axes channel freq frame"],
) -> Complex[Tensor, "*axes stem channel freq frame"]:
    whitened = torch.einsum("...abft,...bft->...aft", precision, x)
    directed = torch.einsum("...jabf,...bft->...jaft", spatial, whitened)
    share = (whitened * loading.unsqueeze(-3) / power.shape[-3]).unsqueeze(-4)
    return power.unsqueeze(-3) * directed + share


def _invert(matrix: _Precision) -> _Precision:
    """Inverse of positive definite Hermitian matrices by Gauss-Jordan sweeps, which then need no pivoting.

    A sweep of channel k takes `m[a, b]` to `m[a, b] - m[a, k] m[k, b] / m[k, k]`, but row k to `m[k, b] / m[k, k]`,
    column k to `-m[a, k] / m[k, k]`, and the pivot to `1 / m[k, k]`. All channels swept, m is inverted.
    """
    channels = range(matrix.shape[-3])
    m = [[matrix[..., a, b, :, :] for b in channels] for a in channels]
    for k in channels:
        inverse = 1 / m[k][k].real
        row = [inverse * m[k][b] for b in channels]
        column = [m[a][k] for a in channels]
        m = [[row[b] if a == k else m[a][b] - column[a] * row[b] for b in channels] for a in channels]
        for a in channels:
            m[a][k] = inverse.to(matrix.dtype) if a == k else -inverse * column[a]
    return torch.stack([torch.stack(row, dim=-3) for row in m], dim=-4)
