"""SCNet: bands of the spectrogram, squeezed the more the higher they are, and LSTMs along frequency and time.

Origin: Tong, Zhu et al. (2024, "SCNet: sparse compression network for music source separation", arXiv 2401.13276).
Parameters have the names of the state dicts of the authors' repository, those of the trainer "MSST", so that they load
as they are.

    X --mean 0, deviation 1--> [squeeze bands, convolutions along time] -------- + --> [gate, spread bands] --> stems' X
                                   [squeeze bands, ...] ------------------------ + ------> [gate, spread bands]
                                            ...  --> 6 x (LSTM along frequency, LSTM along time) -->   ...

Low bins, where most of the music is, stay as they are. Between the pairs of LSTMs stands a Fourier transform over the
frames. Stems are drawn, not masked. As the mixture is normalised as a whole, they follow its level, and silence gives
exact zeros; not so with `normalise` off.

Shape:
    `[batch, channel, time]` to `[batch, stem, channel, time]`; in between features of `[batch, feature, freq, frame]`.

The default has 10,578,768 parameters. The large one has 42,181,232: `widths` (64, 128, 256) and, in its public weights,
`band_shares` (0.225, 0.372, 0.403). The paper counts 10.08 and 41.2 million; these are those of the authors' code.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor, nn

from auralflow.dsp.stft import STFTConfig
from auralflow.errors import ConfigError
from auralflow.models.blocks.dual_path import DualPathNet
from auralflow.models.blocks.scnet_bands import Bands
from auralflow.models.blocks.scnet_levels import LevelDown, LevelUp
from auralflow.models.blocks.spectrogram_mapping import SpectrogramMappingModel
from auralflow.spec import ModelSpec

# The authors train on 11 s. The LSTMs hear all of a segment, but the middle of it in the best company.
SPEC = ModelSpec(("vocals", "drums", "bass", "other"), 44100, 2, segment_samples=11 * 44100, overlap=0.5)

_SILENCE = 1e-5  # added to the deviation that the spectrogram is divided by


def _make_stft() -> STFTConfig:
    return STFTConfig(n_fft=4096, hop_samples=1024, window="rectangle", edges="reflect")


@dataclass(frozen=True)
class SCNetConfig:
    """Options of `SCNet`; their names in public configs are in brackets.

    Of the other public options, `sources` and `audio_channels` stand in the spec, and `win_size` must equal `nfft`.

    Raises:
        ConfigError: a field has a value it cannot have, or a band is left without bins.
    """

    stft: STFTConfig = field(default_factory=_make_stft)
    """Spectrogram that the network sees (nfft, hop_size); public weights were trained without a window: rectangle."""
    is_unitary: bool = True
    """Divide the spectrogram by the root of n_fft, so that it has the energy of its frames (normalized)."""
    normalise: bool = True
    """Bring every item's spectrogram to mean 0 and deviation 1, and undo it after: the authors' code does now;
    their older code and the trainer MSST do not, and neither has an option for it."""
    widths: tuple[int, ...] = (32, 64, 128)
    """Features of each level from the top down (dims, without its first, which is twice the channels)."""
    band_shares: tuple[float, ...] = (0.175, 0.392, 0.433)
    """Part of the bins in each band, from low to high; they sum to one (band_SR)."""
    band_strides: tuple[int, ...] = (1, 4, 16)
    """So many bins of each band become one from level to level (band_stride)."""
    band_kernels: tuple[int, ...] = (3, 4, 16)
    """So many bins that one is made of, at least the stride (band_kernel)."""
    conv_depths: tuple[int, ...] = (3, 2, 1)
    """Layers of convolutions along time in each band (conv_depths)."""
    compression: float = 4.0
    """Factor by which these layers have fewer features inside (compress)."""
    conv_kernel: int = 3
    """Frames that one of their convolutions sees, odd (conv_kernel)."""
    n_dual_paths: int = 6
    """Pairs of LSTMs at the bottom, one along frequency and one along time; an even number (num_dplayer)."""
    expansion: int = 1
    """Units of an LSTM in each direction, in units of the features that it sees (expand)."""

    def __post_init__(self) -> None:
        for name in ("widths", "band_shares", "band_strides", "band_kernels", "conv_depths"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        self._check_sizes()
        self._check_bands()

    def _check_sizes(self) -> None:
        for name in ("expansion", "conv_kernel"):
            if getattr(self, name) < 1:
                raise ConfigError(f"config.{name}: expected 1 or more, got {getattr(self, name)!r}")
        if self.conv_kernel % 2 == 0:
            raise ConfigError(f"config.conv_kernel: expected an odd number, got {self.conv_kernel!r}")
        if self.n_dual_paths < 0 or self.n_dual_paths % 2:
            raise ConfigError(f"config.n_dual_paths: expected an even number, got {self.n_dual_paths!r}")
        if min(self.widths, default=0) < 1:
            raise ConfigError(f"config.widths: expected one or more, each 1 or more, got {self.widths!r}")
        if not 0 < self.compression <= min(self.widths):
            raise ConfigError(
                f"config.compression: expected above 0, at most the least of widths ({min(self.widths)}), "
                f"got {self.compression!r}"
            )

    def _check_bands(self) -> None:
        for name, least in (("band_strides", 1), ("band_kernels", 1), ("conv_depths", 0)):
            values = getattr(self, name)
            if len(values) != len(self.band_shares) or min(values, default=0) < least:
                raise ConfigError(
                    f"config.{name}: expected {len(self.band_shares)} numbers, one for each of band_shares, "
                    f"{least} or more, got {values!r}"
                )
        if min(self.band_shares, default=0) <= 0 or abs(sum(self.band_shares) - 1) > 1e-3:
            raise ConfigError(f"config.band_shares: expected positive numbers that sum to 1, got {self.band_shares!r}")
        for stride, kernel in zip(self.band_strides, self.band_kernels, strict=True):
            if kernel < stride:
                raise ConfigError(f"config.band_kernels: expected at least the stride ({stride}), got {kernel!r}")
        for level, bands in enumerate(self.levels):
            if min(bands.widths) < 1:
                raise ConfigError(
                    f"config.band_shares: expected one bin or more in each band of each level, got {bands.widths!r} at "
                    f"level {level}; expected fewer widths, larger shares or a longer stft.n_fft"
                )

    @property
    def levels(self) -> list[Bands]:
        """Bands of each level, from the top down."""
        levels, n_freqs = [], self.stft.n_freqs
        for _ in self.widths:
            levels.append(Bands.cut(n_freqs, self.band_shares, self.band_strides, self.band_kernels))
            n_freqs = sum(levels[-1].squeezed)
        return levels

    def padded_samples(self, n_samples: int) -> int:
        """Length with silence after it, which makes the number of frames even, as in the authors' code.

        Example:
            >>> SCNetConfig().padded_samples(11 * 44100) / 1024
            475.0
        """
        n_hops = n_samples // self.stft.hop_samples + 1
        return (n_hops + 1 - n_hops % 2) * self.stft.hop_samples


TINY = SCNetConfig(
    stft=STFTConfig(n_fft=512, hop_samples=128, window="rectangle", edges="reflect"),
    widths=(8, 12),
    band_shares=(0.1, 0.3, 0.6),
    band_strides=(1, 4, 8),
    band_kernels=(3, 4, 8),
    conv_depths=(2, 1, 1),
    n_dual_paths=2,
)


class SCNetNetwork(nn.Module):
    """From the mixture's spectrogram to the stems', in real numbers only.

    Shape:
        `[batch, channel, freq, frame, 2]` to `[batch, stem, channel, freq, frame, 2]`, last the real and the imaginary
        part.
    """

    def __init__(self, spec: ModelSpec, config: SCNetConfig) -> None:
        super().__init__()
        self.n_stems = len(spec.stems)
        self.scale = config.stft.n_fft**-0.5 if config.is_unitary else 1.0
        self.normalise = config.normalise
        above = (2 * spec.channels, *config.widths[:-1])
        levels = list(zip(above, config.widths, config.levels, strict=True))
        self.encoder = nn.ModuleList(
            LevelDown(n_in, width, bands, int(width / config.compression), config.conv_depths, config.conv_kernel)
            for n_in, width, bands in levels
        )
        n_out = (above[0] * self.n_stems, *above[1:])
        self.decoder = nn.ModuleList(
            LevelUp(width, n, bands) for n, (_, width, bands) in reversed(list(zip(n_out, levels, strict=True)))
        )
        self.separation_net = DualPathNet(config.widths[-1], config.n_dual_paths, config.expansion)

    def forward(
        self, spectrogram: Float[Tensor, "batch channel freq frame 2"]
    ) -> Float[Tensor, "batch stem channel freq frame 2"]:
        features = spectrogram.permute(0, 1, 4, 2, 3).flatten(1, 2)
        if not self.normalise:
            return self._split(self._draw(features * self.scale) / self.scale)
        axes = (1, 2, 3)
        mean, deviation = features.mean(axes, keepdim=True), features.std(axes, keepdim=True)
        # The scale cancels out, but beside what is added to the deviation.
        stems = self._draw((features - mean) / (deviation + _SILENCE / self.scale))
        return self._split(stems * deviation + mean)

    def _draw(self, features: Float[Tensor, "batch feature freq frame"]) -> Float[Tensor, "batch out freq frame"]:
        skips = []
        for down in self.encoder:
            features, skip = down(features)
            skips.append(skip)
        features = self.separation_net(features)
        for up in self.decoder:
            features = up(features, skips.pop())
        return features

    def _split(self, stems: Float[Tensor, "batch out freq frame"]) -> Float[Tensor, "batch stem channel freq frame 2"]:
        parts = stems.reshape(stems.shape[0], self.n_stems, -1, 2, *stems.shape[2:])
        return parts.permute(0, 1, 2, 4, 5, 3)


class SCNet(SpectrogramMappingModel):
    """Sparse compression network; see the head of this file.

    Raises:
        ShapeError: another number of channels than `spec.channels` (when called).
    """

    def __init__(self, spec: ModelSpec, config: SCNetConfig) -> None:
        super().__init__(spec, config, SCNetNetwork(spec, config))
