"""Keys, chords, progressions and voice leading."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from auralflow.errors import ConfigError

NOTE_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_ALIASES = {"DB": 1, "D#": 3, "GB": 6, "G#": 8, "A#": 10}
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}

PROGRESSIONS = {
    "major": ((0, 4, 5, 3), (0, 5, 3, 4), (3, 0, 4, 5), (5, 3, 0, 4), (0, 2, 3, 4), (0, 3, 1, 4), (1, 4, 0, 5)),
    "minor": ((0, 5, 2, 6), (0, 3, 5, 4), (0, 6, 5, 6), (0, 5, 3, 4), (5, 6, 0, 2), (0, 2, 6, 3), (3, 0, 5, 4)),
}
"""Four-bar progressions by scale degree, 0 is the tonic."""


@dataclass(frozen=True)
class Key:
    """A tonic (pitch class, 0 is C) and a mode."""

    tonic: int
    mode: str

    @property
    def name(self) -> str:
        return f"{NOTE_NAMES[self.tonic]} {self.mode}"

    @property
    def scale(self) -> tuple[int, ...]:
        """Pitch classes from the tonic upwards."""
        return tuple((self.tonic + step) % 12 for step in _SCALES[self.mode])

    @classmethod
    def parse(cls, text: str) -> Key:
        """Read a name such as `A minor` or `F# major`.

        Raises:
            ConfigError: it is no such name.

        Example:
            >>> Key.parse("Bb major").tonic
            10
        """
        known = {name.upper(): index for index, name in enumerate(NOTE_NAMES)} | _ALIASES
        note, _, mode = text.strip().partition(" ")
        if note.upper() not in known or mode not in _SCALES:
            raise ConfigError(f"song.key: expected a key such as 'A minor' or 'Bb major', got {text!r}")
        return cls(known[note.upper()], mode)


@dataclass(frozen=True)
class Chord:
    """A chord of a key, and the scale that fits it."""

    root: int
    """Pitch class of the root."""
    tones: tuple[int, ...]
    """Pitch classes from the root upwards: three, or four with a seventh."""
    scale: tuple[int, ...]
    """Seven pitch classes that sound right over the chord."""


def build_chord(key: Key, degree: int, seventh: bool = False) -> Chord:
    """Stack thirds on a degree of the scale; the fifth degree of a minor key takes the leading note."""
    scale = list(key.scale)
    if key.mode == "minor" and degree == 4:
        scale[6] = (key.tonic + 11) % 12
    tones = tuple(scale[(degree + third) % 7] for third in ((0, 2, 4, 6) if seventh else (0, 2, 4)))
    return Chord(tones[0], tones, tuple(scale))


def lead_voices(chords: list[Chord], centre: int) -> list[tuple[int, ...]]:
    """A close position (MIDI numbers) for every chord, so that the voices move as little as they can.

    Of all inversions around `centre`, each chord takes the one nearest to the one before.
    """
    voicings: list[tuple[int, ...]] = []
    for chord in chords:
        options = _close_positions(chord.tones, centre)
        before = voicings[-1] if voicings else None
        voicings.append(min(options, key=lambda option: _movement(option, before, centre)))
    return voicings


def _close_positions(tones: tuple[int, ...], centre: int) -> list[tuple[int, ...]]:
    positions = []
    for lowest in range(centre - 12, centre + 6):
        if lowest % 12 in tones:
            rest = sorted(lowest + (tone - lowest) % 12 for tone in tones if tone != lowest % 12)
            positions.append((lowest, *rest))
    return positions


def _movement(option: tuple[int, ...], before: tuple[int, ...] | None, centre: int) -> float:
    off_centre = abs(float(np.mean(option)) - centre)
    if before is None:
        return off_centre
    pairs = itertools.zip_longest(option, before[: len(option)], fillvalue=before[-1])
    return sum(abs(new - old) for new, old in pairs) + 0.4 * off_centre


def nearest_pitch(midi: float, pitch_classes: tuple[int, ...]) -> int:
    """The MIDI note of one of the pitch classes that is nearest to `midi` (the lower one of two)."""
    candidates = range(int(midi) - 12, int(midi) + 13)
    return min((note for note in candidates if note % 12 in pitch_classes), key=lambda note: (abs(note - midi), note))


def step_in_scale(midi: int, n_steps: int, scale: tuple[int, ...]) -> int:
    """Move up or down by scale steps."""
    direction = 1 if n_steps > 0 else -1
    for _ in range(abs(n_steps)):
        midi += direction
        while midi % 12 not in scale:
            midi += direction
    return midi
