"""Everything of a model but its network, where the network draws the stems' complex spectrograms itself.

    mixture --silence after it--> --stft--> X --network, on real and imaginary parts--> stems' X --istft, cut--> stems

There is no mask: what comes out need not have been in the mixture.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn
from torch.nn import functional as F

from auralflow.dsp.stft import STFTConfig, istft, stft
from auralflow.estimate import Estimate
from auralflow.models.blocks.waveform import check_mixture
from auralflow.spec import ModelSpec


@runtime_checkable
class MappingConfig(Protocol):
    """What is read of a model's config here."""

    @property
    def stft(self) -> STFTConfig:
        """Spectrogram that the network sees."""

    def padded_samples(self, n_samples: int) -> int:
        """Length, `n_samples` or more, that has as many frames as the network can take."""


class SpectrogramMappingModel(nn.Module):
    """Wraps a network that turns the mixture's complex spectrogram into those of the stems.

    Args:
        network: works in real numbers only, `[batch, channel, freq, frame, 2]` to `[batch, stem, channel, freq, frame,
            2]`, last the real and the imaginary part. It has no parameters of its own beside those of its parts.

    Shape:
        `[batch, channel, time]` to `[batch, stem, channel, time]`, any time.

    Raises:
        ShapeError: another number of channels than `spec.channels` (when called).
    """

    network: nn.Module

    def __init__(self, spec: ModelSpec, config: MappingConfig, network: nn.Module) -> None:
        super().__init__()
        self.spec, self.config = spec, config
        # Public state dicts have the parts of the network at the root. So the model and its network hold one and the
        # same table of parts, and a part that is replaced in the one (by an adapter, say) is replaced in the other.
        self._modules = network._modules
        self.__dict__["network"] = network
        self._chosen = tuple(range(len(spec.stems)))

    def forward(self, mixture: Float[Tensor, "batch channel time"]) -> Float[Tensor, "batch stem channel time"]:
        """The stems alone."""
        return self.estimate(mixture).stems

    def estimate(self, mixture: Float[Tensor, "batch channel time"]) -> Estimate:
        """Stems, and the transform that targets go through."""
        check_mixture(mixture, self.spec)
        n_samples = mixture.shape[-1]
        n_padded = self.config.padded_samples(n_samples)
        spectrograms = self.separate(self.transform(F.pad(mixture, (0, n_padded - n_samples))))
        stems = istft(spectrograms, self.config.stft, n_padded)[..., :n_samples]
        return Estimate(stems.to(mixture.dtype), mixture, transform=self.transform)

    def transform(self, waveform: Float[Tensor, "*axes time"]) -> Complex[Tensor, "*axes freq frame"]:
        """The model's own spectrogram; half-precision waveforms are transformed in single precision."""
        return stft(waveform, self.config.stft)

    def separate(
        self, spectrogram: Complex[Tensor, "batch channel freq frame"]
    ) -> Complex[Tensor, "batch stem channel freq frame"]:
        """The chosen stems' spectrograms, in the precision of the mixture's."""
        parts = torch.view_as_real(spectrogram)
        stems: Tensor = self.network(parts.to(next(self.parameters()).dtype))
        if self._chosen != tuple(range(stems.shape[1])):
            stems = stems[:, list(self._chosen)]
        real, imag = stems.to(parts.dtype).unbind(-1)
        return torch.complex(real, imag)

    def select(self, stems: Sequence[str]) -> SpectrogramMappingModel:
        """The same model, parameters shared, giving only `stems`: spectrograms are still drawn for all, waveforms not.

        Raises:
            UnknownNameError: a stem that the model does not have.
        """
        part = copy.copy(self)
        part.spec = self.spec.with_stems(stems)
        part._chosen = tuple(self._chosen[place] for place in self.spec.places_of(stems))
        return part
