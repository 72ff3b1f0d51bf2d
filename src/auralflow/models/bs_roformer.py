"""BSRoformer: the spectrogram in bands, and transformers that look along time and along the bands in turn.

Origin: Lu, Wang, Kong and Hung (2023, "Music source separation with band-split RoPE transformer", arXiv 2309.02612).
Parameters have the names of the state dicts that the separation community exchanges, those of the trainer "MSST", so
that they load as they are.

    X --62 bands side by side--> [norm, linear] per band --> 6 x (transformer along time, along frequency) --> norm
      --> [linear, tanh, linear, GLU] per band and stem --> complex masks of X

Shape:
    `[batch, channel, time]` to `[batch, stem, channel, time]`; in between features of `[batch, frame, band, feature]`
    and masks of `[batch, stem, channel, freq, frame]`.

The default has 222,335,748 parameters, of which 49,267,720 are the masks of each stem. The paper
has a model for each stem, of `depth` 12 or 6; with one stem in the spec this is the latter.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from auralflow.dsp.stft import STFTConfig
from auralflow.errors import ConfigError
from auralflow.models.blocks.roformer import Roformer, RoformerConfig, RoformerNetwork
from auralflow.spec import ModelSpec

# A transformer hears its whole segment, but the middle of it in the best company. Neighbours share half of it, and what
# they say fades from the one to the other.
SPEC = ModelSpec(("vocals", "drums", "bass", "other"), 44100, 2, segment_samples=8 * 44100, overlap=0.5)

_PAPER_WIDTHS = (2,) * 24 + (4,) * 12 + (12,) * 8 + (24,) * 8 + (48,) * 8 + (128, 129)


@dataclass(frozen=True)
class BSRoformerConfig(RoformerConfig):
    """Options of `BSRoformer`; their names in public configs are in brackets.

    Of the other public options, `stereo`, `num_stems` and `dim_freqs_in` follow from the spec and the STFT. To
    `stft_normalized` the network is blind, as it normalises each band. `flash_attn`, `sage_attention`,
    `use_torch_checkpoint` and `multi_stft_*` change nothing of what a model gives. There is no linear attention
    (`linear_transformer_depth` above 0), and there are no residual streams or value residuals.

    Raises:
        ConfigError: a field has a value it cannot have, or the bands do not make up the spectrogram.
    """

    band_widths: tuple[int, ...] = _PAPER_WIDTHS
    """Bins of each band, from low to high (freqs_per_bands)."""
    n_mask_layers: int = 2
    """Linear layers of a mask (mask_estimator_depth)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "band_widths", tuple(self.band_widths))
        if self.n_mask_layers < 1:
            raise ConfigError(f"config.n_mask_layers: expected 1 or more, got {self.n_mask_layers!r}")
        if min(self.band_widths, default=0) < 1 or sum(self.band_widths) != self.stft.n_freqs:
            raise ConfigError(
                f"config.band_widths: expected positive whole numbers that sum to the {self.stft.n_freqs} bins of the "
                f"STFT, got {len(self.band_widths)} that sum to {sum(self.band_widths)}"
            )

    @property
    def bands(self) -> list[range]:
        """Bins of each band."""
        stops = accumulate(self.band_widths)
        return [range(stop - width, stop) for stop, width in zip(stops, self.band_widths, strict=True)]


TINY = BSRoformerConfig(
    stft=STFTConfig(n_fft=512, hop_samples=128, edges="reflect"),
    width=12,
    depth=2,
    n_heads=2,
    head_width=6,
    mask_expansion=1,
    band_widths=(8, 16, 32, 72, 129),
)


class BSRoformer(Roformer):
    """Band-split RoFormer; see the head of this file.

    Raises:
        ShapeError: another number of channels than `spec.channels` (when called).
    """

    def __init__(self, spec: ModelSpec, config: BSRoformerConfig) -> None:
        network = RoformerNetwork(
            spec, config, config.bands, n_mask_layers=config.n_mask_layers, is_each_normalised=False
        )
        super().__init__(spec, config, network)
