"""SpectrogramNetCausal: a small recurrent mask network that separates a stream while it is heard.

Origin: ours. Frames of 2048 samples that end with the present (`blocks.causal`), a network that knows the past alone
(`blocks.octave_masks`), masks that sum to one on the mixture's own spectrogram:

    mixture --causal STFT--> X --power over running level--> octave bands --LSTM over frames--> masks
                             |                                                                   |
                             +------------------------- masks * X  <-----------------------------+
                                                           |
                                         overlap-add --> stems, `n_fft - 1` samples late

Offline (`forward`) and live (`step`) are the same computation; see `blocks.causal` for the latency. The stems sum to
the mixture and follow its level, and silence gives exact zeros.

Shape:
    `[batch, channel, time]` to `[batch, stem, channel, time]`; in between masks of
    `[batch, stem, channel, freq, frame]`.

The default has 1.5 million parameters and, at 44100 Hz, a latency of 46.4 ms.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

from auralflow.dsp.stft import STFTConfig
from auralflow.errors import ConfigError
from auralflow.estimate import Estimate
from auralflow.models.blocks.causal import CausalFrames, FrameState
from auralflow.models.blocks.octave_bands import check_bands
from auralflow.models.blocks.octave_masks import OctaveMasks, OctaveState
from auralflow.models.blocks.waveform import check_mixture
from auralflow.spec import ModelSpec

SPEC = ModelSpec(("vocals", "drums", "bass", "other"), 44100, 2, segment_samples=6 * 44100, latency_samples=2047)


@dataclass(frozen=True)
class SpectrogramNetCausalConfig:
    """Options of `SpectrogramNetCausal`.

    Raises:
        ConfigError: a size below 1, or a frame that the bands do not divide.
    """

    stft: STFTConfig = field(default_factory=lambda: STFTConfig(2048, 512))
    """Frames; the latency is one sample less than such a frame."""
    n_fine: int = 128
    """Bands of one bin, a multiple of 16; the octaves above have half as many each, up to the Nyquist frequency."""
    n_local: int = 32
    """Features of eight neighbouring bands."""
    n_hidden: int = 192
    """Units of a recurrent layer."""
    n_layers: int = 2
    """Recurrent layers, one after another."""
    n_before: int = 2
    """Frames before the present that a group of bands sees beside it."""

    def __post_init__(self) -> None:
        for name in ("n_local", "n_hidden", "n_layers"):
            if getattr(self, name) < 1:
                raise ConfigError(f"config.{name}: expected 1 or more, got {getattr(self, name)!r}")
        if self.n_before < 0:
            raise ConfigError(f"config.n_before: expected 0 or more, got {self.n_before!r}")
        check_bands(self.n_fine, self.stft.n_fft)


TINY = SpectrogramNetCausalConfig(STFTConfig(256, 64), n_fine=32, n_local=4, n_hidden=8)


@dataclass(frozen=True)
class CausalState:
    """What the model remembers of a stream."""

    frames: FrameState
    network: OctaveState


class SpectrogramNetCausal(nn.Module):
    """A causal mask estimator; see the head of this file.

    Raises:
        ConfigError: the spec promises another latency than the frames have, or mirrored edges.
        ShapeError: another number of channels than `spec.channels` (when called).

    Example:
        >>> import torch
        >>> model = SpectrogramNetCausal(SPEC, TINY)
        >>> stems, state = model.step(torch.zeros(1, 2, 441), model.initial_state())
        >>> stems.shape
        torch.Size([1, 4, 2, 441])
    """

    def __init__(self, spec: ModelSpec, config: SpectrogramNetCausalConfig) -> None:
        super().__init__()
        self.frames = CausalFrames(config.stft)
        if spec.latency_samples is not None and spec.latency_samples < self.frames.latency_samples:
            raise ConfigError(
                f"spec.latency_samples: expected {self.frames.latency_samples} (config.stft.n_fft - 1), "
                f"got {spec.latency_samples}"
            )
        self.spec, self.config = spec, config
        self.network = OctaveMasks(
            spec.channels,
            len(spec.stems),
            n_freqs=config.stft.n_freqs,
            frame_s=config.stft.hop_samples / spec.sample_rate,
            n_fine=config.n_fine,
            n_local=config.n_local,
            n_hidden=config.n_hidden,
            n_layers=config.n_layers,
            n_before=config.n_before,
        )
        self._chosen: tuple[int, ...] | None = None

    def forward(self, mixture: Float[Tensor, "batch channel time"]) -> Float[Tensor, "batch stem channel time"]:
        """The stems of whole signals, aligned."""
        return self.estimate(mixture).stems

    def estimate(self, mixture: Float[Tensor, "batch channel time"]) -> Estimate:
        """The stems, the masks and the transform that targets go through."""
        check_mixture(mixture, self.spec)
        spectrogram = self.transform(mixture)
        masks, _ = self.network(spectrogram, self.network.initial_state(mixture.shape[0]))
        masks = self._choose(masks)
        stems = self.frames.inverse(_apply(masks, spectrogram), mixture.shape[-1])
        return Estimate(stems.to(mixture.dtype), mixture, masks, self.transform)

    def transform(self, waveform: Float[Tensor, "*axes time"]) -> Complex[Tensor, "*axes freq frame"]:
        """The model's own spectrogram."""
        return self.frames.transform(waveform)

    def initial_state(self, batch: int = 1) -> CausalState:
        """Before the beginning of `batch` streams; see `CausalModel`."""
        like = self.network.narrow.weight
        frames = self.frames.initial_state(batch, self.spec.channels, len(self.spec.stems), self.latency_samples, like)
        return CausalState(frames, self.network.initial_state(batch))

    def step(
        self, block: Float[Tensor, "batch channel time"], state: CausalState
    ) -> tuple[Float[Tensor, "batch stem channel time"], CausalState]:
        """Stems as long as the block, late by the latency, and the next state; see `CausalModel`."""
        check_mixture(block, self.spec)
        spectrogram, frames = self.frames.analyse(block, state.frames)
        network = state.network
        masked = spectrogram.unsqueeze(1).expand(-1, len(self.spec.stems), -1, -1, -1)
        if spectrogram.shape[-1]:
            masks, network = self.network(spectrogram, network)
            masked = _apply(self._choose(masks), spectrogram)
        stems, frames = self.frames.synthesise(masked, frames, block.shape[-1])
        return stems.to(block.dtype), CausalState(frames, network)

    @property
    def latency_samples(self) -> int:
        """By how much `step` is late: what the spec says, or the least there can be."""
        promised = self.spec.latency_samples
        return self.frames.latency_samples if promised is None else promised

    def select(self, stems: Sequence[str]) -> SpectrogramNetCausal:
        """The same model, parameters shared, giving only `stems`: masks are still computed for all, waveforms are not.

        Raises:
            UnknownNameError: a stem that the model does not have.
        """
        part = copy.copy(self)
        part.spec = self.spec.with_stems(stems)
        places = self.spec.places_of(stems)
        part._chosen = places if self._chosen is None else tuple(self._chosen[place] for place in places)
        return part

    def _choose(self, masks: Tensor) -> Tensor:
        return masks if self._chosen is None else masks[:, list(self._chosen)]


def _apply(
    masks: Float[Tensor, "batch stem channel freq frame"], spectrogram: Complex[Tensor, "batch channel freq frame"]
) -> Complex[Tensor, "batch stem channel freq frame"]:
    # By parts: torch would make the masks complex first.
    parts = torch.view_as_real(spectrogram).unsqueeze(1) * masks.unsqueeze(-1)
    return torch.view_as_complex(parts)
