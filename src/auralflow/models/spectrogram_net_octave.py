"""SpectrogramNetOctave: a small mask network that hears the whole segment, on bands that widen by octaves.

Origin: ours; the sibling of `spectrogram_net_causal` that knows what comes later. Most of the work of a mask network on
a processor is done for bins of high frequency, of which many sound alike. Here bands widen by octaves
(`blocks.octave_bands`), and wide recurrent layers run once a frame, not once a band; what follows them is narrow:

    X --power over the item's level, log--> octave bands --linear of each group of 8, with some frames around--> local
      local of all groups --> narrow --> residual LSTMs, both ways --> wide
      for each group [its local, its part of wide] --> LSTMs along frames and along groups in turn
      --> masks of its bands, for each channel, that sum to one --> bins

Masks do not depend on the mixture's level, stems follow it and sum to it, and silence gives exact zeros.

Shape:
    `[batch, channel, time]` to `[batch, stem, channel, time]`; in between features of `[batch, frame, group, feature]`
    and masks of `[batch, stem, channel, freq, frame]`.

The default has 5,954,432 parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn
from torch.nn import functional as F

from auralflow.dsp.stft import STFTConfig
from auralflow.errors import ConfigError
from auralflow.models.blocks.band_recurrence import BandRecurrence
from auralflow.models.blocks.octave_bands import GROUP_BANDS, GroupLinear, OctaveBands, check_bands
from auralflow.models.blocks.spectrogram import SpectrogramMaskModel
from auralflow.spec import ModelSpec

# The recurrent layers hear all of a segment, but its middle in the best company. Neighbours fade into each other.
SPEC = ModelSpec(("vocals", "drums", "bass", "other"), 44100, 2, segment_samples=8 * 44100, overlap=0.125)


@dataclass(frozen=True)
class SpectrogramNetOctaveConfig:
    """Options of `SpectrogramNetOctave`.

    Raises:
        ConfigError: a size below 1, or a frame that the bands do not divide.
    """

    stft: STFTConfig = field(default_factory=lambda: STFTConfig(4096, 1024, edges="reflect"))
    """Spectrogram that is masked."""
    n_fine: int = 256
    """Bands of one bin, a multiple of 16; the octaves above have half as many each, up to the Nyquist frequency."""
    n_local: int = 36
    """Features of eight neighbouring bands."""
    n_hidden: int = 384
    """Features between the recurrent layers, even: half of them from each direction."""
    n_layers: int = 3
    """Wide recurrent layers, one after another."""
    n_dual_paths: int = 0
    """Pairs of narrow recurrent layers after them, along the frames of each group and along the groups of each frame,
    with `n_local` units in each direction."""
    n_around: int = 1
    """Frames before and after that a group of bands sees beside its own."""
    dropout: float = 0.0
    """Share of the features that training leaves out before each recurrent layer."""

    def __post_init__(self) -> None:
        for name in ("n_local", "n_hidden", "n_layers"):
            if getattr(self, name) < 1:
                raise ConfigError(f"config.{name}: expected 1 or more, got {getattr(self, name)!r}")
        if self.n_hidden % 2:
            raise ConfigError(f"config.n_hidden: expected an even number, got {self.n_hidden!r}")
        for name in ("n_dual_paths", "n_around"):
            if getattr(self, name) < 0:
                raise ConfigError(f"config.{name}: expected 0 or more, got {getattr(self, name)!r}")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"config.dropout: expected 0 to below 1, got {self.dropout!r}")
        check_bands(self.n_fine, self.stft.n_fft)


_SILENT = (-8 + 3) / 3  # what `OctaveBands.group` gives for a band 80 dB below the level or less

TINY = SpectrogramNetOctaveConfig(STFTConfig(256, 64), n_fine=32, n_local=4, n_hidden=8, n_layers=2, n_dual_paths=1)


class OctaveNetwork(nn.Module):
    """From a spectrogram to masks; see the head of this file.

    Shape:
        `[batch, channel, freq, frame]` to `[batch, stem, channel, freq, frame]`: masks that sum to one over the stems;
        of a single stem they lie between 0 and 1.
    """

    def __init__(self, spec: ModelSpec, config: SpectrogramNetOctaveConfig) -> None:
        super().__init__()
        self.n_stems, self.n_channels, self.n_around = len(spec.stems), spec.channels, config.n_around
        self.bands = bands = OctaveBands(spec.channels, n_freqs=config.stft.n_freqs, n_fine=config.n_fine)
        n_local, n_hidden = config.n_local, config.n_hidden
        self.local = GroupLinear(bands.n_groups, bands.n_seen * (2 * config.n_around + 1), n_local)
        self.narrow = nn.Linear(bands.n_groups * n_local, n_hidden)
        self.norms = nn.ModuleList(nn.LayerNorm(n_hidden) for _ in range(config.n_layers))
        self.layers = nn.ModuleList(
            nn.LSTM(n_hidden, n_hidden // 2, batch_first=True, bidirectional=True) for _ in range(config.n_layers)
        )
        self.dropout = nn.Dropout(config.dropout)
        self.wide = nn.Linear(n_hidden, bands.n_groups * n_local)
        self.mix = GroupLinear(bands.n_groups, 2 * n_local, 2 * n_local)
        self.paths = nn.Sequential(
            *(BandRecurrence(2 * n_local, n_local, "lstm", starts_soft=True) for _ in range(config.n_dual_paths))
        )
        self.head = GroupLinear(bands.n_groups, 2 * n_local, self.n_stems * self.n_channels * GROUP_BANDS)

    def forward(
        self, spectrogram: Complex[Tensor, "batch channel freq frame"]
    ) -> Float[Tensor, "batch stem channel freq frame"]:
        powers = self.bands.view(spectrogram)
        level = powers[..., : self.n_channels, :].mean((1, 2, 3)).unsqueeze(-1).expand(-1, powers.shape[1])
        heard = self.bands.group(self.bands.pool(powers), level).to(self.narrow.weight.dtype)
        local = F.silu(self.local(self._look_around(heard)))
        wide = F.silu(self.wide(self._recur(self.narrow(local.flatten(-2))))).unflatten(-1, (self.bands.n_groups, -1))
        logits = self.head(self.paths(F.silu(self.mix(torch.cat([local, wide], -1))))).to(powers.dtype)
        return self.bands.spread(self._activate(logits)).transpose(-1, -2)

    def _look_around(
        self, features: Float[Tensor, "batch frame group feature"]
    ) -> Float[Tensor, "batch frame group around"]:
        """With those of the frames before and after; beyond the ends is silence."""
        if not self.n_around:
            return features
        padded = F.pad(features, (0, 0, 0, 0, self.n_around, self.n_around), value=_SILENT)
        return padded.unfold(1, 2 * self.n_around + 1, 1).flatten(-2)

    def _recur(self, features: Float[Tensor, "batch frame feature"]) -> Float[Tensor, "batch frame feature"]:
        for norm, layer in zip(self.norms, self.layers, strict=True):
            change, _ = cast(nn.LSTM, layer)(self.dropout(norm(features)))
            features = features + change
        return features

    def _activate(
        self, logits: Float[Tensor, "batch frame group feature"]
    ) -> Float[Tensor, "batch stem channel frame band"]:
        parts = logits.unflatten(-1, (self.n_stems, self.n_channels, GROUP_BANDS))
        bands = parts.permute(0, 3, 4, 1, 2, 5).flatten(-2)
        masks: Tensor = bands.softmax(1) if self.n_stems > 1 else bands.sigmoid()
        return masks


class SpectrogramNetOctave(SpectrogramMaskModel):
    """Mask estimator on octave bands; see the head of this file.

    Raises:
        ShapeError: another number of channels than `spec.channels` (when called).
    """

    def __init__(self, spec: ModelSpec, config: SpectrogramNetOctaveConfig) -> None:
        super().__init__(spec, config.stft, OctaveNetwork(spec, config), domain="complex")
        self.config = config
