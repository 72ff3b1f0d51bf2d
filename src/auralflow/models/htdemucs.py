"""HTDemucs: Hybrid Demucs with a transformer at the bottom, whose two sequences hear themselves and each other.

Origin: Rouard, Massa and Défossez (2023, "Hybrid transformers for music source separation", ICASSP, arXiv 2211.08553),
on Défossez (2021, arXiv 2111.03600). Parameters have the names of the package `demucs` and its published weights.

    spectrogram --[4 levels along frequency]--> 1x1 --+-- transformer --+--> 1x1 --> [4 levels] --> spectrograms --+
    mixture ------[4 levels along time]-------> 1x1 --+                 +--> 1x1 --> [4 levels] --> waveforms -----+
                                                                                                                  sum

Stems follow no level: the inputs are normalised, but the network has biases, so that silence need not give silence.

Shape:
    `[batch, channel, time]` to `[batch, stem, channel, time]`; in between features of `[batch, feature, freq, frame]`
    and `[batch, feature, frame]`, and places of `[batch, frame, freq, feature]` and `[batch, time, feature]`.

The default has 41,984,456 parameters and is that of the published weights (`htdemucs`; with six stems `htdemucs_6s`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from auralflow.errors import ConfigError
from auralflow.models.blocks.cross_transformer import CrossTransformer, CrossTransformerSizes
from auralflow.models.blocks.demucs_config import HybridConfig
from auralflow.models.blocks.demucs_hybrid import HybridUNet
from auralflow.models.blocks.waveform import check_mixture
from auralflow.spec import ModelSpec

# As the package cuts songs: on a grid, neighbours share a quarter, the last segment is filled up, with music before.
SPEC = ModelSpec(
    ("drums", "bass", "other", "vocals"),
    44100,
    2,
    segment_samples=343980,  # 7.8 s
    overlap=0.25,
    blend="triangle",
    tail="pad",
    normalise="track",
)


@dataclass(frozen=True)
class HTDemucsConfig(HybridConfig):
    """Options of `HTDemucs`; in brackets their names in the package `demucs`.

    Of its others, `cac`, `rewrite`, `t_norm_in`, `t_norm_first`, `t_norm_out`, `t_layer_scale` and `t_gelu` must be
    true, `t_emb` must be `sin`; `channels_time`, `multi_freqs`, `t_norm_in_group`, `t_group_norm`,
    `t_sin_random_shift`, `t_sparse_self_attn` and `t_sparse_cross_attn` must be unset. `t_weight_decay` and `t_lr` are
    of training.

    Raises:
        ConfigError: a field has a value it cannot have, or the widths do not fit each other.
    """

    branches: Literal["none", "encoder", "decoder", "both"] = "both"
    """Where the levels have residual branches (dconv_mode: 0, 1, 2, 3)."""
    branch_compression: float = 8.0
    """Features of a level by those inside its branch (dconv_comp)."""
    transformer_width: int = 512
    """Features of the transformer; 0 for as many as the innermost level has, without a change before and after
    (bottom_channels)."""
    n_layers: int = 5
    """Layers of the transformer in each of its sequences (t_layers)."""
    n_heads: int = 8
    """Heads of attention (t_heads)."""
    expansion: float = 4.0
    """Features inside the feed-forward layers by those outside (t_hidden_scale)."""
    dropout: float = 0.02
    """Part of the transformer's features that training leaves out (t_dropout)."""
    is_cross_first: bool = False
    """The first layer of the transformer hears the other sequence (t_cross_first)."""
    longest_period: float = 10000.0
    """Of the sines that tell places to the transformer (t_max_period)."""
    place_weight: float = 1.0
    """Factor on them (t_weight_pos_embed)."""
    is_filled_up: bool = True
    """Fill up what is shorter than a segment with silence at inference, so that the transformer hears as long a piece
    as in training (use_train_segment)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("n_layers", "n_heads", "expansion", "longest_period"):
            if getattr(self, name) < 1:
                raise ConfigError(f"config.{name}: expected 1 or more, got {getattr(self, name)!r}")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"config.dropout: expected 0 to below 1, got {self.dropout!r}")
        innermost = self.plan_levels()[-1]
        if not innermost.is_spectral or innermost.is_last_spectral:
            raise ConfigError(f"config.depth: expected fewer levels, so that frequencies are left, got {self.depth!r}")
        width = self.transformer_width or innermost.width
        if width < 4 or width % 4 or width % self.n_heads:
            raise ConfigError(
                f"config.transformer_width: expected a multiple of 4 and of n_heads ({self.n_heads}), got {width!r}"
            )


TINY = HTDemucsConfig(
    width=6,
    depth=2,
    n_fft=256,
    branch_compression=3.0,
    branch_scale=0.1,
    transformer_width=16,
    n_layers=2,
    n_heads=2,
    expansion=1.5,
    is_filled_up=False,
)


class HTDemucs(HybridUNet):
    """Hybrid Transformer Demucs; see the head of this file."""

    config: HTDemucsConfig

    def __init__(self, spec: ModelSpec, config: HTDemucsConfig) -> None:
        super().__init__(spec, config, lstm_start=config.depth, attention_start=config.depth)
        innermost, width = config.plan_levels()[-1].width, config.transformer_width
        self.has_change = width > 0
        if self.has_change:
            self.channel_upsampler, self.channel_upsampler_t = (nn.Conv1d(innermost, width, 1) for _ in range(2))
            self.channel_downsampler, self.channel_downsampler_t = (nn.Conv1d(width, innermost, 1) for _ in range(2))
        sizes = CrossTransformerSizes(
            width or innermost,
            config.n_layers,
            config.n_heads,
            int(config.expansion * (width or innermost)),
            config.dropout,
            config.is_cross_first,
            config.longest_period,
            config.place_weight,
        )
        self.crosstransformer = CrossTransformer(sizes)

    def forward(self, mixture: Float[Tensor, "batch channel time"]) -> Float[Tensor, "batch stem channel time"]:
        check_mixture(mixture, self.spec)
        n_samples = mixture.shape[-1]
        missing = self.spec.segment_samples - n_samples
        if self.training or not self.config.is_filled_up or not n_samples or missing <= 0:
            return super().forward(mixture)
        return super().forward(F.pad(mixture, (0, missing)))[..., :n_samples]

    def pass_bottom(self, spectral: Tensor, temporal: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Through the transformer, to which features stand last."""
        places, moments = spectral.permute(0, 3, 2, 1), temporal.transpose(1, 2)
        if self.has_change:
            places, moments = _mix(self.channel_upsampler, places), _mix(self.channel_upsampler_t, moments)
        places, moments = self.crosstransformer(places, moments)
        if self.has_change:
            places, moments = _mix(self.channel_downsampler, places), _mix(self.channel_downsampler_t, moments)
        return places.permute(0, 3, 2, 1), moments.transpose(1, 2)


def _mix(layer: nn.Conv1d, features: Float[Tensor, "*axes feature"]) -> Float[Tensor, "*axes mixed"]:
    """A convolution of length 1 where features stand last."""
    return F.linear(features, layer.weight.squeeze(-1), layer.bias)
