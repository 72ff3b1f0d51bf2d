"""Two U-Nets side by side, one on the waveform and one on its spectrogram, whose outputs are added.

Défossez (2021, "Hybrid spectrogram and waveform source separation", arXiv 2111.03600).

    mixture --+--> analyse --> encoder ----+--> bottom --+--> decoder ----> synthesise --+--> stems
              +--------------> tencoder ---+             +--> tdecoder ------------------+

Both inputs are shifted and scaled to zero mean and unit deviation, each item by itself, and this is undone on the
outputs. Attributes have the names of public state dicts, hence `tencoder` and `tdecoder` for the waveform's branch.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from auralflow.dsp.stft import STFTConfig
from auralflow.models.blocks.demucs_config import HybridConfig, Level
from auralflow.models.blocks.demucs_layers import DecoderLayer, EncoderLayer, LayerShape
from auralflow.models.blocks.demucs_residual import ResidualBranch
from auralflow.models.blocks.demucs_spectrum import analyse, synthesise
from auralflow.models.blocks.waveform import check_mixture
from auralflow.spec import ModelSpec
from auralflow.speed.inference import without_half

_NO_DEVIATION = 1e-5


class HybridUNet(nn.Module):
    """Both branches of Hybrid Demucs; `pass_bottom` is what a model does between the way down and the way up.

    Args:
        lstm_start, attention_start: first level whose residual branches have an LSTM, or attention.

    Shape:
        `[batch, channel, time]` to `[batch, stem, channel, time]`.

    Raises:
        ShapeError: another number of channels than `spec.channels` (when called).
    """

    def __init__(self, spec: ModelSpec, config: HybridConfig, *, lstm_start: int, attention_start: int) -> None:
        super().__init__()
        self.spec, self.config = spec, config
        self._stft = STFTConfig(config.n_fft, config.hop_samples)
        self._starts = lstm_start, attention_start
        self._n_stems = len(spec.stems)
        self._chosen = tuple(range(self._n_stems))
        self.encoder, self.decoder, self.tencoder, self.tdecoder = (nn.ModuleList() for _ in range(4))
        levels = config.plan_levels()
        for level in levels:
            self._add_level(level, levels[level.index - 1].width if level.index else 0)
        self.freq_emb: FrequencyEmbedding | None = None
        if config.frequency_weight:
            self.freq_emb = FrequencyEmbedding(config.n_fft // 2 // config.stride, config)
        if config.rescale:
            _rescale(self, config.rescale)

    def _add_level(self, level: Level, n_above: int) -> None:
        n_channels, n_outputs = self.spec.channels, self.spec.channels * len(self.spec.stems)
        spectral = LayerShape(
            level.kernel, level.stride, level.is_spectral, not level.is_last_spectral, level.norm_groups
        )
        self.encoder.append(self._make_encoder(level, n_above or 2 * n_channels, spectral))
        self.decoder.insert(0, self._make_decoder(level, n_above or 2 * n_outputs, spectral))
        if level.is_spectral:
            temporal = LayerShape(self.config.kernel, level.stride, False, norm_groups=level.norm_groups)
            is_bare = level.is_last_spectral
            self.tencoder.append(self._make_encoder(level, n_above or n_channels, temporal, is_bare))
            self.tdecoder.insert(0, self._make_decoder(level, n_above or n_outputs, temporal, is_bare))

    def _make_encoder(self, level: Level, n_in: int, shape: LayerShape, is_bare: bool = False) -> EncoderLayer:
        branch = None if is_bare else self._make_branch(level, ("encoder", "both"))
        return EncoderLayer(n_in, level.width, shape, self.config.encoder_context, branch, is_bare=is_bare)

    def _make_decoder(self, level: Level, n_out: int, shape: LayerShape, is_bare: bool = False) -> DecoderLayer:
        branch = None if is_bare else self._make_branch(level, ("decoder", "both"))
        is_outermost = level.index == 0
        return DecoderLayer(
            level.width, n_out, shape, self.config.context, branch, is_bare=is_bare, is_outermost=is_outermost
        )

    def _make_branch(self, level: Level, where: Sequence[str]) -> ResidualBranch | None:
        if self.config.branches not in where:
            return None
        has_lstm, has_attention = (level.index >= start for start in self._starts)
        n_inner = int(level.width / self.config.branch_compression)
        depth, start = self.config.branch_depth, self.config.branch_scale
        return ResidualBranch(level.width, n_inner, depth, start, has_lstm=has_lstm, has_attention=has_attention)

    def forward(self, mixture: Float[Tensor, "batch channel time"]) -> Float[Tensor, "batch stem channel time"]:
        check_mixture(mixture, self.spec)
        n_samples = mixture.shape[-1]
        if n_samples == 0:
            return mixture.new_zeros(len(mixture), len(self._chosen), self.spec.channels, 0)
        spectral, of_spectral = _standardise(analyse(mixture, self._stft))
        temporal, of_temporal = _standardise(mixture)
        spectral, temporal = self._convolve(spectral, temporal)
        parts = _restore(self._split_stems(spectral).to(of_spectral[0].dtype), of_spectral)
        waveforms = _restore(self._split_stems(temporal).to(mixture.dtype), of_temporal)
        return waveforms + synthesise(parts, self._stft, n_samples).to(mixture.dtype)

    def select(self, stems: Sequence[str]) -> HybridUNet:
        """The same model, parameters shared, giving only `stems`: only their spectrograms become waveforms.

        Raises:
            UnknownNameError: a stem that the model does not have.
        """
        part = copy.copy(self)
        part.spec = self.spec.with_stems(stems)
        part._chosen = tuple(self._chosen[place] for place in self.spec.places_of(stems))
        return part

    def pass_bottom(self, spectral: Tensor, temporal: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """From the innermost features to what the innermost decoders get beside their skip connections."""
        raise NotImplementedError

    def _convolve(
        self, spectral: Float[Tensor, "batch parts freq frame"], temporal: Float[Tensor, "batch channel time"]
    ) -> tuple[Float[Tensor, "batch out freq frame"], Float[Tensor, "batch out_2 time"]]:
        """Down both branches and up again, for all stems."""
        skips: list[tuple[Tensor, int]] = []
        temporal_skips: list[tuple[Tensor | None, int]] = []
        for index, encode in enumerate(self.encoder):
            injected = None
            if index < len(self.tencoder):
                encode_time = self.tencoder[index]
                n_samples = temporal.shape[-1]
                # The outermost levels along time write the waveform, whose last bits half precision would lose.
                temporal = without_half(encode_time, temporal) if index == 0 else encode_time(temporal)
                is_bare = encode_time.is_bare
                injected = temporal if is_bare else None
                temporal_skips.append((None if is_bare else temporal, n_samples))
            n_frames, spectral = spectral.shape[-1], encode(spectral, injected)
            if index == 0 and self.freq_emb is not None:
                spectral = self.freq_emb(spectral)
            skips.append((spectral, n_frames))
        return self._decode(*self.pass_bottom(spectral, temporal), skips, temporal_skips)

    def _decode(
        self,
        spectral: Tensor | None,
        temporal: Tensor | None,
        skips: list[tuple[Tensor, int]],
        temporal_skips: list[tuple[Tensor | None, int]],
    ) -> tuple[Tensor, Tensor]:
        n_merged = len(self.decoder) - len(self.tdecoder)
        for index, decode in enumerate(self.decoder):
            spectral, inner = decode(spectral, *skips.pop())
            if index >= n_merged:
                decode_time = self.tdecoder[index - n_merged]
                # Where the branches part, that of the waveform begins with what the other one had before its last step.
                given = inner.squeeze(2) if decode_time.is_bare else temporal
                skip, n_samples = temporal_skips.pop()
                if decode_time.is_outermost and given is not None:
                    temporal, _ = without_half(decode_time, given, skip, n_samples)
                else:
                    temporal, _ = decode_time(given, skip, n_samples)
        assert spectral is not None
        assert temporal is not None
        return spectral, temporal

    def _split_stems(self, features: Float[Tensor, "batch out *axes"]) -> Float[Tensor, "batch stem inner *axes"]:
        stems: Tensor = features.unflatten(1, (self._n_stems, -1))
        return stems if self._chosen == tuple(range(self._n_stems)) else stems[:, list(self._chosen)]


class FrequencyEmbedding(nn.Module):
    """Add a learned vector to the features of each frequency, the same for all frames.

    Isik et al. (2020, "PoCoNet", arXiv 2008.04470). The vectors are kept divided by `frequency_gain`.

    Shape:
        `[batch, feature, freq, frame]` to the same.
    """

    def __init__(self, n_freqs: int, config: HybridConfig) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_freqs, config.width)
        self.gain = config.frequency_gain * config.frequency_weight
        with torch.no_grad():
            if config.is_frequency_smooth:
                # A sum of n independent numbers deviates by sqrt(n) of what each does.
                sums = self.embedding.weight.cumsum(0) / torch.arange(1, n_freqs + 1).sqrt()[:, None]
                self.embedding.weight.copy_(sums)
            self.embedding.weight.div_(config.frequency_gain)

    def forward(self, features: Float[Tensor, "batch feature freq frame"]) -> Float[Tensor, "batch feature freq frame"]:
        return features + self.gain * self.embedding.weight.t().unsqueeze(-1)


def _standardise(signal: Float[Tensor, "batch *axes"]) -> tuple[Float[Tensor, "batch *axes"], tuple[Tensor, Tensor]]:
    """Each item with zero mean and unit deviation, and the mean and the deviation it had."""
    axes = tuple(range(1, signal.ndim))
    n_values = signal[0].numel() if len(signal) else 0
    if n_values > 1:
        deviation, mean = torch.std_mean(signal, dim=axes, keepdim=True)
    else:
        mean = signal.mean(dim=axes, keepdim=True)
        deviation = torch.zeros_like(mean)
    return (signal - mean) / (_NO_DEVIATION + deviation), (mean, deviation)


def _restore(
    stems: Float[Tensor, "batch stem *axes"], moments: tuple[Tensor, Tensor]
) -> Float[Tensor, "batch stem *axes"]:
    mean, deviation = moments
    return torch.addcmul(mean.unsqueeze(1), stems, deviation.unsqueeze(1))


@torch.no_grad()
def _rescale(model: nn.Module, reference: float) -> None:
    """Divide weights and biases of each convolution by `sqrt(deviation / reference)`."""
    for module in model.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d | nn.ConvTranspose2d):
            gain = (reference / module.weight.std(correction=int(module.weight.numel() > 1))).sqrt()
            for parameter in module.parameters():
                parameter.mul_(gain)
