"""HDemucs: a U-Net on the spectrogram and one on the waveform, which meet where one frequency is left.

Origin: Défossez (2021, "Hybrid spectrogram and waveform source separation", arXiv 2111.03600). The spectrogram goes in
and comes out as real and imaginary parts, which are channels to the network. Deep levels have a small LSTM and local
attention in their residual branches. Parameters have the names of the package `demucs` and its published weights.

    spectrogram --[5 levels along frequency]--+--> [1 level along time, LSTM and attention] --+--> ... spectrograms
    mixture ------[5 levels along time]-------+                                               +--> ... waveforms

Stems follow no level: the inputs are normalised, but the network has biases, so that silence need not give silence.

Shape:
    `[batch, channel, time]` to `[batch, stem, channel, time]`; in between features of `[batch, feature, freq, frame]`
    and `[batch, feature, frame]`.

The default has 83,637,832 parameters and is that of the published weights.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from auralflow.errors import ConfigError
from auralflow.models.blocks.demucs_config import HybridConfig
from auralflow.models.blocks.demucs_hybrid import HybridUNet
from auralflow.spec import ModelSpec

# As the package cuts songs: on a grid, neighbours share a quarter, the last segment is as short as what is left.
SPEC = ModelSpec(
    ("drums", "bass", "other", "vocals"),
    44100,
    2,
    segment_samples=44 * 44100,
    overlap=0.25,
    blend="triangle",
    tail="short",
    normalise="track",
)


@dataclass(frozen=True)
class HDemucsConfig(HybridConfig):
    """Options of `HDemucs`; in brackets their names in the package `demucs`.

    Of its others, `cac` must be true, `rewrite` and `hybrid` too; `hybrid_old`, `channels_time` and `multi_freqs` must
    be unset. The Wiener filter (`wiener_iters` and others) has no part where `cac` is true.

    Raises:
        ConfigError: a field has a value it cannot have.
    """

    depth: int = 6
    """Levels (depth)."""
    lstm_start: int = 4
    """First level whose residual branches have an LSTM (dconv_lstm)."""
    attention_start: int = 4
    """First level whose residual branches have local attention (dconv_attn)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("lstm_start", "attention_start"):
            if getattr(self, name) < 0:
                raise ConfigError(f"config.{name}: expected 0 or more, got {getattr(self, name)!r}")


TINY = HDemucsConfig(
    width=8, depth=4, n_fft=256, norm_start=2, norm_groups=2, lstm_start=3, attention_start=3, branch_scale=0.1
)


class HDemucs(HybridUNet):
    """Hybrid Demucs; see the head of this file."""

    def __init__(self, spec: ModelSpec, config: HDemucsConfig) -> None:
        super().__init__(spec, config, lstm_start=config.lstm_start, attention_start=config.attention_start)

    def pass_bottom(self, spectral: Tensor, temporal: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Nothing: all goes through the skip connections, that of the innermost level being its bottom."""
        return None, None
