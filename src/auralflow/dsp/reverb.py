"""The sound of a room that does not exist: noise that thins out towards its beginning and decays.

Late reverberation is Gaussian noise with an exponential decay (Moorer 1979, "About this reverberation business"), the
faster the higher the frequency. Reflections arrive the more often the later it is: the number per second grows as
time squared (Kuttruff, "Room acoustics", the image sources of a box). Hence before the mixing time `m` a sample of the
noise is kept with probability `(t / m)^2` and is stronger in return: single echoes at first, the same energy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from auralflow.dsp.stft import STFTConfig, istft, stft
from auralflow.errors import ConfigError

_LOG_60_DB = math.log(1000)
_FRAME_S = 0.006
_LEAST_DENSITY = 1e-3
_FADE = 0.05
_ENERGY_BLOCK = 256


@dataclass(frozen=True)
class Room:
    """How a room sounds.

    Raises:
        ConfigError: a decay, damping or mixing time that is not positive, or a negative delay.
    """

    decay_s: float = 0.8
    """Time in which the lowest frequencies fall by 60 dB (RT60)."""
    damping_hz: float = 6000.0
    """Frequency at which that time is halved; infinite for the same time everywhere."""
    pre_delay_s: float = 0.01
    """Time before the first reflection."""
    mixing_s: float = 0.05
    """Time after which reflections are too many to tell apart."""

    def __post_init__(self) -> None:
        for name in ("decay_s", "damping_hz", "mixing_s"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"room.{name}: expected more than 0, got {getattr(self, name)!r}")
        if not self.pre_delay_s >= 0:
            raise ConfigError(f"room.pre_delay_s: expected 0 seconds or more, got {self.pre_delay_s!r}")

    def n_samples(self, sample_rate: int) -> int:
        """Length of the noise that the response is made of: as long as the decay."""
        return max(1, round(self.decay_s * sample_rate))


def room_response(
    noise: Float[Tensor, "*axes time"], chance: Float[Tensor, "*axes time"], room: Room, sample_rate: int
) -> Float[Tensor, "*axes tail"]:
    """Impulse responses of a room, of unit energy each, without the direct sound.

    Args:
        noise: Gaussian, `room.n_samples` long; independent for each channel, so that the sound is wide.
        chance: uniform from 0 to 1; decides which early reflections there are.
        room: the room.
        sample_rate: of the responses.

    Shape:
        `[*axes, time]` twice to `[*axes, pre_delay + time]`. Silent noise gives a silent response.

    Example:
        >>> room, random = Room(decay_s=0.5), torch.Generator().manual_seed(0)
        >>> shape = (2, room.n_samples(44100))
        >>> response = room_response(
        ...     torch.randn(shape, generator=random), torch.rand(shape, generator=random), room, 44100
        ... )
        >>> response.square().sum(-1)
        tensor([1.0000, 1.0000])
    """
    n_samples = noise.shape[-1]
    time_s = torch.arange(n_samples).to(noise) / sample_rate
    density = (time_s / room.mixing_s).square().clamp(_LEAST_DENSITY, 1)
    reflections = torch.where(chance < density, noise, 0) * density.rsqrt()
    tail = _decay(reflections, room, sample_rate)
    tail = tail * ((1 - torch.arange(n_samples).to(noise) / n_samples) / _FADE).clamp(max=1)
    tail = tail / _norm(tail).clamp(min=1e-12)
    return F.pad(tail, (round(room.pre_delay_s * sample_rate), 0))


def _decay(noise: Float[Tensor, "*axes time"], room: Room, sample_rate: int) -> Float[Tensor, "*axes time"]:
    """Noise times `exp(-ln(1000) t (1 + f / damping) / decay)`, in short frames."""
    config = STFTConfig(n_fft := 2 * max(1, round(_FRAME_S * sample_rate)), n_fft // 2)
    spectrogram = stft(noise, config)
    freqs_hz = torch.arange(config.n_freqs).to(noise) * sample_rate / n_fft
    time_s = torch.arange(spectrogram.shape[-1]).to(noise) * config.hop_samples / sample_rate
    rate = (1 + freqs_hz / room.damping_hz) * (_LOG_60_DB / room.decay_s)
    return istft(spectrogram * torch.exp(-rate[:, None] * time_s), config, noise.shape[-1])


def _norm(signal: Float[Tensor, "*axes time"]) -> Float[Tensor, "*axes 1"]:
    # Summed in blocks: one long sum may be split between threads, and would depend on their number.
    padded = F.pad(signal, (0, -signal.shape[-1] % _ENERGY_BLOCK))
    blocks = padded.square().view(*padded.shape[:-1], -1, _ENERGY_BLOCK)
    return blocks.sum(-1).sum(-1, keepdim=True).sqrt()
