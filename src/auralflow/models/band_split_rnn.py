"""BandSplitRNN: the spectrogram in bands, and recurrent layers along time and along bands in turn, small by default.

Origin: Luo and Yu (2023, "Music source separation with band-split RNN", IEEE/ACM TASLP 31, arXiv 2209.15174). Theirs
has a network for each stem, with bands made for it; here one gives all stems, and its default trains on a processor.

    X --level one, amplitudes compressed--> 30 bands --linear each--> 4 x (LSTM along time, LSTM along the bands)
      --> norm --> [linear, tanh, linear, GLU] per band --> complex masks of X, for all stems and channels

Bands are equally wide on the mel scale, whatever the STFT. The paper normalises each band of each frame; here an item
is normalised as a whole, and a band hears its amplitudes beside its real and imaginary parts (see
`blocks.band_recurrence`). So masks do not depend on the mixture's level, stems follow it, and silence gives exact
zeros. Stems need not sum to the mixture.

Shape:
    `[batch, channel, time]` to `[batch, stem, channel, time]`; in between features of `[batch, frame, band, feature]`
    and masks of `[batch, stem, channel, freq, frame]`.

The default has 5,607,200 parameters, of which 4,480,928 make the masks; with real masks that all channels share it has
1,904,900.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

from auralflow.dsp.stft import STFTConfig
from auralflow.errors import ConfigError
from auralflow.models.blocks.band_recurrence import BandRecurrence, Cell, CompressedBands, JointBandMasks, cut_bands
from auralflow.models.blocks.spectrogram import SpectrogramMaskModel
from auralflow.spec import ModelSpec

# The recurrent layers hear all of a segment, but its middle in the best company. Neighbours fade into each other.
SPEC = ModelSpec(("vocals", "drums", "bass", "other"), 44100, 2, segment_samples=8 * 44100, overlap=0.25)


@dataclass(frozen=True)
class BandSplitRNNConfig:
    """Options of `BandSplitRNN`.

    Raises:
        ConfigError: a field has a value it cannot have, or the bands do not make up the spectrogram.
    """

    stft: STFTConfig = field(default_factory=lambda: STFTConfig(2048, 512, edges="reflect"))
    """Spectrogram that is masked."""
    n_bands: int = 30
    """Bands, equally wide on the mel scale, but of one bin at least; `band_widths` go before."""
    band_widths: tuple[int, ...] = ()
    """Bins of each band, from low to high; none for those of `n_bands`."""
    has_phase: bool = True
    """Bands hear real and imaginary parts beside amplitudes; without them a network learns sooner."""
    width: int = 64
    """Features of a band in a frame."""
    n_layers: int = 4
    """Pairs of a recurrent layer along time and one along the bands."""
    cell: Cell = "lstm"
    """Kind of recurrent layer: lstm, or gru, which has three quarters of the weights."""
    n_hidden: int = 64
    """Units of a recurrent layer in each direction."""
    mask_expansion: int = 2
    """Features between the layers of a mask, in units of `width`."""
    mask: Literal["real", "complex"] = "complex"
    """Masks turn the phase (complex), or are between 0 and 1 (real), which is cheaper."""
    share_channels: bool = False
    """One mask for all channels of a stem, which is cheaper and keeps the mixture's image; else one for each."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "band_widths", tuple(self.band_widths))
        for name in ("width", "n_layers", "n_hidden", "mask_expansion"):
            if getattr(self, name) < 1:
                raise ConfigError(f"config.{name}: expected 1 or more, got {getattr(self, name)!r}")
        n_freqs = self.stft.n_freqs
        if not 1 <= self.n_bands <= n_freqs:
            raise ConfigError(f"config.n_bands: expected 1 to the {n_freqs} bins of the STFT, got {self.n_bands!r}")
        if self.band_widths and (min(self.band_widths) < 1 or sum(self.band_widths) != n_freqs):
            raise ConfigError(
                f"config.band_widths: expected none, or positive whole numbers that sum to the {n_freqs} bins of the "
                f"STFT, got {len(self.band_widths)} that sum to {sum(self.band_widths)}"
            )

    def find_bands(self, sample_rate: int) -> tuple[int, ...]:
        """Bins of each band, from low to high."""
        return self.band_widths or cut_bands(self.stft.n_freqs, self.n_bands, sample_rate / 2)


TINY = BandSplitRNNConfig(
    STFTConfig(512, 128, edges="reflect"), n_bands=6, width=8, n_layers=2, n_hidden=6, mask_expansion=1
)


class BandSplitRNNNetwork(nn.Module):
    """From a spectrogram to masks.

    Shape:
        `[batch, channel, freq, frame]` to `[batch, stem, channel, freq, frame]`, complex or real as the config says.
    """

    def __init__(self, spec: ModelSpec, config: BandSplitRNNConfig) -> None:
        super().__init__()
        self.n_stems, self.n_channels = len(spec.stems), spec.channels
        self.is_complex = config.mask == "complex"
        widths = config.find_bands(spec.sample_rate)
        self.bands = CompressedBands(widths, spec.channels, config.width, has_phase=config.has_phase)
        self.layers = nn.Sequential(
            *(BandRecurrence(config.width, config.n_hidden, config.cell) for _ in range(config.n_layers))
        )
        self.masks = JointBandMasks(
            widths,
            self.n_stems * (1 if config.share_channels else spec.channels),
            config.width,
            config.mask_expansion * config.width,
            is_complex=self.is_complex,
            gain=1 / self.n_stems,
        )

    def forward(
        self, spectrogram: Complex[Tensor, "batch channel freq frame"]
    ) -> Complex[Tensor, "batch stem channel freq frame"] | Float[Tensor, "batch stem channel freq frame"]:
        pairs = torch.view_as_real(spectrogram)
        masks = self.masks(self.layers(self.bands(pairs.permute(0, 3, 2, 1, 4)))).to(pairs.dtype)
        # In memory the bins of one frame lie side by side, as in the spectrogram.
        masks = masks.unflatten(2, (self.n_stems, -1)).permute(0, 2, 3, 4, 1, 5)
        whole = torch.view_as_complex(masks) if self.is_complex else masks.squeeze(-1)
        return whole.expand(-1, -1, self.n_channels, -1, -1)


class BandSplitRNN(SpectrogramMaskModel):
    """Band-split RNN for all stems at once; see the head of this file.

    Raises:
        ShapeError: another number of channels than `spec.channels` (when called).
    """

    def __init__(self, spec: ModelSpec, config: BandSplitRNNConfig) -> None:
        super().__init__(spec, config.stft, BandSplitRNNNetwork(spec, config), domain="complex")
        self.config = config
