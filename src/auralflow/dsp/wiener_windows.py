"""The multichannel Wiener filter of Open-Unmix, over windows of frames, each by itself.

The model is that of `auralflow.dsp.phase.wiener_em`: stem j at a bin is Gaussian with covariance `v_j(f, n) R_j(f)`.
Networks that were published with this filter want its constants, which are others than there. In a window, with
m = max(1, largest magnitude of the mixture / 10), x and y_j are divided by m; then, as often as there are iterations,

    v_j = |y_j|^2, averaged over channels
    R_j = sum_n y_j y_j^H / (eps + sum_n v_j)
    C   = sqrt(eps) 1 + sum_j v_j R_j
    y_j = v_j R_j C^-1 x

and the stems are multiplied by m again. Facts of the package `openunmix` 1.3.0: eps is 1e-10, windows are 300 frames
long and begin with the first frame. What sqrt(eps) takes from the mixture is lost: far below it, stems fade out.

The package takes a bin of the mixture that is exactly zero for 1. That is heard only where one channel is digital
silence while another is not, as a click in the silent one; here zero stays zero.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Complex, Float
from torch import Tensor

EPS = 1e-10
"""Power that is taken for nothing, where the largest magnitude is 10."""
HEADROOM = 10.0
"""Largest magnitude of a loud window."""

# Bins that the CPU filters at once: what is made on the way then stays in its cache, and it is four times as fast.
_BLOCK_FREQS = 128

_Power = Float[Tensor, "*axes stem frame freq"]
_Spatial = list[list[Tensor]]


def wiener_windows(
    masks: Float[Tensor, "*axes stem channel freq frame"] | Complex[Tensor, "*axes stem channel freq frame"],
    mixture: Complex[Tensor, "*axes channel freq frame"],
    n_iterations: int = 1,
    window_frames: int = 300,
) -> Complex[Tensor, "*axes stem channel freq frame"]:
    """Stems whose channels agree with each other, from a mask for each; see the head of this file.

    Args:
        n_iterations: rounds of expectation-maximisation; 0 applies the masks as they are.
        window_frames: frames that share their R; 0 for all of them.

    The work is done in double precision, except on devices that lack it (MPS). In memory the bins of one frame lie side
    by side, as `stft` leaves them.

    Shape:
        masks `[*axes, stem, channel, freq, frame]`, mixture `[*axes, channel, freq, frame]`, any channel count.

    Example:
        >>> mixture = torch.randn(2, 129, 20, dtype=torch.complex64)
        >>> masks = torch.rand(3, 2, 129, 20)
        >>> wiener_windows(masks, mixture).shape
        torch.Size([3, 2, 129, 20])
    """
    if n_iterations == 0:
        return masks * mixture.unsqueeze(-4)
    n_freqs, n_frames = mixture.shape[-2:]
    filtered = mixture.new_empty(*masks.shape[:-2], n_frames, n_freqs).mT
    for window in _cut(n_frames, window_frames or n_frames):
        scale = (mixture[..., window].abs().amax(dim=(-3, -2, -1), keepdim=True) / HEADROOM).clamp(min=1)
        for bins in _cut(n_freqs, _BLOCK_FREQS if mixture.device.type == "cpu" else n_freqs):
            part = _filter_part(masks[..., bins, window], mixture[..., bins, window], scale, n_iterations)
            filtered[..., bins, window] = part
    return filtered


def _cut(n: int, length: int) -> Iterator[slice]:
    return (slice(start, start + length) for start in range(0, n, length))


def _filter_part(
    masks: Tensor, mixture: Complex[Tensor, "*axes channel freq frame"], scale: Tensor, n_iterations: int
) -> Complex[Tensor, "*axes stem channel freq frame"]:
    dtype = mixture.dtype if mixture.device.type == "mps" else torch.complex128
    x = (mixture.to(dtype) / scale).mT
    y = masks.mT * x.unsqueeze(-4)
    for _ in range(n_iterations):
        y = _filter(*_fit(y), x)
    return (y * scale.unsqueeze(-4)).mT


def _fit(y: Complex[Tensor, "*axes stem channel frame freq"]) -> tuple[_Power, _Spatial]:
    """v and, by its entries (*axes, stem, 1, freq), R."""
    channels = y.unbind(-3)
    powers = torch.stack([channel.real.square() + channel.imag.square() for channel in channels])
    power = powers.mean(0)
    total = power.sum(-2, keepdim=True) + EPS
    spatial: _Spatial = [[] for _ in channels]
    for a, one in enumerate(channels):
        for b, other in enumerate(channels[:a]):
            spatial[a].append((one * other.conj()).sum(-2, keepdim=True) / total)
            spatial[b].append(spatial[a][b].conj())
        spatial[a].append(powers[a].sum(-2, keepdim=True) / total)
    return power, spatial


def _filter(
    power: _Power, spatial: _Spatial, x: Complex[Tensor, "*axes channel frame freq"]
) -> Complex[Tensor, "*axes stem channel frame freq"]:
    """`v_j R_j C^-1 x` for every stem."""
    covariance = [[(power * entry).sum(-3) for entry in row] for row in spatial]
    for a, row in enumerate(covariance):
        row[a] = row[a] + EPS**0.5
    whitened = [part.unsqueeze(-3) for part in _solve(covariance, list(x.unbind(-3)))]
    stems = [power * sum(entry * part for entry, part in zip(row, whitened, strict=True)) for row in spatial]
    return torch.stack(stems, dim=-3)


def _solve(matrix: list[list[Tensor]], vector: list[Tensor]) -> list[Tensor]:
    """`matrix^-1 vector` by elimination, for Hermitian matrices of eigenvalues from sqrt(EPS) up: so are all pivots."""
    n = len(vector)
    for k in range(n):
        matrix[k][k] = matrix[k][k].real.clamp(min=EPS**0.5)  # rounding may have left less
        for a in range(k + 1, n):
            ratio = matrix[a][k] / matrix[k][k]
            matrix[a] = [*matrix[a][: k + 1], *(matrix[a][b] - ratio * matrix[k][b] for b in range(k + 1, n))]
            vector[a] = vector[a] - ratio * vector[k]
    for k in reversed(range(n)):
        for b in range(k + 1, n):
            vector[k] = vector[k] - matrix[k][b] * vector[b]
        vector[k] = vector[k] / matrix[k][k]
    return vector
