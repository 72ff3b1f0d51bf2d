r"""Layers of Hybrid Demucs as a CPU computes them fastest, when nothing is learnt: equal, in fewer passes.

The second half of a residual layer makes 2n features z = W h + b of few h, normalises all of an item at once, and
halves them by a gate. As it stands, that is six passes over the widest features there are. But mean and variance of z
follow from those of h: with m = mean(h) and C = cov(h) over the frames,

    mean_t z_c = w_c m + b_c,     mean = mean_c(mean_t z_c),     variance = mean_c(w_c C w_c) + variance_c(mean_t z_c),

so that the normalised z is W' (h - m) + b' with an affine map of its own for each item. It is computed piece by piece,
and a piece passes its gate and is added while it is still in the cache.

A transposed convolution of kernel k and stride s is s convolutions of k / s taps, one for each place between inputs.

A convolution of three taps to few features is one product that reads the many features once, and gives the part of
each tap; two of the parts are shifted, and all are added. One of a single tap, to features of which half are gates, is
a product piece by piece, too. Both round more often than the convolution, which in half precision would be heard: there
they are left as they are.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from auralflow.dsp.stft import in_single

_PIECE = 2**19
"""Numbers in a piece: what fits the caches of a core, and is long enough to multiply well."""


def add_gated(
    features: Float[Tensor, "batch feature freq frame"],
    inner: Float[Tensor, "rows inner frame"],
    expand: nn.Conv1d,
    norm: nn.GroupNorm,
    scale: Float[Tensor, "feature"],
) -> Float[Tensor, "batch feature freq frame"]:
    """`features + scale * glu(norm(expand(inner)))`, where inner has a row for each item and frequency.

    Args:
        expand: of kernel 1, to twice as many features.
        norm: of one group.
    """
    width = features.shape[1]
    seen, maps = _fold_norm(inner, expand, norm)
    maps[:, :width] *= scale[:, None]
    added = torch.empty_like(features)
    n_rows = features.shape[2]
    for item, (source, target) in enumerate(zip(features, added, strict=True)):
        rows = slice(item * n_rows, (item + 1) * n_rows)
        _add_rows(source.transpose(0, 1), seen[rows], maps[rows], target.transpose(0, 1))
    return added


def _fold_norm(
    inner: Float[Tensor, "rows inner frame"], expand: nn.Conv1d, norm: nn.GroupNorm
) -> tuple[Tensor, Tensor]:
    """Each row without its mean, with a row of ones below, and its affine map to the normalised features.

    Shape:
        `[rows, inner + 1, frame]` and `[rows, feature, inner + 1]`
    """
    assert expand.bias is not None
    with torch.autocast(inner.device.type, enabled=False):
        rows = in_single(inner)
        weight = expand.weight.squeeze(-1)
        mean = rows.mean(-1, keepdim=True)
        centred = rows - mean
        wide = centred.double()  # a product sums without care, and rows may have 100,000 frames
        covariance = (torch.bmm(wide, wide.transpose(1, 2)) / rows.shape[-1]).to(rows.dtype)
        means = F.linear(mean.squeeze(-1), weight, expand.bias)
        within = (weight @ covariance).flatten(1) @ weight.flatten() / len(weight)
        variance = within + means.var(1, correction=0)
        gain = norm.weight * (variance + norm.eps).rsqrt()[:, None]
        shift = gain * (means - means.mean(1, keepdim=True)) + norm.bias
        maps = torch.cat([gain.unsqueeze(-1) * weight, shift.unsqueeze(-1)], dim=-1)
        return torch.cat([centred, torch.ones_like(rows[:, :1])], dim=1), maps


def _add_rows(
    source: Float[Tensor, "rows feature frame"],
    seen: Float[Tensor, "rows inner frame"],
    maps: Float[Tensor, "rows double inner"],
    target: Float[Tensor, "rows feature frame"],
) -> None:
    """Rows of an item in pieces of several rows, or of a part of one."""
    width, n_frames = source.shape[1:]
    n_rows = max(1, _PIECE // (2 * width * n_frames))
    n_columns = n_frames if n_rows > 1 else max(256, _PIECE // (2 * width))
    for row in range(0, len(source), n_rows):
        rows = slice(row, row + n_rows)
        for start in range(0, n_frames, n_columns):
            piece = (rows, slice(None), slice(start, start + n_columns))
            value, gate = torch.bmm(maps[rows], seen[piece]).chunk(2, dim=1)
            torch.addcmul(source[piece], value.to(source.dtype), gate.sigmoid_().to(source.dtype), out=target[piece])


def squeeze_frames(
    features: Float[Tensor, "batch feature freq frame"], layer: nn.Conv1d
) -> Float[Tensor, "batch inner freq frame"]:
    """A convolution of three taps along frames, dilated by as many frames as it is padded; each frequency by itself."""
    (gap,) = layer.dilation
    if features.shape[-1] <= gap or not _is_single(features):
        return F.conv2d(features, layer.weight.unsqueeze(2), layer.bias, padding=(0, gap), dilation=(1, gap))
    taps = layer.weight.permute(2, 0, 1).flatten(0, 1)
    parts: Tensor = taps @ features.flatten(2)
    before, at, after = parts.view(len(features), 3, -1, *features.shape[2:]).unbind(1)
    if layer.bias is not None:
        at += layer.bias[:, None, None]
    at[..., gap:] += before[..., :-gap]
    at[..., :-gap] += after[..., gap:]
    return at


def convolve_gated(
    features: Float[Tensor, "batch feature *axes"], layer: nn.Conv1d | nn.Conv2d
) -> Float[Tensor, "batch half *axes"]:
    """`glu(layer(features))` of a convolution that sees no neighbours."""
    if not _is_single(features):
        return F.glu(layer(features), dim=1)
    assert layer.bias is not None
    weight, bias, places = layer.weight.flatten(1), layer.bias[:, None], features.flatten(2)
    half = len(weight) // 2
    gated = features.new_empty(len(features), half, places.shape[2])
    n_columns = max(256, _PIECE // len(weight))
    for start in range(0, places.shape[2], n_columns):
        piece = (..., slice(start, start + n_columns))
        value, gate = (weight @ places[piece]).add_(bias).chunk(2, dim=1)
        torch.mul(value, gate.sigmoid_(), out=gated[piece])
    return gated.view(len(features), half, *features.shape[2:])


def _is_single(features: Tensor) -> bool:
    return features.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")


def deconvolve_rows(
    features: Float[Tensor, "batch inner freq frame"], layer: nn.ConvTranspose2d
) -> Float[Tensor, "batch feature freq_2 frame"]:
    """A transposed convolution along frequencies, of a kernel that is a multiple of its stride."""
    stride = layer.stride[0]
    n_in, n_out, kernel, _ = layer.weight.shape
    n_taps = kernel // stride
    # Place r between two inputs hears tap r + j * stride of the input j before it.
    taps = layer.weight.reshape(n_in, n_out, n_taps, stride).flip(2).permute(1, 3, 0, 2)
    bias = None if layer.bias is None else layer.bias.repeat_interleave(stride)
    places = F.conv2d(features, taps.reshape(n_out * stride, n_in, n_taps, 1), bias, padding=(n_taps - 1, 0))
    rows: Tensor = places.unflatten(1, (n_out, stride)).transpose(2, 3).flatten(2, 3)
    return rows
