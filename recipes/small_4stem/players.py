"""Players of the accompaniment that a chart program lacks: riffs, strums, arpeggios, pads, stabs.

Rhythms are strings of sixteenths: `X` is an accent, `x` a softer stroke, `-` holds, `.` rests. A bar in three has
twelve.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from chords import Chord
from form import Section, Song, jitter_s
from melodies import nearest, step_in
from notes import Note
from rhythms import RHYTHMS, Stroke, read_strokes, vary


@dataclass(frozen=True)
class Player:
    """A player and its instruments."""

    role: str
    way: str
    """How it plays, one of `_WAYS`."""
    rhythms: str
    """Which of `RHYTHMS`."""
    programs: tuple[int, ...]
    """General MIDI instruments to draw from."""
    centre: int = 62
    """MIDI number about which it plays."""


PLAYERS = {
    "acoustic_strum": Player("strum", "strum", "strum", (24, 25, 25, 105), 56),
    "electric_strum": Player("strum", "strum", "strum", (26, 27, 27, 29), 56),
    "power_chords": Player("riff", "power", "power", (29, 30, 30), 44),
    "palm_mutes": Player("riff", "power", "chug", (28, 29, 30, 30), 42),
    "riff": Player("riff", "riff", "power", (29, 30, 27, 7, 81), 45),
    "funk_guitar": Player("chords", "block", "scratch", (27, 28, 26), 66),
    "clavinet": Player("chords", "block", "scratch", (7, 7, 4), 60),
    "skank": Player("chords", "block", "skank", (27, 16, 0, 17), 64),
    "picked_guitar": Player("arpeggio", "arpeggio", "even", (24, 25, 26, 27), 57),
    "piano": Player("chords", "block", "comp", (0, 1, 2, 3), 62),
    "piano_arpeggio": Player("arpeggio", "arpeggio", "even", (0, 0, 1, 4, 11), 64),
    "electric_piano": Player("chords", "block", "comp", (4, 5, 4, 2), 60),
    "organ": Player("pad", "hold", "even", (16, 17, 18, 19), 62),
    "strings": Player("pad", "hold", "even", (48, 49, 50, 44), 66),
    "pad": Player("pad", "hold", "even", (88, 89, 90, 91, 92, 94, 95, 52), 62),
    "pumped_pad": Player("pad", "pump", "even", (81, 90, 50, 62, 63, 89), 62),
    "synth_arpeggio": Player("arpeggio", "arpeggio", "even", (80, 81, 82, 84, 38, 99, 102), 66),
    "synth_chords": Player("stab", "block", "stab", (80, 81, 62, 63, 90, 55), 64),
    "horns": Player("stab", "block", "stab", (61, 61, 62, 56, 57, 66), 66),
    "pluck": Player("pluck", "arpeggio", "comp", (45, 46, 108, 12, 107, 104), 69),
    "bells": Player("arpeggio", "arpeggio", "comp", (8, 9, 10, 11, 13, 14, 98), 76),
    "accordion": Player("chords", "block", "comp", (21, 23, 22), 62),
    "choir": Player("pad", "hold", "even", (53, 54, 91), 62),
}


def play(player: Player, song: Song, section: Section, random: Generator) -> list[Note]:
    """The notes of a player in one section; `random` settles its rhythm and slips of the hand."""
    texts = RHYTHMS[player.rhythms][song.steps]
    strokes = read_strokes(vary(str(random.choice(list(texts))), random))
    return [note for bar in section.bars for note in _WAYS[player.way](player.centre, song, bar, strokes, random)]


def _voice(chord: Chord, centre: int) -> list[int]:
    """Close position about a centre."""
    return sorted(nearest(centre, (tone,)) for tone in chord.tones)


def _note(song: Song, bar: int, step: float, length: float, pitch: int, loud: float, random: Generator) -> Note:
    start_s = max(0.0, song.time_s(bar, step) + jitter_s(random))
    duration_s = max(0.04, song.time_s(bar, step + length) - song.time_s(bar, step))
    return Note(start_s, duration_s, pitch, int(np.clip(loud + random.normal(0, 5), 20, 127)))


def _block(centre: int, song: Song, bar: int, strokes: list[Stroke], random: Generator) -> list[Note]:
    notes = []
    for stroke in strokes:
        for pitch in _voice(song.chord(bar, stroke.step), centre):
            notes.append(_note(song, bar, stroke.step, stroke.length * 0.9, pitch, stroke.loudness, random))
    return notes


def _strum(centre: int, song: Song, bar: int, strokes: list[Stroke], random: Generator) -> list[Note]:
    """Four to six strings, 10 to 40 ms apart, downwards on the eighths and upwards between."""
    notes = []
    for stroke in strokes:
        chord = song.chord(bar, stroke.step)
        low = nearest(centre - 12, (chord.root,))
        strings = [low, *(pitch for pitch in range(low + 1, low + 25) if pitch % 12 in chord.tones)][:6]
        if stroke.step % 4:
            strings = strings[::-1][:4]
        gap = random.uniform(0.01, 0.04) / (1.0 if stroke.length > 1 else 2.0)
        for number, pitch in enumerate(strings):
            note = _note(song, bar, stroke.step, stroke.length, pitch, stroke.loudness - 2 * number, random)
            notes.append(Note(note.start_s + gap * number, note.duration_s, note.pitch, note.velocity))
    return notes


def _power(centre: int, song: Song, bar: int, strokes: list[Stroke], random: Generator) -> list[Note]:
    """Root, fifth and octave where it is accented, else a short muted root and fifth."""
    notes = []
    for stroke in strokes:
        root = nearest(centre, (song.chord(bar, stroke.step).root,))
        is_open = stroke.loudness > 90
        for pitch in (root, root + 7, root + 12)[: 3 if is_open else 2]:
            length = stroke.length if is_open else 0.6
            notes.append(_note(song, bar, stroke.step, length, pitch, stroke.loudness, random))
    return notes


def _riff(centre: int, song: Song, bar: int, strokes: list[Stroke], random: Generator) -> list[Note]:
    """A line of the scale that starts on the root; bars two and four differ from one and three."""
    turns = np.random.default_rng([len(strokes), song.key.tonic, bar % 2, round(100 * song.tempo_bpm)])
    pitch, notes = nearest(centre, (song.chord(bar).root,)), []
    for stroke in strokes:
        chord = song.chord(bar, stroke.step)
        root = nearest(centre, (chord.root,))
        move = int(turns.choice([0, 0, 1, 2, -1, -2, 3]))
        pitch = root if stroke.step % 8 == 0 else step_in(pitch, move, song.key.scale_over(chord))
        pitch = pitch if abs(pitch - root) < 13 else root
        notes.append(_note(song, bar, stroke.step, stroke.length * 0.95, pitch, stroke.loudness, random))
    return notes


def _arpeggio(centre: int, song: Song, bar: int, strokes: list[Stroke], random: Generator) -> list[Note]:
    """One chord tone after the other: up, down, there and back, or the outer ones first."""
    orders = ((0, 1, 2, 3), (3, 2, 1, 0), (0, 1, 2, 3, 2, 1), (0, 2, 1, 3), (0, 3, 1, 3, 2, 3), (0, 2, 3, 2))
    order = orders[(len(strokes) + song.key.tonic) % len(orders)]
    notes = []
    for number, stroke in enumerate(strokes):
        voice = _voice(song.chord(bar, stroke.step), centre)
        ladder = [*voice, *(pitch + 12 for pitch in voice)]
        pitch = ladder[order[number % len(order)]]
        notes.append(_note(song, bar, stroke.step, max(stroke.length, 1.6), pitch, stroke.loudness, random))
    return notes


def _hold(centre: int, song: Song, bar: int, strokes: list[Stroke], random: Generator) -> list[Note]:
    """The whole chord for as long as it lasts."""
    length = song.steps / len(song.chords[bar])
    starts = [number * length for number in range(len(song.chords[bar]))]
    return [
        _note(song, bar, start, length, pitch, 72.0, random)
        for start in starts
        for pitch in _voice(song.chord(bar, start), centre)
    ]


def _pump(centre: int, song: Song, bar: int, strokes: list[Stroke], random: Generator) -> list[Note]:
    """A pad that gives way to the kick on every beat, as a side-chained compressor makes it."""
    return [
        _note(song, bar, step + late, length, pitch, loud, random)
        for step in range(0, song.steps, 4)
        for late, length, loud in ((1, 1, 60.0), (2, 1.9, 95.0))
        for pitch in _voice(song.chord(bar, step), centre)
    ]


_WAYS: dict[str, Callable[[int, Song, int, list[Stroke], Generator], list[Note]]] = {
    "block": _block,
    "strum": _strum,
    "power": _power,
    "riff": _riff,
    "arpeggio": _arpeggio,
    "hold": _hold,
    "pump": _pump,
}
