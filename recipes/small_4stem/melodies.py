"""Tunes: what a singer sings, a second voice to it, and what lead instruments play between.

A tune is made of phrases with breaths between them. A phrase has a rhythm and a contour (its motif), which later
phrases take up; chord tones fall on the strong beats and ends, steps of the scale between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from form import Section, Song, jitter_s
from notes import Note


@dataclass(frozen=True)
class Singer:
    """What a voice or lead instrument can do."""

    centre: int
    """MIDI number in the middle of its range."""
    reach: int = 8
    """Semitones it goes up or down."""
    phrase_s: tuple[float, float] = (1.5, 6.0)
    breath_s: tuple[float, float] = (0.25, 0.9)
    quickness: float = 1.0
    """Above 1 for shorter notes."""


@dataclass(frozen=True)
class _Motif:
    """Lengths (in sixteenths) and moves (in scale steps) of a phrase."""

    lengths: tuple[int, ...]
    moves: tuple[int, ...]


def write_melody(song: Song, sections: list[Section], singer: Singer, random: Generator) -> list[list[Note]]:
    """Phrases for some sections of the song; sections of one name share their motifs."""
    motifs: dict[str, list[_Motif]] = {}
    phrases: list[list[Note]] = []
    pitch = singer.centre
    for section in sections:
        known = motifs.setdefault(section.name, [])
        step, last = int(random.choice([0, 0, 2, 4])), section.n_bars * song.steps
        while last - step >= 8:
            motif = _pick_motif(song, known, singer, random)
            phrase, step = _set(song, section, step, last, motif, pitch, singer, random)
            phrases.append(phrase)
            pitch = round(phrase[-1].pitch)
            step = _next_start(step, song, singer, random)
    return phrases


def _pick_motif(song: Song, known: list[_Motif], singer: Singer, random: Generator) -> _Motif:
    if known and random.random() < min(0.3 + 0.2 * len(known), 0.7):
        return known[int(random.integers(len(known)))]
    known.append(_draw_motif(song, singer, random))
    return known[-1]


def _draw_motif(song: Song, singer: Singer, random: Generator) -> _Motif:
    """Note lengths mostly of 0.1 to 0.8 s, by twos rather than odd, then a held note."""
    options = np.array([1, 2, 3, 4, 6, 8, 12])
    wanted_s = random.uniform(0.22, 0.42) / singer.quickness
    weights = np.exp(-((np.log(options * song.step_s / wanted_s)) ** 2)) * np.array([0.5, 1, 0.5, 1, 0.4, 0.4, 0.2])
    weights *= options * song.step_s >= 0.1
    total = random.uniform(*singer.phrase_s) / song.step_s
    held = max(2, round(random.choice([0.4, 0.6, 0.9, 1.4, 2.2], p=[0.25, 0.3, 0.25, 0.15, 0.05]) / song.step_s))
    lengths: list[int] = []
    while sum(lengths) + held < total:
        lengths.append(int(random.choice(options, p=weights / weights.sum())))
    moves = random.choice(np.arange(-4, 5), len(lengths) + 1, p=[0.03, 0.05, 0.12, 0.22, 0.16, 0.22, 0.12, 0.05, 0.03])
    return _Motif((*lengths, held), tuple(int(move) for move in moves))


def _set(
    song: Song, section: Section, step: int, last: int, motif: _Motif, pitch: int, singer: Singer, random: Generator
) -> tuple[list[Note], int]:
    """Give a motif its place and pitches, and say at which step it ends."""
    phrase: list[Note] = []
    loudness = random.uniform(70, 105)
    for number, (length, move) in enumerate(zip(motif.lengths, motif.moves, strict=True)):
        length = min(length, last - step)
        if length < 1 or (length < 2 and number):
            break
        is_end = number == len(motif.lengths) - 1 or step + length >= last
        pitch = _next_pitch(song, section.first_bar, step, move, pitch, singer, is_end)
        start_s = max(0.0, song.time_s(section.first_bar, step) + jitter_s(random, 0.006))
        held_s = min(song.time_s(section.first_bar, step + length) - start_s, 3.0)
        velocity = int(np.clip(loudness + (6 if step % 4 == 0 else 0) + random.normal(0, 6), 40, 127))
        phrase.append(
            Note(start_s, held_s * (1.0 if random.random() < 0.7 else random.uniform(0.75, 0.95)), pitch, velocity)
        )
        step += length
    return phrase, step


def _next_pitch(song: Song, first_bar: int, step: int, move: int, pitch: int, singer: Singer, is_end: bool) -> int:
    """Go by scale steps, turn back near the ends of the range, land on chord tones where it matters."""
    chord = song.chord(first_bar, step)
    scale = song.key.scale_over(chord)
    offset = pitch - singer.centre
    if offset * move > 0 and abs(offset) > singer.reach - 3:
        move = -move
    pitch = step_in(nearest(pitch, scale), move, scale)
    if is_end or step % (song.steps // 2) == 0:
        pitch = nearest(pitch, chord.tones)
    while pitch > singer.centre + singer.reach:
        pitch -= 12
    while pitch < singer.centre - singer.reach:
        pitch += 12
    return pitch


def _next_start(step: int, song: Song, singer: Singer, random: Generator) -> int:
    """After a breath, on an even sixteenth; a third of the phrases begin on a beat."""
    step += max(1, round(random.uniform(*singer.breath_s) / song.step_s))
    grid = 4 if random.random() < 0.33 else 2
    return -(-step // grid) * grid


def write_harmony(song: Song, phrases: list[list[Note]], random: Generator) -> list[Note]:
    """A third or sixth, above or below in the scale: under every chorus and one in four of the other phrases."""
    steps = int(random.choice([2, -2, -5, 5], p=[0.45, 0.3, 0.2, 0.05]))
    notes: list[Note] = []
    for phrase in phrases:
        in_chorus = song.section(song.bar_of(phrase[0].start_s)).name == "chorus"
        if in_chorus or random.random() < 0.25:
            notes.extend(_second(song, note, steps, random) for note in phrase)
    return notes


def _second(song: Song, note: Note, steps: int, random: Generator) -> Note:
    bar = song.bar_of(note.start_s)
    chord = song.chord(bar, max(0.0, (note.start_s / song.bar_s - bar) * song.steps))
    pitch = step_in(round(note.pitch), steps, song.key.scale_over(chord))
    start_s = max(0.0, note.start_s + jitter_s(random, 0.008))
    return Note(start_s, note.duration_s, pitch, max(30, note.velocity - int(random.integers(0, 20))))


def nearest(pitch: float, classes: tuple[int, ...]) -> int:
    """The note of one of the pitch classes that is nearest."""
    around = range(round(pitch) - 6, round(pitch) + 7)
    return min((note for note in around if note % 12 in classes), key=lambda note: abs(note - pitch))


def step_in(pitch: int, steps: int, scale: tuple[int, ...]) -> int:
    """Move by steps of a scale."""
    for _ in range(abs(steps)):
        pitch += 1 if steps > 0 else -1
        while pitch % 12 not in scale:
            pitch += 1 if steps > 0 else -1
    return pitch
