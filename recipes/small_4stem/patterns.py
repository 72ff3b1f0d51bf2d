"""Drum patterns as machines and loud bands play them: house, trap, breakbeats, half time, blast beats and more.

One string of sixteenths for each piece; a digit is how hard it is struck (9 hardest), `.` a rest, `r` a roll of
three in the place of two. Bars in three (and six eighths) have twelve.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from form import Section, Song, jitter_s
from notes import Note

KEYS = {"kick": 36, "snare": 38, "rim": 37, "clap": 39, "hat": 42, "open": 46, "pedal": 44, "ride": 51, "bell": 53}
KEYS |= {"crash": 49, "china": 52, "tom1": 50, "tom2": 47, "tom3": 43, "tambourine": 54, "shaker": 70, "cowbell": 56}
_FOUR, _BACK, _OFF = "9...9...9...9...", "....9.......9...", "..8...8...8...8."
_EIGHTHS, _SIXTEENTHS = "8.6.8.6.8.6.8.6.", "8364836483648364"

PATTERNS: dict[str, tuple[dict[str, str], ...]] = {
    "house": (
        {"kick": _FOUR, "clap": _BACK, "open": _OFF, "hat": "5.5.5.5.5.5.5.5."},
        {"kick": _FOUR, "clap": _BACK, "hat": _SIXTEENTHS, "open": _OFF},
        {"kick": _FOUR, "snare": "....9..4.4..9..5", "open": _OFF, "shaker": _SIXTEENTHS},
        {"kick": "9...9...9...9.7.", "open": _OFF, "rim": "...6..6....6..6."},
        {"kick": _FOUR, "clap": _BACK, "tambourine": _OFF, "cowbell": "6.6..6.6.6..6..."},
    ),
    "trap": (
        {"kick": "9......7..9.....", "clap": "........9.......", "hat": "8.8.8.rr8.8.8.8."},
        {
            "kick": "9.....8..7......",
            "snare": "........9.......",
            "hat": "8.888.8.8.8.rrrr",
            "open": "......7.........",
        },
        {"kick": "9..8......9..8..", "clap": "........9......5", "hat": "8686868686868686"},
        {"kick": "9.........9.8...", "snare": "........9.......", "hat": "rr8.8.8.8.rr8.8."},
    ),
    "hiphop": (
        {"kick": "9.....8...9.....", "snare": _BACK, "hat": _EIGHTHS},
        {"kick": "9..8......98....", "snare": "....9..3.3..9...", "hat": _EIGHTHS, "open": "..............7."},
        {"kick": "9.7....7..9.....", "clap": _BACK, "hat": "8.8.8.888.8.8.8."},
    ),
    "breakbeat": (
        {"kick": "9.9.......99....", "snare": "....9..4.4..9..4", "hat": _EIGHTHS},
        {"kick": "9.........9.....", "snare": "....9.......9...", "hat": _EIGHTHS},
        {"kick": "9.9...9...9.....", "snare": "....9..4.4..9.94", "ride": _EIGHTHS},
        {"kick": "9.....9.9.......", "snare": "....9..4.4.4.9..", "hat": _SIXTEENTHS},
    ),
    "half_time": (
        {"kick": "9.....8...8.....", "snare": "........9.......", "hat": _EIGHTHS},
        {"kick": "9..8..8.....8.8.", "snare": "........9.......", "china": "8...8...8...8..."},
        {"kick": "9.99..9...9.9...", "snare": "........9.......", "crash": "8...7...8...7..."},
    ),
    "rock": (
        {"kick": "9.......9.8.....", "snare": _BACK, "hat": _EIGHTHS},
        {"kick": "9.....8.9.......", "snare": _BACK, "ride": _EIGHTHS},
        {"kick": "9.8...8.9.8...8.", "snare": _BACK, "crash": "8...7...8...7..."},
        {"kick": "9.......9.......", "snare": _BACK, "open": "8.7.8.7.8.7.8.7."},
        {"kick": "9...9...9...9...", "snare": "....9.......9.9.", "tom3": "8.6.8.6.8.6.8.6."},
    ),
    "punk": (
        {"kick": "9..79...9..79...", "snare": "..9...9...9...9.", "hat": "8.8.8.8.8.8.8.8."},
        {"kick": "9...9...9...9...", "snare": "..9...9...9...9.", "crash": "8...8...8...8..."},
    ),
    "double_kick": (
        {"kick": "9898989898989898", "snare": _BACK, "ride": "9...8...9...8..."},
        {"kick": "9.889.889.889.88", "snare": _BACK, "hat": "9...8...9...8..."},
        {"kick": "98.98.98.98.9.9.", "snare": "........9.......", "china": "9...8...9...8..."},
        {"kick": "9898989898989898", "snare": "..9...9...9...9.", "crash": "9...8...9...8..."},
    ),
    "blast": (
        {"kick": "9.9.9.9.9.9.9.9.", "snare": ".9.9.9.9.9.9.9.9", "ride": "9.9.9.9.9.9.9.9."},
        {"kick": "9898989898989898", "snare": "9.9.9.9.9.9.9.9.", "crash": "9...8...9...8..."},
    ),
    "one_drop": (
        {"kick": "........9.......", "rim": "........9.......", "hat": _EIGHTHS},
        {"kick": _FOUR, "rim": "........9.....5.", "hat": "8.6.8.668.6.8.6.", "open": "......7........."},
        {"kick": "........9.......", "snare": "........8..4....", "hat": "..8...8...8...8."},
    ),
    "dembow": (
        {"kick": _FOUR, "snare": "...8..8....8..8.", "hat": _EIGHTHS},
        {"kick": "9.......9.......", "rim": "...8..8....8..8.", "shaker": _SIXTEENTHS},
    ),
    "funk": (
        {"kick": "9..7..8...9..7..", "snare": "....9..2.3..9..2", "hat": _SIXTEENTHS},
        {"kick": "9.8.......8..7..", "snare": "..2.9..3.2..9.2.", "hat": _EIGHTHS, "open": "......7......7.."},
        {"kick": _FOUR, "snare": _BACK, "open": _OFF, "tambourine": _SIXTEENTHS},
    ),
    "soft": (
        {"kick": "9.........8.....", "rim": "........8.......", "hat": "7.4.6.4.7.4.6.4."},
        {"kick": "9.......7.......", "rim": _BACK, "shaker": _SIXTEENTHS},
        {"kick": "9.......6.......", "tambourine": "....8.......8..."},
    ),
    "swing": (
        {
            "kick": "3...3...3...3...",
            "ride": "8...8.6.8...8.6.",
            "pedal": "....8.......8...",
            "snare": "......3......2..",
        },
        {"kick": "5.........4.....", "ride": "8...8.6.8...8.6.", "pedal": "....8.......8..."},
    ),
    "three": (
        {"kick": "9...........", "snare": "....7...7...", "hat": "8.6.8.6.8.6."},
        {"kick": "9.......6...", "rim": "....8.......", "ride": "8...8.6.8.6."},
        {"kick": "9...........", "pedal": "....7...7...", "snare": "....4...4..."},
    ),
    "six": (
        {"kick": "9...........", "snare": "......9.....", "hat": "8.6.6.8.6.6."},
        {"kick": "9...6.....7.", "snare": "......9.....", "ride": "8.6.6.8.6.6."},
        {"kick": "9.....9.....", "snare": "......9...4.", "open": "8.....7....."},
    ),
}
"""Patterns by kind."""


def play_pattern(kind: str, song: Song, section: Section, random: Generator) -> list[Note]:
    """One section of a pattern: a crash at its start, now and then; a fill at its end, mostly."""
    patterns = PATTERNS[{"4/4": kind, "3/4": "three", "6/8": "six"}[song.metre]]
    pattern = patterns[int(random.integers(len(patterns)))]
    lengths = [4, 6, 8] if song.steps == 16 else [4, 6]
    fill_steps = int(random.choice(lengths)) if random.random() < 0.75 else 0
    notes: list[Note] = []
    for bar in section.bars:
        until = song.steps - (fill_steps if bar == section.bars[-1] else 0)
        for piece, text in pattern.items():
            notes.extend(_play_piece(KEYS[piece], text[:until], song, bar, random))
    if fill_steps:
        notes.extend(_fill(song, section.bars[-1], fill_steps, random))
    if random.random() < 0.6:
        notes.append(_hit(song, section.first_bar, 0, KEYS["crash"], 108, random))
    return notes


def _play_piece(key: int, text: str, song: Song, bar: int, random: Generator) -> list[Note]:
    notes: list[Note] = []
    for step, sign in enumerate(text):
        offsets = {".": (), "r": (0.0, 0.333, 0.667)}.get(sign, (0.0,))
        loudness = 84.0 if sign == "r" else 14.0 + 12.0 * int(sign) if sign.isdigit() else 0.0
        notes.extend(_hit(song, bar, step + offset, key, loudness, random) for offset in offsets)
    return notes


def _fill(song: Song, bar: int, n_steps: int, random: Generator) -> list[Note]:
    """A run over the snare and downwards over the toms, louder and louder."""
    pieces = [[38, 50, 47, 43], [38, 38, 38, 38], [50, 47, 43, 43], [38, 43, 38, 43]][int(random.integers(4))]
    notes = []
    for number in range(n_steps):
        if random.random() < 0.8:
            loudness = 70 + 40 * number / n_steps
            key = pieces[number * len(pieces) // n_steps]
            notes.append(_hit(song, bar, song.steps - n_steps + number, key, loudness, random))
    return notes


def _hit(song: Song, bar: int, step: float, key: int, loudness: float, random: Generator) -> Note:
    start_s = max(0.0, song.time_s(bar, step) + jitter_s(random, 0.003))
    return Note(start_s, 0.1, key, int(np.clip(loudness + random.normal(0, 4), 10, 127)))
