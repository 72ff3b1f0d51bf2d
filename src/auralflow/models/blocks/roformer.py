"""What the RoFormers share: bands, transformers along time and frequency, and a complex mask for each stem.

    mixture --stft--> X --> bands --> transformers (time, frequency, time, ...) --> bands' masks
                      |                                                                  |
                      +---------------------------- masks * X <--------------------------+
                                                        |
                                                      istft --> stems

Every band is normalised before anything else sees it. So masks do not depend on the mixture's level, stems follow it,
and silence gives exact zeros.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

from auralflow.dsp.stft import STFTConfig, istft, stft
from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.models.blocks.attention import TransformerSizes
from auralflow.models.blocks.axial import AxialTransformer
from auralflow.models.blocks.band_split import BandFeatures, BandLayout, BandMasks
from auralflow.models.blocks.rms_norm import RMSNorm
from auralflow.models.blocks.waveform import check_mixture
from auralflow.spec import ModelSpec


def _make_stft() -> STFTConfig:
    return STFTConfig(n_fft=2048, hop_samples=441, edges="reflect")


@dataclass(frozen=True)
class RoformerConfig:
    """Options of all RoFormers; their names in public configs are in brackets.

    Raises:
        ConfigError: a field has a value it cannot have.
    """

    stft: STFTConfig = field(default_factory=_make_stft)
    """Spectrogram that is masked (stft_n_fft, which stft_win_length must equal, and stft_hop_length)."""
    width: int = 384
    """Features of a band in a frame (dim)."""
    depth: int = 6
    """Pairs of a transformer along time and one along frequency (depth)."""
    time_depth: int = 1
    """Layers of a transformer along time (time_transformer_depth)."""
    freq_depth: int = 1
    """Layers of a transformer along frequency (freq_transformer_depth)."""
    n_heads: int = 8
    """Heads of attention (heads)."""
    head_width: int = 64
    """Features of a head, even (dim_head)."""
    attention_dropout: float = 0.0
    """Part of attention that is left out in training (attn_dropout)."""
    dropout: float = 0.0
    """Part of the feed-forward layers' features that is left out in training (ff_dropout)."""
    mask_expansion: int = 4
    """Features between the layers of a mask, in units of `width` (mlp_expansion_factor)."""
    has_skips: bool = False
    """Each pair of transformers also hears the sum of what all before it gave (skip_connection)."""

    def __post_init__(self) -> None:
        for name in ("width", "depth", "time_depth", "freq_depth", "n_heads", "head_width", "mask_expansion"):
            if getattr(self, name) < 1:
                raise ConfigError(f"config.{name}: expected 1 or more, got {getattr(self, name)!r}")
        if self.head_width % 2:
            raise ConfigError(f"config.head_width: expected an even number, got {self.head_width!r}")
        for name in ("attention_dropout", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"config.{name}: expected 0 to below 1, got {getattr(self, name)!r}")


class RoformerNetwork(nn.Module):
    """From a spectrogram to masks, in real numbers only.

    Args:
        bands: bins of each band.
        n_mask_layers: linear layers of a mask.
        is_each_normalised: normalise what leaves each transformer; else only what leaves the last.

    Shape:
        `[batch, channel, freq, frame, 2]` to `[batch, stem, channel, freq, frame, 2]`, last the real and the imaginary
        part.
    """

    def __init__(
        self,
        spec: ModelSpec,
        config: RoformerConfig,
        bands: Sequence[Sequence[int]],
        *,
        n_mask_layers: int,
        is_each_normalised: bool,
    ) -> None:
        super().__init__()
        n_stems, width = len(spec.stems), config.width
        self.chosen = tuple(range(n_stems))
        self.bands = BandLayout(bands)
        numbers = [2 * spec.channels * n_bins for n_bins in self.bands.widths]
        sizes = TransformerSizes(
            width, config.n_heads, config.head_width, config.attention_dropout, config.dropout, is_each_normalised
        )
        self.band_split = BandFeatures(numbers, width)
        self.layers = AxialTransformer(sizes, config.depth, config.time_depth, config.freq_depth, config.has_skips)
        self.final_norm = nn.Identity() if is_each_normalised else RMSNorm(width)
        n_hidden = config.mask_expansion * width
        self.mask_estimators = nn.ModuleList(
            BandMasks(numbers, width, n_hidden, n_mask_layers, gain=1 / n_stems) for _ in range(n_stems)
        )

    def forward(
        self, spectrogram: Float[Tensor, "batch channel freq frame 2"]
    ) -> Float[Tensor, "batch stem channel freq frame 2"]:
        numbers = spectrogram.permute(0, 3, 2, 1, 4).flatten(3)
        features = self.band_split(self.bands.spread(numbers, dim=2).flatten(2))
        features = self.final_norm(self.layers(features))
        bands = torch.stack([self.mask_estimators[stem](features) for stem in self.chosen], dim=1)
        masks = self.bands.merge(bands.reshape(*bands.shape[:3], -1, numbers.shape[-1]), dim=3)
        return masks.reshape(*masks.shape[:4], -1, 2).permute(0, 1, 4, 3, 2, 5)


class Roformer(nn.Module):
    """A RoFormer as a model: STFT, `network`, masks, inverse STFT.

    Raises:
        ShapeError: another number of channels than `spec.channels` (when called).
    """

    network: RoformerNetwork

    def __init__(self, spec: ModelSpec, config: RoformerConfig, network: RoformerNetwork) -> None:
        super().__init__()
        self.spec, self.config = spec, config
        # Public state dicts have the parts of the network at the root: there they are registered, and not once more
        # inside the network.
        for name, part in network.named_children():
            self.add_module(name, part)
        self.__dict__["network"] = network

    def forward(self, mixture: Float[Tensor, "batch channel time"]) -> Float[Tensor, "batch stem channel time"]:
        return self._separate(mixture)[0]

    def estimate(self, mixture: Float[Tensor, "batch channel time"]) -> Estimate:
        """Stems, complex masks, and the transform that targets go through."""
        stems, masks = self._separate(mixture)
        return Estimate(stems, mixture, masks, self.transform)

    def transform(self, waveform: Float[Tensor, "*axes time"]) -> Complex[Tensor, "*axes freq frame"]:
        """The model's own spectrogram; half-precision waveforms are transformed in single precision."""
        return stft(waveform, self.config.stft)

    def compute_masks(
        self, spectrogram: Complex[Tensor, "batch channel freq frame"]
    ) -> Complex[Tensor, "batch stem channel freq frame"]:
        """The network's masks, in the precision of the spectrogram."""
        pairs = torch.view_as_real(spectrogram)
        masks: Tensor = self.network(pairs.to(next(self.parameters()).dtype))
        return torch.view_as_complex(masks.to(pairs.dtype))

    def select(self, stems: Sequence[str]) -> Roformer:
        """The same model, parameters shared, giving only `stems`: the masks of others are not computed.

        Raises:
            UnknownNameError: a stem that the model does not have.
        """
        part = copy.copy(self)
        part.spec = self.spec.with_stems(stems)
        network = copy.copy(self.network)
        network.chosen = tuple(self.network.chosen[place] for place in self.spec.places_of(stems))
        part.__dict__["network"] = network
        return part

    def _separate(self, mixture: Float[Tensor, "batch channel time"]) -> tuple[Tensor, Tensor]:
        check_mixture(mixture, self.spec)
        spectrogram = self.transform(mixture)
        masks = self.compute_masks(spectrogram)
        stems = istft(masks * spectrogram.unsqueeze(1), self.config.stft, mixture.shape[-1])
        return stems.to(mixture.dtype), masks
