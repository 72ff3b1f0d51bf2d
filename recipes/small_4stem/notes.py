"""What is played: notes, as every player of this recipe takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RATE = 44_100
"""Samples per second of everything that is rendered."""

STEMS = ("vocals", "drums", "bass", "other")

Sound = npt.NDArray[np.float32]
"""Samples, axes (channel, time), or (time) where it is said to be mono."""


@dataclass(frozen=True)
class Note:
    """One note of one part."""

    start_s: float
    """When it begins, from the start of the song."""
    duration_s: float
    """How long the key is held."""
    pitch: float
    """MIDI number; 60 is middle C. For drums the key of General MIDI: 36 is the kick, 38 the snare."""
    velocity: int
    """How hard, 1 to 127."""
