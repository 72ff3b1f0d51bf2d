"""OpenUnmix: for each stem a bidirectional LSTM that makes a mask from the mixture's magnitudes, then a Wiener filter.

Origin: Stöter, Uhlich, Liutkus and Mitsufuji (2019, "Open-Unmix - a reference implementation for music source
separation", JOSS 4(41), 1667). Networks of different stems know nothing of each other; the multichannel Wiener filter
(`auralflow.dsp.wiener_windows`) then makes their estimates agree.

    mixture --stft--> X --|X|, lowest bins--> shift, scale --> fc1, norm, tanh --+--> LSTM --+--> fc2, norm, ReLU
                      |                                                          +-----------+         |
                      |                         mask <-- ReLU <-- scale, shift <-- norm <-- fc3 <------+
                      +--- mask * X of all stems --> Wiener filter --istft--> stems

In training the masked mixture is given, without the filter. `input_mean` and `input_scale` are parameters: they start
at 0 and 1 and are learnt, where the authors start them with the statistics of their data. Stems follow no level: a
louder mixture is heard otherwise. Silence gives exact zeros.

The names of the parameters are those of the published weights, `target_models.<stem>.fc1.weight` and so on.

Shape:
    `[batch, channel, time]` to `[batch, stem, channel, time]`; in between magnitudes of `[batch, frame, channel, freq]`
    and masks of `[batch, stem, channel, freq, frame]`.

The default is the size of the published `umxhq`, 8,893,348 parameters for each stem; `n_hidden` 1024 that of `umxl`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

from auralflow.dsp.stft import STFTConfig, istft, stft
from auralflow.dsp.wiener_windows import wiener_windows
from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.models.blocks.waveform import check_mixture
from auralflow.spec import ModelSpec

# Segments begin where windows of the filter do, and each leaves out its first and its last window, which the LSTM's
# start has disturbed: what is used lies in whole windows, 300 frames from the ends, and the half second in which
# neighbours blend just after one. With random weights of the published size the stems of a song of 100 s are those that
# it gives at once to 127 dB (with half a window left out: 57 dB).
_WINDOW_SAMPLES = 300 * 1024

SPEC = ModelSpec(
    ("vocals", "drums", "bass", "other"),
    44100,
    2,
    segment_samples=10 * _WINDOW_SAMPLES + 22050,  # of 6 windows, a third of what is computed would be context
    context_samples=_WINDOW_SAMPLES,
    grid_samples=_WINDOW_SAMPLES,
)

_TINY = 1e-10  # magnitude, as in the package


@dataclass(frozen=True)
class OpenUnmixConfig:
    """Options of `OpenUnmix`; in brackets their names in the package `openunmix`.

    Raises:
        ConfigError: a field has a value it cannot have.
    """

    stft: STFTConfig = field(default_factory=lambda: STFTConfig(4096, 1024, edges="reflect"))
    """Spectrogram that the networks see."""
    n_hidden: int = 512
    """Features inside a network, even (hidden_size)."""
    n_layers: int = 3
    """Layers of the LSTM (nb_layers)."""
    is_bidirectional: bool = True
    """Whether the LSTM hears what comes later, too (not unidirectional)."""
    n_heard_freqs: int = 1487
    """Lowest bins of the spectrogram, which alone are heard; all where there are fewer (max_bin: up to 16 kHz)."""
    dropout: float = 0.4
    """Share of the features that training leaves out between the layers of the LSTM."""
    is_soft_mask: bool = False
    """Divide each mask by the sum of all before the filter, at inference (softmask)."""
    n_wiener_iterations: int = 1
    """Rounds of the Wiener filter at inference; 0 for none (niter)."""
    wiener_frames: int = 300
    """Frames that are filtered together; 0 for the whole signal, or segment (wiener_win_len)."""

    def __post_init__(self) -> None:
        for name in ("n_hidden", "n_layers", "n_heard_freqs"):
            if getattr(self, name) < 1:
                raise ConfigError(f"config.{name}: expected 1 or more, got {getattr(self, name)!r}")
        for name in ("n_wiener_iterations", "wiener_frames"):
            if getattr(self, name) < 0:
                raise ConfigError(f"config.{name}: expected 0 or more, got {getattr(self, name)!r}")
        if self.n_hidden % 2:
            raise ConfigError(f"config.n_hidden: expected an even number, got {self.n_hidden!r}")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"config.dropout: expected 0 to below 1, got {self.dropout!r}")


TINY = OpenUnmixConfig(STFTConfig(256, 64, edges="reflect"), n_hidden=6, n_layers=2, n_heard_freqs=93, wiener_frames=50)


class OpenUnmix(nn.Module):
    """A mask network for each stem, and a Wiener filter; see the head of this file.

    Raises:
        ConfigError: a Wiener filter for a single stem, which would give it all of the mixture.
        ShapeError: another number of channels than `spec.channels` (when called).
    """

    def __init__(self, spec: ModelSpec, config: OpenUnmixConfig) -> None:
        super().__init__()
        if len(spec.stems) == 1 and config.n_wiener_iterations:
            raise ConfigError(
                "config.n_wiener_iterations: expected 0 for a single stem, which the filter would give all of the "
                f"mixture, got {config.n_wiener_iterations}; or add a stem 'other'"
            )
        self.spec, self.config = spec, config
        self.target_models = _Targets({stem: TargetNetwork(spec.channels, config) for stem in spec.stems})

    def forward(self, mixture: Float[Tensor, "batch channel time"]) -> Float[Tensor, "batch stem channel time"]:
        """The stems alone."""
        return self.estimate(mixture).stems

    def estimate(self, mixture: Float[Tensor, "batch channel time"]) -> Estimate:
        """Stems, masks before the filter, and the transform that targets go through."""
        check_mixture(mixture, self.spec)
        spectrogram = self.transform(mixture)
        masks = self._compute_masks(spectrogram)
        separate = partial(self._separate, masks, spectrogram, mixture)
        return Estimate(separate, mixture, self._choose(masks), self.transform)

    def transform(self, waveform: Float[Tensor, "*axes time"]) -> Complex[Tensor, "*axes freq frame"]:
        """The model's own spectrogram; half-precision waveforms are transformed in single precision."""
        return stft(waveform, self.config.stft)

    def select(self, stems: Sequence[str]) -> OpenUnmix:
        """The same model, parameters shared, giving only `stems`. Without the filter only their networks run.

        Raises:
            UnknownNameError: a stem that the model does not have.
        """
        part = copy.copy(self)
        part.spec = self.spec.with_stems(stems)
        return part

    @property
    def _needed(self) -> tuple[str, ...]:
        """Stems whose masks must be known: all, as soon as they depend on each other."""
        is_joint = self.config.n_wiener_iterations > 0 or self.config.is_soft_mask
        return tuple(self.target_models) if is_joint else self.spec.stems

    def _compute_masks(
        self, spectrogram: Complex[Tensor, "batch channel freq frame"]
    ) -> Float[Tensor, "batch stem channel freq frame"]:
        # In this order the bins of a frame lie side by side in memory, as the transform has left them.
        magnitudes = spectrogram.abs().permute(0, 3, 1, 2)
        masks = torch.stack([self.target_models[stem](magnitudes) for stem in self._needed], dim=1)
        if self.config.is_soft_mask and not self.training:
            shares = masks * magnitudes.unsqueeze(1)
            masks = shares / (shares.sum(1, keepdim=True) + _TINY)
        return masks.permute(0, 1, 3, 4, 2)

    def _separate(
        self,
        masks: Float[Tensor, "batch stem channel freq frame"],
        spectrogram: Complex[Tensor, "batch channel freq frame"],
        mixture: Float[Tensor, "batch channel time"],
    ) -> Float[Tensor, "batch chosen channel time"]:
        n_iterations = 0 if self.training else self.config.n_wiener_iterations
        spectrograms = wiener_windows(masks, spectrogram, n_iterations, self.config.wiener_frames)
        chosen = self._choose(spectrograms).unbind(1)  # one by one: the frames of all take four times as much memory
        stems = torch.stack([istft(stem, self.config.stft, mixture.shape[-1]) for stem in chosen], dim=1)
        return stems.to(mixture.dtype)

    def _choose(self, stems: Tensor) -> Tensor:
        if self._needed == self.spec.stems:
            return stems
        return stems[:, [self._needed.index(stem) for stem in self.spec.stems]]


