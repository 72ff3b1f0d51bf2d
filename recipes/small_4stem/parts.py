"""What a score is: the notes of every stem, and what plays them."""

from __future__ import annotations

from dataclasses import dataclass

from notes import Note


@dataclass(frozen=True)
class Part:
    """One player of the accompaniment, beside drums and bass."""

    role: str
    """What it does: chords, riff, strum, arpeggio, pad, stab, pluck, lead, counter, or the name `mma` gives it."""
    program: int
    """Instrument as General MIDI numbers it, 0 to 127."""
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Score:
    """A song, note by note. A part that is silent has no notes."""

    tempo_bpm: float
    """Quarter notes per minute."""
    style: str
    drums: tuple[Note, ...]
    bass: tuple[Note, ...]
    bass_program: int
    others: tuple[Part, ...]
    melody: tuple[Note, ...]
    """What the singer sings."""
    harmony: tuple[Note, ...]
    """A second voice under or over some phrases of the melody."""
    sections: tuple[tuple[str, float, float], ...]
    """Name, start and end in seconds."""
