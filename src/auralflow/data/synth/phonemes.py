"""Vowels and consonants for singing: formants of an adult male, and how each consonant closes, hisses and opens.

The vowels' first three formants are the averages of Peterson and Barney (1952).
"""

from __future__ import annotations

from dataclasses import dataclass

VOWELS: dict[str, tuple[float, float, float]] = {
    "i": (270.0, 2290.0, 3010.0),
    "e": (530.0, 1840.0, 2480.0),
    "ae": (660.0, 1720.0, 2410.0),
    "a": (730.0, 1090.0, 2440.0),
    "aw": (570.0, 840.0, 2410.0),
    "u": (300.0, 870.0, 2240.0),
    "uh": (640.0, 1190.0, 2390.0),
    "er": (490.0, 1350.0, 1690.0),
}
"""F1, F2, F3 in hertz."""


@dataclass(frozen=True)
class Hiss:
    """Noise made at a constriction in the mouth."""

    centre_hz: float
    bandwidth_hz: float
    level: float
    """Relative to the vowel."""
    duration_s: float


@dataclass(frozen=True)
class Consonant:
    """A consonant before a vowel."""

    duration_s: float
    voicing: float
    """Level of the voice during the consonant, 0 to 1."""
    locus_hz: tuple[float, float, float] | None = None
    """F1, F2, F3 that the vowel's formants come from; None leaves them."""
    hiss: Hiss | None = None
    """Noise that ends where the vowel begins (a burst, for a plosive)."""
    aspiration: float = 0.0
    """Breath in the first part of the vowel."""


CONSONANTS: dict[str, Consonant] = {
    "": Consonant(0.0, 1.0),
    "h": Consonant(0.07, 0.0, None, None, 1.0),
    "s": Consonant(0.11, 0.0, (300.0, 1700.0, 2600.0), Hiss(7200.0, 4500.0, 0.34, 0.11)),
    "sh": Consonant(0.11, 0.0, (300.0, 1900.0, 2500.0), Hiss(3700.0, 2600.0, 0.36, 0.11)),
    "f": Consonant(0.09, 0.0, (300.0, 1100.0, 2200.0), Hiss(7000.0, 9000.0, 0.12, 0.09)),
    "z": Consonant(0.08, 0.4, (300.0, 1700.0, 2600.0), Hiss(7000.0, 4000.0, 0.18, 0.08)),
    "v": Consonant(0.06, 0.45, (300.0, 1100.0, 2200.0), Hiss(6000.0, 8000.0, 0.06, 0.06)),
    "p": Consonant(0.08, 0.0, (250.0, 800.0, 2100.0), Hiss(900.0, 1200.0, 0.3, 0.012), 0.4),
    "t": Consonant(0.08, 0.0, (250.0, 1750.0, 2600.0), Hiss(4800.0, 3500.0, 0.45, 0.018), 0.5),
    "k": Consonant(0.09, 0.0, (250.0, 1900.0, 2200.0), Hiss(2200.0, 1200.0, 0.45, 0.024), 0.5),
    "b": Consonant(0.06, 0.12, (250.0, 800.0, 2100.0), Hiss(800.0, 1000.0, 0.2, 0.008)),
    "d": Consonant(0.06, 0.12, (250.0, 1750.0, 2600.0), Hiss(4200.0, 3000.0, 0.22, 0.01)),
    "g": Consonant(0.06, 0.12, (250.0, 1900.0, 2200.0), Hiss(2000.0, 1200.0, 0.22, 0.014)),
    "m": Consonant(0.07, 0.4, (260.0, 1050.0, 2200.0)),
    "n": Consonant(0.07, 0.4, (260.0, 1600.0, 2500.0)),
    "l": Consonant(0.06, 0.6, (360.0, 1100.0, 2700.0)),
    "r": Consonant(0.07, 0.6, (380.0, 1200.0, 1600.0)),
    "w": Consonant(0.07, 0.6, (300.0, 650.0, 2200.0)),
    "y": Consonant(0.06, 0.6, (280.0, 2250.0, 2900.0)),
}
"""By spelling; the empty onset starts on the vowel."""
