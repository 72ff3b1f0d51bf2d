"""What is settled before a note is written: style, tempo, metre, key, sections and chords."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from chords import Chord, Key, draw_progression

STEPS_PER_BEAT = 4
_PLANS = (
    "intro verse chorus verse chorus bridge chorus",
    "verse chorus verse chorus solo chorus",
    "intro verse verse chorus break verse chorus",
    "chorus verse chorus bridge chorus",
    "verse verse bridge verse chorus",
    "alone verse chorus solo verse chorus",
    "intro verse chorus break chorus verse chorus",
    "verse chorus alone chorus verse solo chorus",
)
_LENGTHS = {
    "intro": (2, 4),
    "verse": (4, 8),
    "chorus": (4, 8),
    "bridge": (4,),
    "break": (2, 4),
    "solo": (4,),
    "alone": (2,),
}


@dataclass(frozen=True)
class Style:
    """What a kind of music allows; a song draws from it."""

    tempo_bpm: tuple[float, float]
    modes: tuple[str, ...]
    progressions: tuple[str, ...] = ()
    """Tables of progressions; without any, the one of the mode."""
    players: tuple[str, ...] = ()
    """What the accompaniment may have, see `players`."""
    basses: tuple[str, ...] = ()
    """Kinds of bass line, see `basslines`."""
    patterns: tuple[str, ...] = ()
    """Drum patterns, see `patterns`."""
    grooves: tuple[str, ...] = ()
    """Styles of Groove MIDI that fit."""
    libraries: tuple[str, ...] = ()
    """Files of `mma`'s standard library that fit."""
    swing: tuple[float, float] = (0.0, 0.0)
    """Delay of every second eighth or sixteenth, as a share of its length."""
    metres: tuple[str, ...] = ("4/4",)


@dataclass(frozen=True)
class Section:
    """A run of bars with one role, and who plays in it."""

    name: str
    first_bar: int
    n_bars: int
    silent: frozenset[str] = field(default_factory=frozenset)
    """Of drums, bass, voice and others."""

    @property
    def bars(self) -> range:
        return range(self.first_bar, self.first_bar + self.n_bars)


@dataclass(frozen=True)
class Song:
    """The decisions for one song."""

    style: str
    tempo_bpm: float
    metre: str
    swing: float
    key: Key
    sections: tuple[Section, ...]
    chords: tuple[tuple[Chord, ...], ...]
    """For every bar its chords, which share the bar evenly."""

    @property
    def beats(self) -> int:
        """Quarter notes in a bar."""
        return 4 if self.metre == "4/4" else 3

    @property
    def steps(self) -> int:
        """Sixteenths in a bar."""
        return self.beats * STEPS_PER_BEAT

    @property
    def step_s(self) -> float:
        return 60.0 / self.tempo_bpm / STEPS_PER_BEAT

    @property
    def bar_s(self) -> float:
        return self.steps * self.step_s

    def time_s(self, bar: int, step: float) -> float:
        """When a step of a bar sounds; with swing, what is between the eighths (or beats, when fast) comes late."""
        unit = 2 if self.tempo_bpm > 110 else 1
        late = self.swing * unit if math.floor(step / unit) % 2 else 0.0
        return (bar * self.steps + step + late) * self.step_s

    def chord(self, bar: int, step: float = 0) -> Chord:
        """The chord that sounds there."""
        while step >= self.steps:
            bar, step = bar + 1, step - self.steps
        chords = self.chords[min(bar, len(self.chords) - 1)]
        return chords[min(int(step * len(chords) / self.steps), len(chords) - 1)]

    def section(self, bar: int) -> Section:
        return next((section for section in self.sections if bar in section.bars), self.sections[-1])

    def bar_of(self, time_s: float) -> int:
        """The bar a note belongs to, which may come a little early."""
        return max(0, int((time_s + 0.06) / self.bar_s))


def draw_song(name: str, style: Style, tempo_bpm: float, metre: str, duration_s: float, random: Generator) -> Song:
    """Settle the song. Its last bar may pass the end of `duration_s`."""
    key = Key(int(random.integers(12)), str(random.choice(list(style.modes))))
    n_bars = math.ceil(duration_s / (60.0 / tempo_bpm * (4 if metre == "4/4" else 3)))
    sections = _draw_sections(n_bars, random)
    kinds = style.progressions or (key.mode,)
    swing = random.uniform(*style.swing)
    return Song(name, tempo_bpm, metre, swing, key, sections, _harmonise(sections, kinds, key, random))


def _draw_sections(n_bars: int, random: Generator) -> tuple[Section, ...]:
    names = str(random.choice(list(_PLANS))).split()
    start = int(random.integers(2))
    sections: list[Section] = []
    first = 0
    while first < n_bars:
        name = names[start % len(names)]
        length = min(int(random.choice(_LENGTHS[name])), n_bars - first)
        sections.append(Section(name, first, length, _draw_silent(name, random)))
        first, start = first + length, start + 1
    return tuple(sections)


def _draw_silent(name: str, random: Generator) -> frozenset[str]:
    """Who rests in a section."""
    chances = {
        "intro": {"drums": 0.5, "bass": 0.4, "voice": 0.85},
        "verse": {"drums": 0.08, "bass": 0.06},
        "chorus": {},
        "bridge": {"drums": 0.3, "bass": 0.2},
        "break": {"drums": 0.4, "bass": 0.4, "others": 0.3, "voice": 0.7},
        "solo": {"voice": 1.0},
        "alone": {"drums": 0.8, "bass": 0.8, "others": 0.5},
    }[name]
    silent = {who for who, chance in chances.items() if random.random() < chance}
    return frozenset(silent - {"others"} if len(silent) == 4 else silent)


def _harmonise(
    sections: tuple[Section, ...], kinds: tuple[str, ...], key: Key, random: Generator
) -> tuple[tuple[Chord, ...], ...]:
    """Sections of one name share a progression; verse and chorus are alike one time in five."""
    names = ("verse", "chorus", "bridge")
    drawn = {name: draw_progression(kinds, key, random) for name in names}
    if random.random() < 0.2:
        drawn["chorus"] = drawn["verse"]
    bars: list[tuple[Chord, ...]] = []
    for section in sections:
        progression = drawn.get(section.name, drawn["verse" if section.name != "solo" else "chorus"])
        bars.extend(progression[offset % len(progression)] for offset in range(section.n_bars))
    return tuple(bars)


def jitter_s(random: Generator, spread_s: float = 0.005) -> float:
    """How much a hand misses the grid: at most 15 ms."""
    return float(np.clip(random.normal(0.0, spread_s), -0.015, 0.015))
