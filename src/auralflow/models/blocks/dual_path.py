"""Recurrence along frequency and along time, in turn, so that cost grows with each axis and not with their product.

Origin: Luo, Chen and Yoshioka (2020, "Dual-path RNN: efficient long sequence modeling for time-domain single-channel
speech separation", arXiv 1910.06379). Tong et al. (2024, "SCNet: sparse compression network for music source
separation", arXiv 2401.13276) put a Fourier transform over the frames between two such layers, so that every other one
looks along the rate at which features change instead of along time.

Attributes have the names of public state dicts.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class DualPath(nn.Module):
    """An LSTM over the bins of each frame, then one over the frames of each bin, both ways and added to their input.

    Args:
        width: features that come in and go out.
        n_hidden: units of an LSTM in each direction.

    Shape:
        `[batch, feature, freq, frame]` to the same.

    Example:
        >>> DualPath(8, n_hidden=4)(torch.randn(2, 8, 5, 7)).shape
        torch.Size([2, 8, 5, 7])
    """

    def __init__(self, width: int, n_hidden: int) -> None:
        super().__init__()
        self.lstm_layers = nn.ModuleList(
            nn.LSTM(width, n_hidden, batch_first=True, bidirectional=True) for _ in range(2)
        )
        self.linear_layers = nn.ModuleList(nn.Linear(2 * n_hidden, width) for _ in range(2))
        self.norm_layers = nn.ModuleList(nn.GroupNorm(1, width) for _ in range(2))

    def forward(self, features: Float[Tensor, "batch feature freq frame"]) -> Float[Tensor, "batch feature freq frame"]:
        rows = self.norm_layers[0](features).permute(0, 3, 2, 1)
        features = features + self._look(0, rows).permute(0, 3, 2, 1)
        rows = self.norm_layers[1](features).permute(0, 2, 3, 1)
        return features + self._look(1, rows).permute(0, 3, 1, 2)

    def _look(
        self, path: int, rows: Float[Tensor, "batch row step feature"]
    ) -> Float[Tensor, "batch row step feature"]:
        """Along each row by itself."""
        seen, _ = self.lstm_layers[path](rows.flatten(0, 1))
        changed: Tensor = self.linear_layers[path](seen)
        return changed.reshape(rows.shape)


class DualPathNet(nn.Module):
    """Layers of `DualPath`, the first, third, ... on frames and those between on the frames' Fourier transform.

    Args:
        width: features that come in and go out; twice as many inside the transform, real and imaginary parts.
        n_layers: an even number, so that frames come out.
        expansion: units of an LSTM in each direction, in units of the features that it sees.

    Shape:
        `[batch, feature, freq, frame]` to the same.
    """

    def __init__(self, width: int, n_layers: int, expansion: int = 1) -> None:
        super().__init__()
        widths = [width * (1 + layer % 2) for layer in range(n_layers)]
        self.dp_modules = nn.ModuleList(DualPath(inner, expansion * inner) for inner in widths)

    def forward(self, features: Float[Tensor, "batch feature freq frame"]) -> Float[Tensor, "batch feature freq frame"]:
        n_frames = features.shape[-1]
        for number, layer in enumerate(self.dp_modules):
            features = layer(features)
            features = to_frames(features, n_frames) if number % 2 else to_rates(features)
        return features


def to_rates(features: Float[Tensor, "batch feature freq frame"]) -> Float[Tensor, "batch twice freq rate"]:
    """Fourier transform over the frames, scaled to keep energy: real parts of all features, then imaginary parts.

    Shape:
        `[batch, feature, freq, frame]` to `[batch, 2 feature, freq, frame // 2 + 1]`.
    """
    spectrum = torch.fft.rfft(_widen(features), norm="ortho")
    return torch.cat([spectrum.real, spectrum.imag], dim=1)


def to_frames(
    rates: Float[Tensor, "batch twice freq rate"], n_frames: int
) -> Float[Tensor, "batch feature freq frame"]:
    """The way back from `to_rates`.

    Example:
        >>> features = torch.randn(2, 3, 5, 8)
        >>> torch.allclose(to_frames(to_rates(features), 8), features, atol=1e-6)
        True
    """
    real, imag = _widen(rates).chunk(2, dim=1)
    features: Tensor = torch.fft.irfft(torch.complex(real, imag), n=n_frames, norm="ortho")
    return features


def _widen(features: Tensor) -> Tensor:
    """Fourier transforms of half precision are not to be had everywhere."""
    return features.to(torch.promote_types(features.dtype, torch.float32))
