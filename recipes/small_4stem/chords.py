"""Keys, chords and progressions.

Progressions are written in Roman numerals over the major scale of the tonic, the usual way of songbooks: `bVII` is
a major chord a whole tone below the tonic, `ii7` a minor seventh chord. The tables hold what is common in each kind
of music.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from numpy.random import Generator

NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
MODES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "blues": (0, 3, 5, 6, 7, 10),
}
_QUALITIES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "M7": (0, 4, 7, 11),
    "dim": (0, 3, 6),
    "m7b5": (0, 3, 6, 10),
    "sus4": (0, 5, 7),
    "sus2": (0, 2, 7),
    "5": (0, 7),
    "9": (0, 4, 7, 10, 2),
    "6": (0, 4, 7, 9),
}
_DEGREES = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}
_NUMERAL = re.compile(r"(b|#)?(VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)(.*)")

PROGRESSIONS = {
    "major": (
        "I V vi IV | I vi IV V | vi IV I V | IV I V vi | I IV V V | I IV I V | I iii IV V | I IV vi V | IV V iii "
        "vi | I ii IV V | ii IV I V | I V IV IV | vi V IV V | I IV ii V | I V ii IV | I iii vi IV | IV iv I I | I "
        "I IV IV | I/V vi/iii IV/I IV/V | I Isus4 IV V | I III7 vi IV | IV V vi I | I II7 IV I | I IM7 I7 IV | vi "
        "iii IV I"
    ),
    "minor": (
        "i bVI bIII bVII | i bVII bVI bVII | i iv V i | i bIII bVII iv | i iv bVI V | bVI bVII i i | i v bVI bVII "
        "| i bVII bVI V | i bVI iv V7 | i i bVI bVII | iv i V i | i bIII iv bVI | i7 iv7 bVIIM7 bIIIM7 | bVI bIII "
        "bVII i | i bII i bVII | i iim7b5 V7 i"
    ),
    "dorian": ("i7 IV7 | i IV i IV | i7 ii7 bIII IV | i bVII IV i | i7 i7 IV7 IV7 | i bIII IV i | i7 v7 IV7 i7"),
    "mixolydian": ("I bVII IV I | I bVII I bVII | I v IV I | I7 bVII IV IV | I bVII bVII IV | I IV bVII IV"),
    "blues": (
        "I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7 | I7 IV7 I7 I7 IV7 IV7 I7 I7 V7 V7 I7 V7 | I7 I7 IV7 IV7 V7 IV7 "
        "I7 I7 | i7 i7 i7 i7 iv7 iv7 i7 i7 bVI7 V7 i7 V7 | I7 IV7 I7 V7 | I7 bIII IV7 I7"
    ),
    "jazz": (
        "ii7 V7 IM7 IM7 | ii7/V7 IM7/vi7 | IM7/vi7 ii7/V7 | iii7/VI7 ii7/V7 | IM7 IVM7 iii7/VI7 ii7/V7 | ii7 V7 "
        "iii7 VI7 | iim7b5 V7 i7 i7 | i7 iv7 bVIIM7 bIIIM7 bVIM7 iim7b5 V7 i7 | IM7 bIII7 ii7 V7 | I6 VI9 II9 V9 "
        "| IM7 IVM7 bVII7 IM7 | i7 i7 iv7 V7 | IM7/i7 bVII7/bIIIM7 bVI7 V7"
    ),
    "metal": (
        "i5 i5 bVI5 bVII5 | i5 bII5 i5 bVII5 | i5 bVI5/bVII5 i5 bV5 | i5 i5 i5 bIII5/bII5 | i5 bIII5 bVI5 bVII5 | "
        "i5 bVII5 bVI5 V5 | i5 iv5 bVI5 bV5 | i5 i5 iv5 bVI5/V5"
    ),
    "rock": (
        "I5 bIII5 IV5 I5 | I5 IV5 V5 IV5 | I5 bVII5 IV5 IV5 | i5 bIII5 bVII5 IV5 | I5 V5 bVII5 IV5 | I5 IV5 "
        "I5/bVII5 IV5 | I5 V5 vi5 IV5 | i5 bVI5 bIII5 bVII5 | I IV bVII V"
    ),
    "funk": (
        "i7 | I9 | i7 IV9 | I9 I9 IV9 I9 | i7 i7 bVI7/V7 i7 | i7/bVII i7/IV7 | ii7 V9 | I9 bVII9 | ii7/V9 IM7/vi7"
    ),
    "vamp": ("i | i bVII | i bVI | I bVII | i i bVI bVI | i iv | I IV | I ii | bVI bVII i i | i bIII"),
}
"""Progressions by mode or kind; parted by `|`; the two chords of a bar are joined by a slash."""

_WALKS = {
    "major": {
        "I": "IV V vi ii iii IV",
        "ii": "V V IV vi",
        "iii": "vi IV",
        "IV": "V I ii V iv",
        "V": "I vi I IV",
        "vi": "IV ii V iii",
        "iv": "I",
    },
    "minor": {
        "i": "bVI iv bVII bIII v",
        "bIII": "bVII bVI iv",
        "iv": "V i bVII",
        "v": "bVI i iv",
        "bVI": "bVII bIII iv V",
        "bVII": "i bIII bVI",
        "V": "i bVI",
    },
}
"""Where a chord likes to go."""


@dataclass(frozen=True)
class Chord:
    """A chord of the song."""

    root: int
    """Pitch class, 0 is C."""
    quality: str

    @property
    def tones(self) -> tuple[int, ...]:
        """Pitch classes from the root upwards."""
        return tuple((self.root + step) % 12 for step in _QUALITIES[self.quality])

    @property
    def name(self) -> str:
        """As chord charts (and `mma`) write it."""
        return NAMES[self.root] + self.quality


@dataclass(frozen=True)
class Key:
    """A tonic (pitch class) and a mode."""

    tonic: int
    mode: str

    @property
    def scale(self) -> tuple[int, ...]:
        """Pitch classes from the tonic upwards."""
        return tuple((self.tonic + step) % 12 for step in MODES[self.mode])

    def scale_over(self, chord: Chord) -> tuple[int, ...]:
        """The scale bent to the chord: its foreign tones take the place of their neighbours."""
        if self.mode == "blues":
            return self.scale
        foreign = [tone for tone in chord.tones if tone not in self.scale]
        beside = {(tone + step) % 12 for tone in foreign for step in (-1, 1)} - set(chord.tones)
        return tuple(sorted((set(self.scale) - beside) | set(foreign)))


def read_chord(numeral: str, tonic: int) -> Chord:
    """A chord from a Roman numeral.

    Example:
        >>> read_chord("bVII", 0).name
        'Bb'
    """
    found = _NUMERAL.fullmatch(numeral)
    if found is None:
        raise ValueError(f"no such chord: {numeral!r}")
    accidental, degree, suffix = found.groups()
    shift = {"b": -1, "#": 1, None: 0}[accidental]
    is_minor = degree.islower() and suffix in ("", "7")
    return Chord((tonic + _DEGREES[degree.upper()] + shift) % 12, ("m" if is_minor else "") + suffix)


def draw_progression(kinds: Sequence[str], key: Key, random: Generator) -> tuple[tuple[Chord, ...], ...]:
    """Bars of one or two chords: a progression of the tables or, one time in five, a walk."""
    if key.mode in _WALKS and random.random() < 0.2:
        bars = _walk(_WALKS[key.mode], int(random.choice([4, 8])), random)
    else:
        table = PROGRESSIONS[str(random.choice(list(kinds)))].split(" | ")
        bars = str(random.choice(_fitting(table, key))).split()
    return _read_bars(bars, key)


def _read_bars(bars: Sequence[str], key: Key) -> tuple[tuple[Chord, ...], ...]:
    return tuple(tuple(read_chord(numeral, key.tonic) for numeral in bar.split("/")) for bar in bars)


def _fitting(table: list[str], key: Key) -> list[str]:
    """The progressions with few tones foreign to the key; if there are none, the third that has the fewest."""
    foreign = {text: _count_foreign(text, key) for text in table}
    ranked = sorted(table, key=lambda text: foreign[text])
    return [text for text in table if foreign[text] < 0.17] or ranked[: -(-len(ranked) // 3)]


def _count_foreign(text: str, key: Key) -> float:
    tones = [tone for bar in _read_bars(text.split(), key) for chord in bar for tone in chord.tones]
    return sum(tone not in key.scale for tone in tones) / len(tones)


def _walk(moves: dict[str, str], n_bars: int, random: Generator) -> list[str]:
    bars = [str(random.choice(list(moves)))]
    while len(bars) < n_bars:
        bars.append(str(random.choice(moves[bars[-1]].split())))
    return bars