class TargetNetwork(nn.Module):
    """The mask of one stem. `input_mean` is minus the mean of its input, `input_scale` one over its deviation.

    Shape:
        magnitudes `[batch, frame, channel, freq]` to a mask of the same shape, 0 and up.
    """

    def __init__(self, channels: int, config: OpenUnmixConfig) -> None:
        super().__init__()
        n_freqs, n_hidden = config.stft.n_freqs, config.n_hidden
        self._n_heard = min(config.n_heard_freqs, n_freqs)
        self.input_mean = nn.Parameter(torch.zeros(self._n_heard))
        self.input_scale = nn.Parameter(torch.ones(self._n_heard))
        self.fc1 = nn.Linear(channels * self._n_heard, n_hidden, bias=False)
        self.bn1 = nn.BatchNorm1d(n_hidden)
        self.lstm = nn.LSTM(
            n_hidden,
            n_hidden // 2 if config.is_bidirectional else n_hidden,
            config.n_layers,
            batch_first=True,
            dropout=config.dropout if config.n_layers > 1 else 0.0,
            bidirectional=config.is_bidirectional,
        )
        self.fc2 = nn.Linear(2 * n_hidden, n_hidden, bias=False)
        self.bn2 = nn.BatchNorm1d(n_hidden)
        self.fc3 = nn.Linear(n_hidden, channels * n_freqs, bias=False)
        self.bn3 = nn.BatchNorm1d(channels * n_freqs)
        self.output_scale = nn.Parameter(torch.ones(n_freqs))
        self.output_mean = nn.Parameter(torch.ones(n_freqs))

    def forward(
        self, magnitudes: Float[Tensor, "batch frame channel freq"]
    ) -> Float[Tensor, "batch frame channel freq"]:
        heard = (magnitudes[..., : self._n_heard] + self.input_mean) * self.input_scale
        features = self.bn1(self.fc1(heard.flatten(2)).flatten(0, 1)).tanh().unflatten(0, magnitudes.shape[:2])
        recalled, _ = self.lstm(features)
        both = torch.cat([features, recalled], dim=-1).flatten(0, 1)
        masks = self.bn3(self.fc3(self.bn2(self.fc2(both)).relu()))
        masks = masks.to(magnitudes.dtype).reshape(magnitudes.shape)
        return torch.addcmul(self.output_mean, masks, self.output_scale).relu()


class _Targets(nn.ModuleDict):
    """Networks by stem, which may be called like a method of the dictionary: `keys` is a fine stem."""

    def add_module(self, name: str, module: nn.Module | None) -> None:
        self._modules[name] = module  # type: ignore[assignment]
