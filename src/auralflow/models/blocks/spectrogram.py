"""Everything of a spectrogram model but its network.

    mixture --stft--> X --|X|, log, affine, pad--> network --crop, affine, activation--> masks
                      |                                                                    |
                      +------------------------- masks * X  <------------------------------+
                                                     |
                                  phase choice (inference only) --istft--> stems, as long as the mixture

A model is then its network in about ten lines:

    class MyModel(SpectrogramMaskModel):
        def __init__(self, spec: ModelSpec, config: MyModelConfig) -> None:
            network = MyNetwork(spec.channels, len(spec.stems), config.width)
            super().__init__(spec, config.stft, network, stride=(1, 4), activation="sigmoid")
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from typing import Literal

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn
from torch.nn import functional as F

from auralflow.dsp.phase import PhaseConfig, fast_griffin_lim, wiener_em
from auralflow.dsp.stft import STFTConfig, istft, stft
from auralflow.errors import ConfigError, ShapeError
from auralflow.estimate import Estimate
from auralflow.spec import ModelSpec

MaskActivation = Literal["none", "sigmoid", "relu", "softmax"]
"""Range of a mask: `none` any number (complex too), `sigmoid` 0 to 1, `relu` 0 and up, `softmax` 0 to 1 and summing to
one over the stems (which then sum to the mixture)."""

_Masks = Float[Tensor, "batch stem channel freq frame"] | Complex[Tensor, "batch stem channel freq frame"]
_Latent = tuple[Tensor, Tensor] | None


class SpectrogramMaskModel(nn.Module):
    """Wraps a network that turns a spectrogram into masks, so that it becomes a model: waveform in, stems out.

    Args:
        spec: the contract; `stems`, `channels` and `sample_rate` are read here.
        stft: frame length and hop.
        network: from features (batch, channel, freq, frame) to masks (batch, stem, channel, freq, frame). It may
            return a pair `(masks, latent)`, and `latent` then reaches the loss through `Estimate.latent`.
        domain: what the features are, `magnitude` (real) or `complex`; a network in the complex domain gives
            complex or real masks.
        stride: the network sees a multiple of so many bins and frames; zeros are put above the Nyquist
            frequency and after the end, and taken away again.
        scale: `linear`, or `log` for log(1 + magnitude).
        normalise: learn a gain and a shift per bin for the features before the network, and per stem and bin for
            what it gives, before the activation.
        activation: range of the masks, see `MaskActivation`.
        phase: where the stems' phase comes from (`mixture`: masks are applied as they are). Griffin-Lim and Wiener
            run in eval mode only; training always sees the masks applied as they are.

    Shape:
        `[batch, channel, time]` to `[batch, stem, channel, time]`, any time. Silence gives exact zeros, as long as the
        masks are finite.

    Raises:
        ConfigError: options that exclude each other.
    """

    def __init__(
        self,
        spec: ModelSpec,
        stft: STFTConfig,
        network: nn.Module,
        *,
        domain: Literal["magnitude", "complex"] = "magnitude",
        stride: tuple[int, int] = (1, 1),
        scale: Literal["linear", "log"] = "linear",
        normalise: bool = False,
        activation: MaskActivation = "none",
        phase: PhaseConfig | None = None,
    ) -> None:
        super().__init__()
        if domain == "complex" and (scale != "linear" or normalise or activation != "none"):
            raise ConfigError("domain: 'complex' excludes scale, normalise and activation; do these in the network")
        if activation == "softmax" and len(spec.stems) == 1:
            raise ConfigError("activation: 'softmax' over one stem is always 1; use 'sigmoid', or add a stem 'other'")
        self.spec, self.stft, self.network = spec, stft, network
        self.domain, self.stride, self.scale, self.activation = domain, stride, scale, activation
        self.phase = phase or PhaseConfig()
        self._n_stems = len(spec.stems)
        self.normalise_input: nn.Module = nn.Identity()
        self.normalise_output: nn.Module = nn.Identity()
        if normalise:
            self.normalise_input = BinAffine((1, stft.n_freqs, 1))
            # A shift of its own for each stem: softmax would not see a common one. A ReLU starts at one, not dead.
            start = 1.0 if activation == "relu" else 0.0
            self.normalise_output = BinAffine((self._n_stems, 1, stft.n_freqs, 1), shift=start)
        self._chosen = tuple(range(self._n_stems))

    def forward(self, mixture: Float[Tensor, "batch channel time"]) -> Float[Tensor, "batch stem channel time"]:
        """The stems alone."""
        return self.estimate(mixture).stems

    def estimate(self, mixture: Float[Tensor, "batch channel time"]) -> Estimate:
        """Stems, masks, latent and the transform that targets go through.

        Raises:
            ShapeError: another number of channels than `spec.channels`, or masks of another shape than promised.
        """
        if mixture.ndim != 3 or mixture.shape[1] != self.spec.channels:
            raise ShapeError(
                f"expected a mixture of shape (batch, {self.spec.channels}, time), got {tuple(mixture.shape)}"
            )
        spectrogram = self.transform(mixture)
        masks, latent = self._compute_masks(spectrogram, mixture.dtype)
        separate = partial(self._separate, masks, spectrogram, mixture)
        return Estimate(separate, mixture, self._choose(masks), self.transform, latent)

    def transform(self, waveform: Float[Tensor, "*axes time"]) -> Complex[Tensor, "*axes freq frame"]:
        """The model's own spectrogram; half-precision waveforms are transformed in single precision."""
        return stft(waveform, self.stft)

    def select(self, stems: Sequence[str]) -> SpectrogramMaskModel:
        """The same model, parameters shared, giving only `stems`: masks are still computed for all, waveforms are not.

        Raises:
            UnknownNameError: a stem that the model does not have.
        """
        part = copy.copy(self)
        part.spec = self.spec.with_stems(stems)
        part._chosen = tuple(self._chosen[place] for place in self.spec.places_of(stems))
        return part

    def _compute_masks(
        self, spectrogram: Complex[Tensor, "batch channel freq frame"], dtype: torch.dtype
    ) -> tuple[_Masks, _Latent]:
        n_freqs, n_frames = spectrogram.shape[-2:]
        missing = (-n_freqs % self.stride[0], -n_frames % self.stride[1])
        features = F.pad(self._features(spectrogram, dtype), (0, missing[1], 0, missing[0]))
        output = self.network(features)
        masks, latent = output if isinstance(output, tuple) else (output, None)
        expected = (features.shape[0], self._n_stems, *features.shape[1:])
        if tuple(masks.shape) != expected:
            raise ShapeError(
                f"expected masks (batch, stem, channel, freq, frame) = {expected} from the network, "
                f"got {tuple(masks.shape)}"
            )
        masks = self.normalise_output(masks[..., :n_freqs, :n_frames])
        if not masks.is_complex():
            masks = masks.to(spectrogram.real.dtype)
        return self._activate(masks), latent

    def _features(
        self, spectrogram: Complex[Tensor, "batch channel freq frame"], dtype: torch.dtype
    ) -> Float[Tensor, "batch channel freq frame"] | Complex[Tensor, "batch channel freq frame"]:
        if self.domain == "complex":
            return spectrogram
        magnitude = spectrogram.abs()
        features: Tensor = self.normalise_input((magnitude.log1p() if self.scale == "log" else magnitude).to(dtype))
        return features

    def _activate(self, masks: _Masks) -> _Masks:
        match self.activation:
            case "sigmoid":
                return masks.sigmoid()
            case "relu":
                return masks.relu()
            case "softmax":
                return masks.softmax(dim=1)
            case _:
                return masks

    def _separate(
        self, masks: _Masks, spectrogram: Complex[Tensor, "batch channel freq frame"], mixture: Tensor
    ) -> Float[Tensor, "batch chosen channel time"]:
        """The chosen stems' waveforms."""
        n_samples = mixture.shape[-1]
        return istft(self._mask(masks, spectrogram, n_samples), self.stft, n_samples).to(mixture.dtype)

    def _mask(
        self, masks: _Masks, spectrogram: Complex[Tensor, "batch channel freq frame"], n_samples: int
    ) -> Complex[Tensor, "batch chosen channel freq frame"]:
        """The chosen stems' spectrograms, phase decided."""
        method = "mixture" if self.training else self.phase.method
        if method == "wiener":  # its stems depend on each other, so that the choice comes last
            masked = masks * spectrogram.unsqueeze(1)
            return self._choose(wiener_em(masked, spectrogram, self.phase.n_wiener_iterations))
        masked = self._choose(masks) * spectrogram.unsqueeze(1)
        if method == "griffin_lim":
            n, momentum = self.phase.n_griffin_lim_iterations, self.phase.griffin_lim_momentum
            return fast_griffin_lim(masked.abs(), masked, self.stft, n_samples, n, momentum)
        return masked

    def _choose(self, stems: Tensor) -> Tensor:
        is_everything = self._chosen == tuple(range(self._n_stems))
        return stems if is_everything else stems[:, list(self._chosen)]


class BinAffine(nn.Module):
    """A learnable gain (1 at first) and shift for every frequency bin.

    Shape:
        anything that `shape` broadcasts against, to the same.
    """

    def __init__(self, shape: tuple[int, ...], shift: float = 0.0) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(shape))
        self.shift = nn.Parameter(torch.full(shape, shift))

    def forward(self, features: Float[Tensor, "*axes freq frame"]) -> Float[Tensor, "*axes freq frame"]:
        return features * self.gain + self.shift
