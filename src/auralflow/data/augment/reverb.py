"""In a room: reverberation of a drawn room, mixed with the dry stem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch

from auralflow.audio.types import Samples
from auralflow.data.augment._ranges import Range, check_range, draw, draw_octaves
from auralflow.data.augment._tensors import to_samples, to_tensor
from auralflow.dsp.convolution import convolve
from auralflow.dsp.reverb import Room, room_response


@dataclass(frozen=True)
class Reverb:
    """The stem with the sound of a room: `(x + w (h * x)) / sqrt(1 + w^2)`, with a response `h` of unit energy.

    So noise keeps its power. Each channel has a response of its own.

    Source: the room is that of `auralflow.dsp.reverb`.

    Raises:
        ConfigError: a range that is none.
    """

    SCOPE: ClassVar[Literal["stem", "song"]] = "stem"

    wet_db: Range = (-20.0, -6.0)
    """Least and greatest level of the room re the dry stem, in dB."""
    decay_s: Range = (0.2, 1.2)
    """Decay times (60 dB, low frequencies), in seconds."""
    damping_hz: Range = (2000.0, 10000.0)
    """Frequencies at which the decay time is halved."""
    pre_delay_s: Range = (0.001, 0.03)
    """Times before the first reflection, in seconds."""

    def __post_init__(self) -> None:
        check_range("wet_db", self.wet_db, -80, 40)
        check_range("decay_s", self.decay_s, 0.02, 20)
        check_range("damping_hz", self.damping_hz, 100, 1e6)
        check_range("pre_delay_s", self.pre_delay_s, 1e-4, 1)

    def __call__(self, samples: Samples, sample_rate: int, random: np.random.Generator) -> Samples:
        wet = 10 ** (draw(random, self.wet_db) / 20)
        room = Room(
            draw_octaves(random, self.decay_s),
            draw_octaves(random, self.damping_hz),
            draw_octaves(random, self.pre_delay_s),
        )
        shape = (samples.shape[0], room.n_samples(sample_rate))
        noise = torch.from_numpy(random.standard_normal(shape, np.float32))
        chance = torch.from_numpy(random.random(shape, np.float32))
        dry = to_tensor(samples)
        room_sound = convolve(dry, room_response(noise, chance, room, sample_rate))
        return to_samples(room_sound.mul_(wet).add_(dry).mul_((1 + wet * wet) ** -0.5))
