"""Drums played by people: the performances of the Groove MIDI Dataset (Magenta, CC BY 4.0), laid out over a song.

Tempo, style and metre stand in the data set's `info.csv`. It was recorded on a Roland TD-11, whose keys that
General MIDI has not, or has for something else, are mapped as the data set's own page maps them, but for the open
hi-hat and toms.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mido  # type: ignore[import-untyped]
import numpy as np
from numpy.random import Generator

from form import Section, Song
from notes import Note

TO_GENERAL_MIDI = {22: 42, 26: 46, 58: 43, 40: 38, 55: 49, 52: 57}
"""Hi-hat edges, floor-tom rim, snare rim, crash edges; other keys stay."""
_EARLY_BEATS = 0.2
"""A hit that comes this much before a bar belongs to the bar."""


@dataclass(frozen=True)
class Performance:
    """One entry of the data set."""

    path: Path
    style: str
    tempo_bpm: float
    metre: str
    is_fill: bool


@dataclass(frozen=True)
class Hit:
    """A stroke of a performance."""

    beat: float
    """Quarter notes from the start of its bar, a little below 0 when it comes early."""
    key: int
    velocity: int


Bars = list[list[Hit]]


@dataclass(frozen=True)
class GrooveLibrary:
    """The performances that a split may use."""

    performances: tuple[Performance, ...]

    @classmethod
    def open(cls, folder: Path, split: tuple[str, ...]) -> GrooveLibrary:
        """Read the table of a copy of the data set.

        Args:
            folder: Holds `info.csv` and a folder for each drummer.
            split: Names of the drummers to use, such as `drummer1`.
        """
        with (folder / "info.csv").open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["drummer"] in split]
        return cls(tuple(_read_row(folder, row) for row in rows))

    def draw(
        self, styles: Sequence[str], metre: str, tempo_bpm: tuple[float, float], random: Generator
    ) -> Performance | None:
        """A performance of 8 s or more of one of the styles within a range of tempos, or None when there is none."""
        low, high = tempo_bpm
        fitting = [
            performance
            for performance in self.performances
            if not performance.is_fill
            and performance.metre == metre
            and performance.style in styles
            and low <= performance.tempo_bpm <= high
        ]
        return fitting[int(random.integers(len(fitting)))] if fitting else None

    def draw_fill(self, style: str, random: Generator) -> Performance | None:
        """A fill in four, of the style where there is one."""
        fills = [performance for performance in self.performances if performance.is_fill]
        fitting = [performance for performance in fills if performance.style == style] or fills
        return fitting[int(random.integers(len(fitting)))] if fitting else None


def _read_row(folder: Path, row: dict[str, str]) -> Performance:
    style, metre = row["style"].split("/")[0], row["time_signature"].replace("-", "/")
    is_fill = row["beat_type"] == "fill" or float(row["duration"]) < 8.0
    return Performance(folder / row["midi_filename"], style, float(row["bpm"]), metre, is_fill)


def read_bars(performance: Performance) -> Bars:
    """The hits of a performance, bar by bar, without empty bars at its ends."""
    beats = 4 if performance.metre == "4/4" else 3
    file = mido.MidiFile(performance.path)
    bars: Bars = []
    for track in file.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity > 0:
                _put(bars, tick / file.ticks_per_beat, beats, message.note, message.velocity)
    filled = [number for number, bar in enumerate(bars) if bar]
    return bars[filled[0] : filled[-1] + 1] if filled else []


def _put(bars: Bars, beat: float, beats: int, key: int, velocity: int) -> None:
    number = int((beat + _EARLY_BEATS) // beats)
    while len(bars) <= number:
        bars.append([])
    bars[number].append(Hit(beat - number * beats, TO_GENERAL_MIDI.get(key, key), velocity))


def play_groove(performance: Performance, library: GrooveLibrary, song: Song, random: Generator) -> list[Note]:
    """Lay a performance out over the song.

    Every section starts at another bar of it (sections of one name at the same), and most end with a fill.
    """
    bars = read_bars(performance)
    if not bars:
        return []
    starts: dict[str, int] = {}
    notes: list[Note] = []
    for section in song.sections:
        start = starts.setdefault(section.name, int(random.integers(max(1, len(bars) - section.n_bars))))
        chosen = [bars[(start + offset) % len(bars)] for offset in range(section.n_bars)]
        if song.metre == "4/4" and random.random() < 0.7:
            chosen[-1] = _fill_bar(library, performance, random) or chosen[-1]
        notes.extend(_place(chosen, song, section, random))
    return notes


def _fill_bar(library: GrooveLibrary, performance: Performance, random: Generator) -> list[Hit]:
    fill = library.draw_fill(performance.style, random)
    bars = read_bars(fill) if fill else []
    return max(bars, key=len) if bars else []


def _place(bars: Bars, song: Song, section: Section, random: Generator) -> list[Note]:
    """The hits in seconds; one section in two opens with a crash."""
    beat_s = 60.0 / song.tempo_bpm
    notes = []
    for number, bar in enumerate(bars):
        bar_start_s = song.time_s(section.first_bar + number, 0)
        for hit in bar:
            velocity = int(np.clip(hit.velocity + random.normal(0, 3), 1, 127))
            notes.append(Note(max(0.0, bar_start_s + hit.beat * beat_s), 0.1, hit.key, velocity))
    if random.random() < 0.5:
        notes.append(Note(song.time_s(section.first_bar, 0), 0.1, 49, int(random.integers(90, 120))))
    return notes
