"""TFCTDF: a U-Net over sub-bands of the complex spectrogram, with dense layers over all bins of a frame in every block.

Origin: Kim, Lee and Jung (2023, "Sound demixing challenge 2023 music demixing track technical report: TFC-TDF-UNet v3",
arXiv 2306.09382), known as MDX23C by the weights that the separation community trained. Parameters have the names of
their state dicts, so that they load as they are.

    X --sub-bands as channels--> M --1x1--> F --> [TFC-TDF] --------------- + ---> [TFC-TDF] --> G
                                                    [TFC-TDF] ----- + --> [TFC-TDF]
                                                        ...  -> [TFC-TDF] ->  ...
    M and F * G --1x1, activation, 1x1--> stems' X

All but the convolutions of one point at both ends sees the whole. These have no bias: where the mixture is silent in a
frame at one place in all sub-bands, the stems are; so silence gives exact zeros.

Shape:
    `[batch, channel, time]` to `[batch, stem, channel, time]`; in between features of `[batch, feature, frame, freq]`.

The default, that of MDX23C, has 111,994,368 parameters. The network of the challenge, with `width` and `growth` 64, has
30,119,168.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from auralflow.dsp.stft import STFTConfig
from auralflow.errors import ConfigError
from auralflow.models.blocks.spectrogram_mapping import SpectrogramMappingModel
from auralflow.models.blocks.tfc_tdf_blocks import ScaleDown, ScaleUp, TFCTDFSizes, TFCTDFStack
from auralflow.spec import ModelSpec

# 256 frames: the network needs a multiple of 32, and silence would make up what is missing.
SPEC = ModelSpec(("vocals", "drums", "bass", "other"), 44100, 2, segment_samples=255 * 1024, overlap=0.5)


def _make_stft() -> STFTConfig:
    return STFTConfig(n_fft=8192, hop_samples=1024, edges="reflect")


@dataclass(frozen=True)
class TFCTDFConfig:
    """Options of `TFCTDF`; their names in public configs are in brackets.

    Of the other public options, `num_channels` of `audio` stands in the spec, and `chunk_size` is its segment (`dim_t`
    says the same in frames).

    Raises:
        ConfigError: a field has a value it cannot have, or bins that do not divide as they should.
    """

    stft: STFTConfig = field(default_factory=_make_stft)
    """Spectrogram that the network sees (n_fft, hop_length)."""
    n_freqs: int = 4096
    """Bins that the network sees, from zero up; above them the stems are silent (dim_f)."""
    n_bands: int = 4
    """Sub-bands that these are cut into, which become channels (num_subbands)."""
    n_scales: int = 5
    """Scales above the lowest (num_scales)."""
    scale: tuple[int, int] = (2, 2)
    """Frames and bins that become one from scale to scale (scale)."""
    n_blocks: int = 2
    """Blocks of each scale, on the way down and on the way up (num_blocks_per_scale)."""
    width: int = 128
    """Features of the top scale (num_channels of model)."""
    growth: int = 128
    """Features more from scale to scale (growth)."""
    bottleneck: int = 4
    """Factor by which the two dense layers of a block have fewer bins between them (bottleneck_factor)."""
    norm: Literal["instance", "batch", "group", "none"] = "instance"
    """Before every layer, normalise each feature of an item (instance; InstanceNorm in norm), of the batch (batch;
    BatchNorm), groups of features (group; GroupNorm and their number), or nothing."""
    n_groups: int = 1
    """Groups of features where norm is group (the number behind GroupNorm)."""
    activation: Literal["gelu", "relu", "elu"] = "gelu"
    """What follows a normalisation (act)."""
    elu_alpha: float = 1.0
    """Where an ELU ends far below zero, negative (the number behind elu in act)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", tuple(self.scale))
        for name in ("n_freqs", "n_bands", "n_scales", "n_blocks", "width", "bottleneck", "n_groups"):
            if getattr(self, name) < 1:
                raise ConfigError(f"config.{name}: expected 1 or more, got {getattr(self, name)!r}")
        if self.growth < 0:
            raise ConfigError(f"config.growth: expected 0 or more, got {self.growth!r}")
        if len(self.scale) != 2 or min(self.scale) < 1:
            raise ConfigError(f"config.scale: expected two numbers, 1 or more, got {self.scale!r}")
        self._check_choices()
        self._check_freqs()

    def _check_choices(self) -> None:
        choices = {"norm": ("instance", "batch", "group", "none"), "activation": ("gelu", "relu", "elu")}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise ConfigError(f"config.{name}: expected one of {', '.join(known)}, got {getattr(self, name)!r}")
        if self.norm == "group" and (self.width % self.n_groups or self.growth % self.n_groups):
            raise ConfigError(
                f"config.n_groups: expected a divisor of width ({self.width}) and growth ({self.growth}), "
                f"got {self.n_groups!r}"
            )

    def _check_freqs(self) -> None:
        step = self.n_bands * self.scale[1] ** self.n_scales
        if self.n_freqs > self.stft.n_freqs or self.n_freqs % step:
            raise ConfigError(
                f"config.n_freqs: expected a multiple of {step} (n_bands and the scales), at most the "
                f"{self.stft.n_freqs} bins of the STFT, got {self.n_freqs!r}"
            )
        if self.bottleneck > self.n_freqs // step:
            raise ConfigError(
                f"config.bottleneck: expected at most the {self.n_freqs // step} bins of the lowest scale, "
                f"got {self.bottleneck!r}"
            )

    @property
    def sizes(self) -> TFCTDFSizes:
        """What all blocks have in common."""
        return TFCTDFSizes(self.n_blocks, self.bottleneck, self.scale, self._make_norm, self._make_activation)

    def _make_norm(self, width: int) -> nn.Module:
        match self.norm:
            case "instance":
                return nn.InstanceNorm2d(width, affine=True)
            case "batch":
                return nn.BatchNorm2d(width)
            case "group":
                return nn.GroupNorm(self.n_groups, width)
            case _:
                return nn.Identity()

    def _make_activation(self) -> nn.Module:
        match self.activation:
            case "gelu":
                return nn.GELU()
            case "relu":
                return nn.ReLU()
            case _:
                return nn.ELU(self.elu_alpha)

    @property
    def frame_step(self) -> int:
        """Frames of the top scale that become one of the lowest."""
        step: int = self.scale[0] ** self.n_scales
        return step

    def padded_samples(self, n_samples: int) -> int:
        """Length with silence after it, which makes as many frames as go down all scales.

        Example:
            >>> TFCTDFConfig().padded_samples(44100) / 1024 + 1
            64.0
        """
        hop, step = self.stft.hop_samples, self.frame_step
        n_frames = -(-n_samples // hop) + 1
        return (n_frames + -n_frames % step - 1) * hop


TINY = TFCTDFConfig(
    stft=STFTConfig(n_fft=256, hop_samples=64, edges="reflect"),
    n_freqs=128,
    n_bands=2,
    n_scales=2,
    n_blocks=2,
    width=6,
    growth=4,
    bottleneck=2,
)


class TFCTDFNetwork(nn.Module):
    """From the mixture's spectrogram to the stems', in real numbers only.

    Shape:
        `[batch, channel, freq, frame, 2]` to `[batch, stem, channel, freq, frame, 2]`, last the real and the imaginary
        part; frames a multiple of `scale[0] ** n_scales`.
    """

    def __init__(self, spec: ModelSpec, config: TFCTDFConfig) -> None:
        super().__init__()
        self.n_stems, self.n_freqs, self.n_bands = len(spec.stems), config.n_freqs, config.n_bands
        n_parts = 2 * spec.channels * config.n_bands
        widths = [config.width + scale * config.growth for scale in range(config.n_scales + 1)]
        n_freqs = [config.n_freqs // config.n_bands // config.scale[1] ** scale for scale in range(len(widths))]
        sizes = config.sizes
        scales: list[tuple[int, int, int]] = list(zip(widths[:-1], widths[1:], n_freqs[:-1], strict=True))
        self.first_conv = nn.Conv2d(n_parts, widths[0], 1, bias=False)
        self.encoder_blocks = nn.ModuleList(ScaleDown(*scale, sizes) for scale in scales)
        self.bottleneck_block = TFCTDFStack(widths[-1], widths[-1], n_freqs[-1], sizes)
        self.decoder_blocks = nn.ModuleList(ScaleUp(*scale, sizes) for scale in reversed(scales))
        self.final_conv = nn.Sequential(
            nn.Conv2d(widths[0] + n_parts, widths[0], 1, bias=False),
            sizes.make_activation(),
            nn.Conv2d(widths[0], self.n_stems * n_parts, 1, bias=False),
        )

    def forward(
        self, spectrogram: Float[Tensor, "batch channel freq frame 2"]
    ) -> Float[Tensor, "batch stem channel freq frame 2"]:
        mixture = self._split(spectrogram)
        first = self.first_conv(mixture)
        stems = self.final_conv(torch.cat([mixture, self._look(first) * first], dim=1))
        return self._merge(stems, spectrogram.shape[2])

    def _look(self, features: Float[Tensor, "batch feature frame freq"]) -> Float[Tensor, "batch feature frame freq"]:
        skips = []
        for down in self.encoder_blocks:
            features, skip = down(features)
            skips.append(skip)
        features = self.bottleneck_block(features)
        for up in self.decoder_blocks:
            features = up(features, skips.pop())
        return features

    def _split(
        self, spectrogram: Float[Tensor, "batch channel freq frame 2"]
    ) -> Float[Tensor, "batch feature frame bin"]:
        """Channel, part and sub-band become one axis."""
        parts = spectrogram[:, :, : self.n_freqs].permute(0, 1, 4, 3, 2).flatten(1, 2)
        bands = parts.reshape(*parts.shape[:3], self.n_bands, -1)
        return bands.transpose(2, 3).flatten(1, 2)

    def _merge(
        self, stems: Float[Tensor, "batch feature frame bin"], n_freqs: int
    ) -> Float[Tensor, "batch stem channel freq frame 2"]:
        """The way back for each stem, with silence above the bins that the network sees."""
        bands = stems.reshape(stems.shape[0], self.n_stems, -1, 2, self.n_bands, *stems.shape[2:])
        parts = bands.transpose(4, 5).flatten(5, 6)
        return F.pad(parts, (0, n_freqs - self.n_freqs)).permute(0, 1, 2, 5, 4, 3)


class TFCTDF(SpectrogramMappingModel):
    """TFC-TDF U-Net, version 3; see the head of this file.

    Raises:
        ShapeError: another number of channels than `spec.channels` (when called).
    """

    def __init__(self, spec: ModelSpec, config: TFCTDFConfig) -> None:
        super().__init__(spec, config, TFCTDFNetwork(spec, config))
