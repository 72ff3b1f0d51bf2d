"""Bottlenecks that look along time: a bidirectional LSTM, and one with a sampled latent before it."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


class LSTMBottleneck(nn.Module):
    """Bidirectional LSTM over frames, with all channels and bins of a frame as its features, added to its input.

    A 1 x 1 convolution first squeezes the feature maps, since the LSTM's matrices grow with maps x bins.

    Args:
        width: feature maps that come in and go out.
        n_freqs: bins that come in.
        squeezed_width: feature maps that the LSTM sees.
        n_hidden: units of the LSTM in each direction.

    Shape:
        `[batch, channel, freq, frame]` to the same (channel: feature maps).
    """

    def __init__(self, width: int, n_freqs: int, squeezed_width: int, n_hidden: int, n_layers: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(width, squeezed_width, 1)
        self.lstm = nn.LSTM(squeezed_width * n_freqs, n_hidden, n_layers, batch_first=True, bidirectional=True)
        self.unfold = nn.Linear(2 * n_hidden, squeezed_width * n_freqs)
        self.expand = nn.Conv2d(squeezed_width, width, 1)

    def forward(self, features: Float[Tensor, "batch channel freq frame"]) -> Float[Tensor, "batch channel freq frame"]:
        squeezed = self.squeeze(features)
        seen, _ = self.lstm(squeezed.flatten(1, 2).transpose(1, 2))
        unfolded = self.unfold(seen).transpose(1, 2).reshape(squeezed.shape)
        changed: Tensor = features + self.expand(unfolded)
        return changed


class VariationalLSTMBottleneck(nn.Module):
    """A Gaussian latent per frame, sampled in training and its mean in eval mode, then a bidirectional LSTM.

    Kingma and Welling (2014, "Auto-encoding variational Bayes"): `z = mean + exp(log_variance / 2) * noise`.
    All that passes the bottleneck passes the latent.

    Args:
        n_latent: numbers in the latent of a frame; the rest as in `LSTMBottleneck`.

    Shape:
        `[batch, channel, freq, frame]` to the same, and the pair (mean, log_variance), each `[batch, frame, feature]`.
    """

    def __init__(
        self, width: int, n_freqs: int, squeezed_width: int, n_latent: int, n_hidden: int, n_layers: int
    ) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(width, squeezed_width, 1)
        self.mean = nn.Linear(squeezed_width * n_freqs, n_latent)
        self.log_variance = nn.Linear(squeezed_width * n_freqs, n_latent)
        self.lstm = nn.LSTM(n_latent, n_hidden, n_layers, batch_first=True, bidirectional=True)
        self.unfold = nn.Linear(2 * n_hidden, squeezed_width * n_freqs)
        self.expand = nn.Conv2d(squeezed_width, width, 1)

    def forward(
        self, features: Float[Tensor, "batch channel freq frame"]
    ) -> tuple[Float[Tensor, "batch channel freq frame"], tuple[Tensor, Tensor]]:
        squeezed = self.squeeze(features)
        flat = squeezed.flatten(1, 2).transpose(1, 2)
        mean, log_variance = self.mean(flat), self.log_variance(flat)
        latent = mean
        if self.training:
            latent = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        seen, _ = self.lstm(latent)
        unfolded = self.unfold(seen).transpose(1, 2).reshape(squeezed.shape)
        return self.expand(unfolded), (mean, log_variance)
