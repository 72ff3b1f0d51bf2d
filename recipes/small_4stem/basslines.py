"""Bass lines: patterns of roots, fifths and octaves, lines that follow the kick, walking, off-beat and sub-bass.

A pattern is a string of sixteenths: `R` root, `5` fifth, `8` octave, `3` third, `7` seventh, `a` a step below or
above the next root; `-` holds, `.` rests.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from chords import Chord
from form import Section, Song, jitter_s
from melodies import nearest
from notes import Note

LOWEST, HIGHEST = 28, 55
"""The range of a bass with four strings, and a little more."""

PATTERNS: dict[str, dict[int, tuple[str, ...]]] = {
    "roots": {
        16: (
            "R-R-R-R-R-R-R-R-", "R-R-R-R-R-R-R-a-", "R-----R-R-----R-", "R---R---R---R---", "R-----R-R---5-a-",
            "R--R--R-R--R--a-",
            "R-------R-----a-", "R---R-R-5---5-a-",
        ),
        12: ("R---5---5---", "R-----R-5-a-", "R-R-R-R-R-R-", "R-------5---", "R---R---a---"),
    },
    "sixteenths": {16: ("RRRRRRRRRRRRRRRR", "R.RRR.RRR.RRR.RR", "R-RRR-RRR-RRR-a-"), 12: ("RRRRRRRRRRRR",
    "R-RRR-RRR-RR")},
    "octaves": {
        16: ("R-8-R-8-R-8-R-8-", "R.8.R.8.R.8.a.8.", "R-.8R-.8R-.8R-a-", "R--8--R-8-R-8-a-", "RR8.RR8.RR8.5.8."),
        12: ("R-8-R-8-R-8-", "R---8---8---"),
    },
    "funk": {
        16: (
            "R..R..8...R.7.8.", "R...8.R.....5.7.", "R.RR..8...7.5.a.", "R......8..R..R5.", "R.-8..R.3.5..8a.",
            "R.R.....R.RR8.7.",
            "..R.R.8...R.5.a.", "R--.R.8.R--.7.8.",
        ),
        12: ("R...8.R.5.a.", "R.R...8...a."),
    },
    "walking": {16: ("R---3---5---a---", "R---5---3---a---", "R---8---5---a---",
    "R---3---5--8a---"), 12: ("R---3---a---", "R---5---a---")},
    "two_beat": {16: ("R-......5-......", "R---....5---..a-", "R-----..5-----.."), 12: ("R---........",
    "R-------....")},
    "reggae": {
        16: ("R-..R-R-5-..R-..", "....R-R-8-R-5-..", "R---R-5-8---5-a-", "..R-R-..5-..8-..", "R-5-8-..R-5-R-.."),
        12: ("R-..R-5-8-..",),
    },
    "offbeat": {16: ("..R-..R-..R-..R-", "..RR..RR..RR..RR", ".RRR.RRR.RRR.RRR",
    "..R-..8-..R-..8-"), 12: ("..R-..R-..R-",)},
    "sub": {16: ("R---------------", "R-----------R---", "R-----R---------", "R---------R-----",
    "R-------8-------"), 12: ("R-----------",)},
    "latin": {16: ("R-----5-....8-..", "R-----5-R-----5-", "......5-....R---",
    "R---..5-8---..5-"), 12: ("R---5-..8-..",)},
}  # fmt: skip
"""Lines by kind and by the sixteenths in a bar. The kind `kick` has none: it strikes the root with the kick."""


def play_bass(kind: str, song: Song, section: Section, kicks: Sequence[float], random: Generator) -> list[Note]:
    """The bass of a section.

    Args:
        kicks: Onsets of the kick in seconds, for a line that follows it.
    """
    low = LOWEST + int(random.integers(0, 9))
    start_s, end_s = song.time_s(section.first_bar, 0), song.time_s(section.first_bar + section.n_bars, 0)
    onsets = [onset for onset in kicks if start_s - 0.03 <= onset < end_s - 0.1]
    if kind == "kick" and onsets:
        return _follow(song, onsets, end_s, low, random)
    text = str(random.choice(list(PATTERNS["roots" if kind == "kick" else kind][song.steps])))
    return [note for bar in section.bars for note in _play_bar(text, song, bar, low, random)]


def _play_bar(text: str, song: Song, bar: int, low: int, random: Generator) -> list[Note]:
    notes = []
    for step, sign in enumerate(text):
        if sign in "-.":
            continue
        length = 1 + len(text) - step - 1 - len(text[step + 1 :].lstrip("-"))
        pitch = _pitch(sign, song.chord(bar, step), song.chord(bar + 1), low, random)
        start_s, end_s = song.time_s(bar, step), song.time_s(bar, step + length)
        loudness = 98 if step % 8 == 0 else 88
        notes.append(_note(start_s, (end_s - start_s) * random.uniform(0.8, 1.0), pitch, loudness, random))
    return notes


def _pitch(sign: str, chord: Chord, after: Chord, low: int, random: Generator) -> int:
    root = low + (chord.root - low) % 12
    tones = [*chord.tones, chord.tones[-1]]
    if sign == "a":
        target = nearest(root, (after.root,))
        return target + int(random.choice([-1, -2, 1, 2])) if after != chord else target
    if sign in "357":
        tone = {
            "3": tones[1],
            "5": tones[min(2, len(tones) - 1)],
            "7": tones[3] if len(chord.tones) > 3 else chord.root,
        }[sign]
        return root + ((tone - root) % 12 or 12)
    return root + (12 if sign == "8" else 0)


def _follow(song: Song, onsets: list[float], end_s: float, low: int, random: Generator) -> list[Note]:
    """A root with every kick, held until the next one or for half a bar."""
    notes = []
    for onset, following in zip(onsets, [*onsets[1:], end_s], strict=True):
        held_s = min(following - onset, song.bar_s / 2)
        if held_s < 0.08:
            continue
        bar = song.bar_of(onset)
        chord = song.chord(bar, max(0.0, (onset / song.bar_s - bar) * song.steps))
        pitch = _pitch("R" if random.random() < 0.85 else "8", chord, chord, low, random)
        notes.append(_note(onset, held_s * random.uniform(0.85, 1.0), pitch, 94, random))
    return notes


def _note(start_s: float, duration_s: float, pitch: int, loudness: float, random: Generator) -> Note:
    start_s = max(0.0, start_s + jitter_s(random, 0.004))
    return Note(start_s, max(duration_s, 0.05), fold(pitch), int(np.clip(loudness + random.normal(0, 6), 40, 127)))


def fold(pitch: float) -> float:
    """The same note in the range of a bass."""
    while pitch < LOWEST:
        pitch += 12
    while pitch > HIGHEST:
        pitch -= 12
    return pitch
