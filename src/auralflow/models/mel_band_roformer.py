"""MelBandRoformer: a RoFormer whose bands overlap and are spaced as we hear.

Origin: Wang, Lu and Won (2023, "Mel-band RoFormer for music source separation", arXiv 2310.01809). It differs from
`BSRoformer` in its bands, in that each transformer normalises what it gives, and by one more layer in the masks.
Parameters have the names of the state dicts that the separation community exchanges, those of the trainer "MSST", so
that they load as they are.

A band has the bins where a triangle of the mel scale (Slaney's) is above zero. So nearly every bin is in two bands, and
its mask is the mean of what they say.

Shape:
    `[batch, channel, time]` to `[batch, stem, channel, time]`; in between features of `[batch, frame, band, feature]`
    and masks of `[batch, stem, channel, freq, frame]`.

The default has 228,202,788 parameters for one stem, of which 201,465,304 are its masks.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from auralflow.dsp.bands import mel_filterbank
from auralflow.dsp.stft import STFTConfig
from auralflow.errors import ConfigError
from auralflow.models.blocks.roformer import Roformer, RoformerConfig, RoformerNetwork
from auralflow.spec import ModelSpec

# Overlap as in BSRoformer.
SPEC = ModelSpec(("vocals",), 44100, 2, segment_samples=8 * 44100, overlap=0.5)


@dataclass(frozen=True)
class MelBandRoformerConfig(RoformerConfig):
    """Options of `MelBandRoformer`; their names in public configs are in brackets.

    Of the other public options, `stereo`, `num_stems`, `sample_rate` and `dim_freqs_in` follow from the spec and the
    STFT. To `stft_normalized` the network is blind, as it normalises each band. `match_input_audio_length` is always
    true. `flash_attn`, `sage_attention`, `use_torch_checkpoint` and `multi_stft_*` change nothing of what a model
    gives. There is no linear attention (`linear_transformer_depth` above 0), and there are no residual streams or value
    residuals.

    Raises:
        ConfigError: a field has a value it cannot have.
    """

    n_bands: int = 60
    """Bands, evenly spaced in mel (num_bands)."""
    n_mask_layers: int = 3
    """Linear layers of a mask (one more than mask_estimator_depth)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("n_bands", "n_mask_layers"):
            if getattr(self, name) < 1:
                raise ConfigError(f"config.{name}: expected 1 or more, got {getattr(self, name)!r}")


TINY = MelBandRoformerConfig(
    stft=STFTConfig(n_fft=512, hop_samples=128, edges="reflect"),
    width=12,
    depth=2,
    n_heads=2,
    head_width=6,
    mask_expansion=1,
    n_bands=6,
)


class MelBandRoformer(Roformer):
    """Mel-band RoFormer; see the head of this file.

    Raises:
        ConfigError: so many bands that one has no bins.
        ShapeError: another number of channels than `spec.channels` (when called).
    """

    def __init__(self, spec: ModelSpec, config: MelBandRoformerConfig) -> None:
        bands = list_mel_bands(config.n_bands, config.stft.n_fft, spec.sample_rate)
        network = RoformerNetwork(spec, config, bands, n_mask_layers=config.n_mask_layers, is_each_normalised=True)
        super().__init__(spec, config, network)


def list_mel_bands(n_bands: int, n_fft: int, sample_rate: int) -> list[list[int]]:
    """Bins under each triangle of the mel scale; the first band has bin zero too, and the last the Nyquist bin.

    Raises:
        ConfigError: a band would have no bins.

    Example:
        >>> list_mel_bands(3, 16, 16000)
        [[0, 1], [1, 2, 3], [2, 3, 4, 5, 6, 7, 8]]
    """
    with torch.device("cpu"):  # values are wanted, even where the model itself has none yet
        is_under = mel_filterbank(n_bands, n_fft, sample_rate, norm="peak") > 0
    is_under[0, 0] = is_under[-1, -1] = True
    if not (is_under.any(1).all() and is_under.any(0).all()):
        raise ConfigError(
            f"config.n_bands: expected so few that each band has bins of the {n_fft // 2 + 1} there are, got {n_bands}"
        )
    return [row.nonzero().flatten().tolist() for row in is_under]
