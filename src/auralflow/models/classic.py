"""Classic: vocals, drums, bass and other by signal processing alone; nothing is trained.

Three questions are asked of every bin of the spectrogram, and masks that sum to one answer them:

1. Is it a hit? A median along frequency against one along time (Fitzgerald 2010): drums. Below 250 Hz the median
   along frequency is short, so that a kick counts; above 5 kHz, where little is steady, a hit needs less evidence.
2. Of the rest, is it the voice? The odds are the product of a prior over frequency and of two cues, each to a power:
   it does not repeat (REPET-SIM, Rafii and Pardo 2012), and it lies in the middle of the stereo image (Avendano and
   Jot 2004), more than the rest of the song does.
3. Of what is left, is it low? Below the cut-off it is bass, above it is other.

Works best on a sung song with a steady kit. It is a modest separator: overtones of the bass go to `other`, solo
instruments in the middle partly to `vocals`, and consonants of the voice to `drums`.

Shape:
    `[batch, channel, time]` to `[batch, stem, channel, time]`, stems vocals, drums, bass, other, whose sum is the
    mixture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from auralflow.dsp.median import running_median
from auralflow.dsp.stft import STFTConfig
from auralflow.errors import ConfigError
from auralflow.models.blocks.cues import TINY as _FLOOR
from auralflow.models.blocks.cues import below, centre_share, loudness, repeating_part
from auralflow.models.blocks.spectrogram import SpectrogramMaskModel
from auralflow.spec import ModelSpec

STEMS = ("vocals", "drums", "bass", "other")
SPEC = ModelSpec(STEMS, 44100, 2, segment_samples=30 * 44100, context_samples=44100)


@dataclass(frozen=True)
class ClassicConfig:
    """Options of `Classic`."""

    stft: STFTConfig = field(default_factory=STFTConfig)
    """Spectrogram that is shared out."""
    steady_s: float = 0.5
    """Length of the median along time, in seconds, against which hits are told."""
    kick_hz: float = 100.0
    """Length of the median along frequency below 250 Hz, in hertz."""
    hit_hz: float = 600.0
    """Length of the median along frequency above, in hertz."""
    lowest_voice_hz: float = 110.0
    """Frequency below which there is no voice."""
    voice_odds: float = 0.7
    """Odds of the voice before any cue."""
    repetition: float = 0.5
    """Power of the cue that the voice does not repeat; 0 leaves it out."""
    centre: float = 0.1
    """Power of the cue that the voice lies in the middle."""
    bass_hz: float = 220.0
    """Frequency below which what is neither drums nor vocals is bass."""

    def __post_init__(self) -> None:
        for name in ("steady_s", "kick_hz", "hit_hz", "bass_hz", "voice_odds"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name}: expected more than 0, got {getattr(self, name)}")
        for name in ("lowest_voice_hz", "repetition", "centre"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name}: expected 0 or more, got {getattr(self, name)}")


class Classic(SpectrogramMaskModel):
    """Separation by three questions; see the head of this file."""

    def __init__(self, spec: ModelSpec, config: ClassicConfig) -> None:
        if spec.stems != STEMS:
            raise ConfigError(f"spec.stems: this model gives {list(STEMS)}, got {list(spec.stems)}")
        super().__init__(spec, config.stft, _Masks(spec, config), domain="complex")
        self.config, self._full_spec = config, spec

    def select(self, stems: Sequence[str]) -> SpectrogramMaskModel:
        """The same separator for some of the stems; drums alone need no search for the voice."""
        part = super().select(stems)
        if tuple(stems) == ("drums",):
            # A shallow copy shares the table of its sub-modules: an assignment would reach the whole model as well.
            part._modules = {**part._modules, "network": _Masks(self._full_spec, self.config, only_drums=True)}
        return part


class _Masks(nn.Module):
    """Complex spectrogram `[batch, channel, freq, frame]` to masks `[batch, stem, channel, freq, frame]`."""

    def __init__(self, spec: ModelSpec, config: ClassicConfig, only_drums: bool = False) -> None:
        super().__init__()
        self.spec, self.config, self.only_drums = spec, config, only_drums
        self.frames_per_s = spec.sample_rate / config.stft.hop_samples
        self.bins_per_hz = config.stft.n_fft / spec.sample_rate

    def forward(self, spectrogram: Tensor) -> Tensor:
        magnitude = loudness(spectrogram)
        drums = self._find_drums(magnitude)
        none = torch.zeros_like(drums)
        vocals = none if self.only_drums else (1 - drums) * self._find_voice(spectrogram, magnitude, drums)
        left = 1 - drums - vocals
        bass = left * self._below(self.config.bass_hz, 30.0, magnitude)
        masks = torch.stack([vocals, drums, bass, left - bass], 1)
        return masks[:, :, None].expand(-1, -1, spectrogram.shape[1], -1, -1)

    def _find_drums(self, magnitude: Tensor) -> Tensor:
        n_frames = round(self.config.steady_s * self.frames_per_s)
        low, high = self._below(250.0, 30.0, magnitude), 1 - self._below(5000.0, 500.0, magnitude)
        middle = (1 - low) * (1 - high)
        short = running_median(magnitude, round(self.config.kick_hz * self.bins_per_hz), dim=-2)
        long = running_median(magnitude, round(self.config.hit_hz * self.bins_per_hz), dim=-2)
        hits = low * short + (1 - low) * long
        # A steady noise floor is as wide as a hit; what of it lasts is no drum.
        floor = middle * running_median(hits, n_frames, dim=-1)
        hits = (hits.square() - floor.square()).clamp(min=0)
        steady = running_median(magnitude, n_frames, dim=-1).square()
        rest = (middle + 0.25 * high) * (magnitude.square() - hits).clamp(min=0)
        return hits / (hits + torch.maximum(steady, rest) + _FLOOR)

    def _find_voice(self, spectrogram: Tensor, magnitude: Tensor, drums: Tensor) -> Tensor:
        config = self.config
        left = (1 - drums) * magnitude
        prior = self._voice_prior(magnitude)
        odds = config.voice_odds * prior * torch.ones_like(left)
        if config.repetition:
            odds = odds * _odds(left, repeating_part(left, 25, round(self.frames_per_s))) ** config.repetition
        if config.centre:
            odds = odds * self._centre_odds(spectrogram, prior * left.square()) ** config.centre
        return odds / (1 + odds)

    def _centre_odds(self, spectrogram: Tensor, weight: Tensor) -> Tensor:
        """How much more in the middle a bin is than the whole is on average; 1 everywhere in a mono recording."""
        share = centre_share(spectrogram)
        mean = (share * weight).sum((1, 2), keepdim=True) / (weight.sum((1, 2), keepdim=True) + _FLOOR)
        return (share + 0.1) / (1.1 - share) * (1.1 - mean) / (mean + 0.1)

    def _voice_prior(self, magnitude: Tensor) -> Tensor:
        """Odds of the voice by frequency: falling below 400 Hz and above 3 kHz, none below the lowest note."""
        n_freqs = magnitude.shape[1]
        freqs_hz = torch.arange(n_freqs, device=magnitude.device, dtype=magnitude.dtype) / self.bins_per_hz
        freqs_hz = freqs_hz.clamp(min=1.0)
        shape = (freqs_hz / 400).clamp(max=1).square() * (3000 / freqs_hz).clamp(max=1)
        return (shape[:, None]) * (1 - self._below(self.config.lowest_voice_hz, 15.0, magnitude))

    def _below(self, cutoff_hz: float, width_hz: float, magnitude: Tensor) -> Tensor:
        return below(cutoff_hz, width_hz, magnitude.shape[1], self.spec.sample_rate, magnitude)


def _odds(whole: Tensor, part: Tensor) -> Tensor:
    """Odds that a bin is not `part`, kept between 1/11 and 11."""
    return (whole - part + 0.1 * whole + _FLOOR) / (part + 0.1 * whole + _FLOOR)
