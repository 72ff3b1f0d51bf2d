"""What is decided before a note is written: tempo, key, style, form, chords and who plays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from auralflow.data.synth.harmony import PROGRESSIONS, Chord, Key, build_chord
from auralflow.data.synth.styles import STYLES
from auralflow.errors import ConfigError

StyleName = Literal["pop", "rock", "funk", "ballad", "disco", "hip_hop"]
VoiceName = Literal["baritone", "tenor", "alto", "soprano"]
SectionName = Literal["intro", "verse", "chorus", "bridge"]

STEPS_PER_BAR = 16
LEAD_IN_S = 0.12
"""Silence before the first beat: room for a hit that comes early."""
_STREAMS = ("plan", "melody", "voice", "drums", "bass", "other", "room", "balance")


@dataclass(frozen=True)
class SongConfig:
    """Which song to render; what is not given is drawn from the seed.

    Raises:
        ConfigError: a field has a value it cannot have.
    """

    seed: int = 0
    """Two configs with the same seed and fields give the same samples."""
    duration_s: float = 30.0
    """Length in seconds, 1 to 1200."""
    sample_rate: int = 44_100
    """Samples per second, 8000 to 192000."""
    tempo_bpm: float | None = None
    """Beats per minute, 50 to 200."""
    key: str | None = None
    """Such as `A minor` or `Bb major`."""
    style: StyleName | None = None
    """pop, rock, funk, ballad, disco or hip_hop."""
    voice: VoiceName | None = None
    """baritone, tenor, alto or soprano."""

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ConfigError(f"song.seed: expected a whole number, 0 or more, got {self.seed!r}")
        _check_range("duration_s", self.duration_s, 1.0, 1200.0)
        _check_range("sample_rate", self.sample_rate, 8_000, 192_000)
        if self.tempo_bpm is not None:
            _check_range("tempo_bpm", self.tempo_bpm, 50.0, 200.0)
        if self.key is not None:
            Key.parse(self.key)
        _check_choice("style", self.style, tuple(STYLES))
        _check_choice("voice", self.voice, VoiceName.__args__)  # type: ignore[attr-defined]

    @property
    def n_samples(self) -> int:
        """Length of every stem."""
        return round(self.duration_s * self.sample_rate)


def random_stream(config: SongConfig, name: str) -> np.random.Generator:
    """The random numbers of one part of the work, so that no part disturbs another."""
    sequence = np.random.SeedSequence(config.seed, spawn_key=(_STREAMS.index(name),))
    return np.random.Generator(np.random.PCG64(sequence))


@dataclass(frozen=True)
class Section:
    """A run of bars with one role."""

    name: SectionName
    first_bar: int
    n_bars: int

    @property
    def bars(self) -> range:
        return range(self.first_bar, self.first_bar + self.n_bars)


@dataclass(frozen=True)
class Plan:
    """The decisions for one song. Bar `n_bars` holds the final chord."""

    config: SongConfig
    tempo_bpm: float
    swing: float
    key: Key
    style: StyleName
    voice: VoiceName
    kit: str
    bass_sound: str
    comping_sound: str
    verse_pattern: int
    chorus_pattern: int
    sections: tuple[Section, ...]
    chords: tuple[Chord, ...]

    @property
    def n_bars(self) -> int:
        return len(self.chords) - 1

    @property
    def step_s(self) -> float:
        """Length of a sixteenth."""
        return 15.0 / self.tempo_bpm

    def time_s(self, bar: int, step: float) -> float:
        """When a step of a bar sounds; every second sixteenth comes late by the swing."""
        late = self.swing if math.floor(step) % 2 else 0.0
        return LEAD_IN_S + (bar * STEPS_PER_BAR + step + late) * self.step_s

    def section_of(self, bar: int) -> Section:
        return next(section for section in self.sections if bar in section.bars)


def draw_plan(config: SongConfig) -> Plan:
    """Decide everything that the config leaves open.

    Every choice is drawn whether it is needed or not, so that giving one field leaves the others as they were.

    Example:
        >>> draw_plan(SongConfig(seed=1, key="D minor")).key.name
        'D minor'
    """
    random = random_stream(config, "plan")
    style_name = _pick(random, tuple(STYLES))
    style_name = config.style or style_name
    style = STYLES[style_name]
    share_of_tempo, share_of_swing = random.random(2)
    tempo_bpm = config.tempo_bpm or round(_between(style.tempo_bpm, share_of_tempo), 1)
    key = Key(int(random.integers(12)), "major" if random.random() < 0.5 else "minor")
    key = Key.parse(config.key) if config.key else key
    voice = _pick(random, VoiceName.__args__)  # type: ignore[attr-defined]
    sections = _lay_out(_count_bars(config.duration_s, tempo_bpm))
    return Plan(
        config=config,
        tempo_bpm=tempo_bpm,
        swing=_between(style.swing, share_of_swing),
        key=key,
        style=style_name,  # type: ignore[arg-type]
        voice=config.voice or voice,  # type: ignore[arg-type]
        kit=_pick(random, style.kits),
        bass_sound=_pick(random, style.bass_sounds),
        comping_sound=_pick(random, style.comping_sounds),
        verse_pattern=int(random.integers(2)),
        chorus_pattern=int(random.integers(2)),
        chords=_harmonise(sections, key, style.sevenths, random),
        sections=sections,
    )


def _count_bars(duration_s: float, tempo_bpm: float) -> int:
    bar_s = 240.0 / tempo_bpm
    return max(1, math.floor((duration_s - LEAD_IN_S - min(bar_s, 2.2)) / bar_s))


def _lay_out(n_bars: int) -> tuple[Section, ...]:
    """Short songs: intro, verse, chorus, shared out; long ones: a cycle that ends with a chorus."""
    if n_bars < 4:
        return (Section("chorus", 0, n_bars),)
    if n_bars <= 24:
        intro = 1 if n_bars < 8 else 2
        verse = 2 * max(1, round((n_bars - intro) / 4))
        return _join([("intro", intro), ("verse", verse), ("chorus", n_bars - intro - verse)])
    cycle: list[tuple[SectionName, int]] = [("verse", 8), ("chorus", 8), ("verse", 8), ("chorus", 8), ("bridge", 4)]
    lengths: list[tuple[SectionName, int]] = [("intro", 4)]
    left = n_bars - 4 - 8
    while left > 0:
        name, length = cycle[(len(lengths) - 1) % len(cycle)]
        lengths.append((name, min(length, left)))
        left -= length
    return _join([*lengths, ("chorus", 8)])


def _join(lengths: list[tuple[SectionName, int]]) -> tuple[Section, ...]:
    sections: list[Section] = []
    for name, length in lengths:
        first = sections[-1].first_bar + sections[-1].n_bars if sections else 0
        if length > 0:
            sections.append(Section(name, first, length))
    return tuple(sections)


def _harmonise(
    sections: tuple[Section, ...], key: Key, sevenths: float, random: np.random.Generator
) -> tuple[Chord, ...]:
    choices = PROGRESSIONS[key.mode]
    verse, chorus, bridge = (choices[int(i)] for i in random.choice(len(choices), 3, replace=False))
    degrees = {"intro": verse, "verse": verse, "chorus": chorus, "bridge": bridge}
    with_seventh = random.random(7) < sevenths
    bars = [degrees[section.name][offset % 4] for section in sections for offset in range(section.n_bars)]
    return tuple(build_chord(key, degree, bool(with_seventh[degree])) for degree in [*bars, 0])


def _between(bounds: tuple[float, float], share: float) -> float:
    return bounds[0] + share * (bounds[1] - bounds[0])


def _pick(random: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(random.integers(len(choices)))]


def _check_range(field: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"song.{field}: expected {low:g} to {high:g}, got {value!r}")


def _check_choice(field: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        raise ConfigError(f"song.{field}: expected one of {', '.join(known)}, got {value!r}")
