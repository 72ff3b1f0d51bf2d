"""A causal mask network on bands that widen by octaves: what each band does is decided by all, frame after frame.

    spectrogram --power over running level, log, octave bands--> features of groups of bands, with some frames before
        --linear layer of each group--> local --all groups--> narrow --recurrent layers--> wide
        --for each group, of its local and its part of the wide features--> masks of its bands --> masks of all bins

The bands are those of `octave_bands`. A mask has as many, every bin has the mask of its band, and all channels have one
mask.

**Level.** Power is measured against its running mean over the last three seconds (weights e-fold in one; digital
silence does not count), so that masks do not change when the whole mixture is louder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn
from torch.nn import functional as F

from auralflow.models.blocks.octave_bands import GROUP_BANDS, GroupLinear, OctaveBands

_MEMORY_S, _LEVEL_S = 3.0, 1.0


@dataclass(frozen=True)
class OctaveState:
    """What `OctaveMasks` remembers between frames."""

    levels: Float[Tensor, "batch two past"]
    """Mean power of the frames of the last seconds, and whether they count."""
    features: Float[Tensor, "batch before group feature"]
    """Those of the frames just before."""
    hidden: tuple[tuple[Tensor, Tensor], ...]
    """Of each recurrent layer what it gives and its cell, (1, batch, feature)."""


class OctaveMasks(nn.Module):
    """Masks from a spectrogram, causal; see the head of this file.

    Args:
        n_freqs: bins of the spectrogram, `n_fine` times a power of two, and one.
        frame_s: seconds from one frame to the next.
        n_fine: bands of one bin, a multiple of 16.
        n_local: features of a group of eight bands.
        n_hidden: units of a recurrent layer.
        n_before: frames before the present that the groups see.

    Shape:
        spectrogram `[batch, channel, freq, frame]` to masks `[batch, stem, channel, freq, frame]`, which sum to one
        over the stems; of a single stem they lie between 0 and 1.
    """

    level_weights: Tensor

    def __init__(
        self,
        n_channels: int,
        n_stems: int,
        *,
        n_freqs: int,
        frame_s: float,
        n_fine: int,
        n_local: int,
        n_hidden: int,
        n_layers: int,
        n_before: int,
    ) -> None:
        super().__init__()
        self.n_channels, self.n_stems, self.n_before = n_channels, n_stems, n_before
        self.bands = bands = OctaveBands(n_channels, n_freqs=n_freqs, n_fine=n_fine)
        self.local = GroupLinear(bands.n_groups, bands.n_seen * (n_before + 1), n_local)
        self.narrow = nn.Linear(bands.n_groups * n_local, n_hidden)
        self.norms = nn.ModuleList(nn.LayerNorm(n_hidden) for _ in range(n_layers))
        self.layers = nn.ModuleList(nn.LSTM(n_hidden, n_hidden, batch_first=True) for _ in range(n_layers))
        self.wide = nn.Linear(n_hidden, bands.n_groups * n_local)
        self.mix = GroupLinear(bands.n_groups, 2 * n_local, 2 * n_local)
        self.head = GroupLinear(bands.n_groups, 2 * n_local, n_stems * GROUP_BANDS)
        self.n_past = max(1, round(_MEMORY_S / frame_s))
        weights = torch.exp(torch.arange(-self.n_past, 1) * (frame_s / _LEVEL_S))
        self.register_buffer("level_weights", weights, persistent=False)

    def initial_state(self, batch: int) -> OctaveState:
        """Nothing heard so far."""
        like = self.narrow.weight
        silent = like.new_zeros(1, batch, like.shape[0])
        return OctaveState(
            like.new_zeros(batch, 2, self.n_past),
            like.new_zeros(batch, self.n_before, self.bands.n_groups, self.bands.n_seen),
            tuple((silent, silent) for _ in self.layers),
        )

    def forward(
        self, spectrogram: Complex[Tensor, "batch channel freq frame"], state: OctaveState
    ) -> tuple[Float[Tensor, "batch stem channel freq frame"], OctaveState]:
        """Masks of the next frames, at least one, and the next state."""
        bands, state = self.compute_bands(*self.hear(spectrogram), state)
        spread = self.bands.spread(bands).transpose(-1, -2).unsqueeze(2)
        return spread.expand(-1, -1, self.n_channels, -1, -1), state

    def hear(
        self, spectrogram: Complex[Tensor, "batch channel freq frame"]
    ) -> tuple[Float[Tensor, "batch frame view band"], Float[Tensor, "batch frame"]]:
        """What the network takes of a spectrogram: mean power in each band, and over all bins and channels."""
        powers = self.bands.view(spectrogram)
        return self.bands.pool(powers), powers[..., : self.n_channels, :].mean((-1, -2))

    def compute_bands(
        self, powers: Float[Tensor, "batch frame view band"], loudness: Float[Tensor, "batch frame"], state: OctaveState
    ) -> tuple[Float[Tensor, "batch stem frame band"], OctaveState]:
        """Masks by bands, from what `hear` gives."""
        level, levels = self._level(loudness, state.levels)
        features = self.bands.group(powers, level).to(self.narrow.weight.dtype)
        seen = torch.cat([state.features, features], 1)
        local = F.silu(self.local(seen.unfold(1, self.n_before + 1, 1).flatten(-2)))
        heard, hidden = self._recur(self.narrow(local.flatten(-2)), state.hidden)
        wide = F.silu(self.wide(heard)).unflatten(-1, (self.bands.n_groups, -1))
        logits = self.head(F.silu(self.mix(torch.cat([local, wide], -1))))
        before = seen[:, seen.shape[1] - self.n_before :].detach()
        return self._activate(logits.to(powers.dtype)), OctaveState(levels, before, hidden)

    def _level(
        self, powers: Float[Tensor, "batch frame"], before: Float[Tensor, "batch two past"]
    ) -> tuple[Float[Tensor, "batch frame"], Float[Tensor, "batch two past"]]:
        """Running mean of the power, and what the next frames need for theirs."""
        counts = (powers > 0).to(powers.dtype)
        heard = torch.cat([before.to(powers.dtype), torch.stack([powers, counts], 1)], -1)
        # A product, for setting up a convolution takes longer than it saves where there is one frame.
        sums = heard.unfold(-1, self.n_past + 1, 1) @ self.level_weights.to(powers.dtype)
        power, count = sums.unbind(1)
        return power / count.clamp_min(1e-3), heard[..., powers.shape[-1] :]

    def _recur(
        self, features: Float[Tensor, "batch frame feature"], hidden: tuple[tuple[Tensor, Tensor], ...]
    ) -> tuple[Float[Tensor, "batch frame feature"], tuple[tuple[Tensor, Tensor], ...]]:
        after = []
        for norm, layer, before in zip(self.norms, self.layers, hidden, strict=True):
            change, last = _run(cast(nn.LSTM, layer), norm(features), before)
            features = features + change
            after.append(last)
        return features, tuple(after)

    def _activate(self, logits: Float[Tensor, "batch frame group feature"]) -> Float[Tensor, "batch stem frame band"]:
        bands = logits.unflatten(-1, (self.n_stems, GROUP_BANDS)).permute(0, 3, 1, 2, 4).flatten(-2)
        masks: Tensor = bands.softmax(1) if self.n_stems > 1 else bands.sigmoid()
        return masks


def _run(
    layer: nn.LSTM, features: Float[Tensor, "batch frame feature"], before: tuple[Tensor, Tensor]
) -> tuple[Float[Tensor, "batch frame feature"], tuple[Tensor, Tensor]]:
    if features.shape[1] > 1 or torch.is_grad_enabled():
        return cast(tuple[Tensor, tuple[Tensor, Tensor]], layer(features, before))
    # A single frame of a stream: the layer would order its weights anew, which takes longer than the arithmetic.
    weights = cast(list[Tensor], layer.all_weights[0])
    given, cell = torch.lstm_cell(features[:, 0], (before[0][0], before[1][0]), *weights)
    return given.unsqueeze(1), (given.unsqueeze(0), cell.unsqueeze(0))
