"""The bass player: roots, fifths, octaves and approach notes, on a string or a synthesiser."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auralflow.data.synth.harmony import Chord, nearest_pitch, step_in_scale
from auralflow.data.synth.plan import STEPS_PER_BAR, Plan, random_stream
from auralflow.data.synth.signals import (
    Response,
    Signal,
    band_pass,
    coloured_noise,
    compress,
    held_envelope,
    low_pass,
    midi_to_hz,
    pan,
    place,
    read_table,
    saturate,
    saw_table,
    shape_spectrum,
    time_axis_s,
)
from auralflow.data.synth.strings import StringSound, pluck_string
from auralflow.data.synth.styles import STYLES

_CENTRE_MIDI = 35
_STRINGS = {
    "finger": StringSound(position=0.23, brightness_hz=700.0, decay_s=1.3, damping=0.12),
    "pick": StringSound(position=0.11, brightness_hz=2000.0, decay_s=1.1, damping=0.08),
}


@dataclass(frozen=True)
class Note:
    """A note of an instrument."""

    start_s: float
    duration_s: float
    midi: int
    velocity: float
    """0 to 1."""


def write_bass(plan: Plan, random: np.random.Generator) -> list[Note]:
    """The bass line: a pattern per section over the chords' roots, one note at a time."""
    lines = STYLES[plan.style].bass_lines
    verse, chorus = (lines[int(i)] for i in random.choice(len(lines), 2, replace=False))
    notes: list[Note] = []
    for section in plan.sections:
        pattern = chorus if section.name == "chorus" else verse
        if section.name == "bridge":
            pattern = "R---------------"
        for bar in section.bars:
            if section.name != "intro" or bar == section.bars[-1]:
                notes += _play_bar(plan, bar, pattern, random)
    notes.append(Note(plan.time_s(plan.n_bars, 0), 16 * plan.step_s, _root(plan.chords[-1]), 0.95))
    return notes


def _play_bar(plan: Plan, bar: int, pattern: str, random: np.random.Generator) -> list[Note]:
    chord, upcoming = plan.chords[bar], plan.chords[bar + 1]
    notes = []
    for step, mark in enumerate(pattern):
        if mark in "-.":
            continue
        n_steps = 1
        while step + n_steps < STEPS_PER_BAR and pattern[step + n_steps] == "-":
            n_steps += 1
        late_s, louder = random.standard_normal(2)
        start_s = plan.time_s(bar, step) + 0.003 * float(np.clip(late_s, -2.0, 2.0))
        velocity = float(np.clip((0.9 if step % 8 == 0 else 0.75) + 0.06 * louder, 0.4, 1.0))
        articulation = 0.96 if n_steps > 2 else 0.8
        midi = _pitch(mark, chord, upcoming, bool(random.random() < 0.4))
        notes.append(Note(start_s, articulation * n_steps * plan.step_s, midi, velocity))
    return notes


def _root(chord: Chord) -> int:
    return nearest_pitch(_CENTRE_MIDI, (chord.root,))


def _pitch(mark: str, chord: Chord, upcoming: Chord, chromatic: bool) -> int:
    root, target = _root(chord), _root(upcoming)
    if mark == "a":
        below = target >= root
        if chromatic:
            return target - 1 if below else target + 1
        return step_in_scale(target, -1 if below else 1, chord.scale)
    above_root = {"R": 0, "3": (chord.tones[1] - chord.root) % 12, "5": (chord.tones[2] - chord.root) % 12, "8": 12}
    return root + above_root[mark]


def render_bass(plan: Plan) -> Signal:
    """The dry bass stem, in the centre.

    Shape:
        (2, time)
    """
    random = random_stream(plan.config, "bass")
    notes, sample_rate = write_bass(plan, random), plan.config.sample_rate
    timbre = random.random(3)
    if plan.bass_sound in _STRINGS:
        line = _play_string(notes, plan, _STRINGS[plan.bass_sound], random)
    elif plan.bass_sound == "sub":
        line = _play_sub(notes, plan)
    else:
        line = _play_synthesiser(notes, plan, timbre)
    line /= max(1e-9, float(np.abs(line).max()))
    return compress(pan(saturate(line, 0.8 + 0.8 * timbre[0]), 0.0), sample_rate, 2.0)


def _play_string(notes: list[Note], plan: Plan, sound: StringSound, random: np.random.Generator) -> Signal:
    """Plucked notes, each with the short scrape of the finger or pick."""
    sample_rate, track = plan.config.sample_rate, np.zeros(plan.config.n_samples)
    time_s = time_axis_s(int(0.03 * sample_rate), sample_rate)
    for note in notes:
        start = round(note.start_s * sample_rate)
        frequency_hz = float(midi_to_hz(note.midi))
        place(track, start, pluck_string(frequency_hz, note.duration_s, note.velocity, sound, sample_rate))
        scrape = coloured_noise(random, len(time_s), sample_rate, lambda f: band_pass(f, 2200.0, 2600.0))
        loudness = 3e-5 * sound.brightness_hz * note.velocity**2
        place(track, start, loudness * scrape * held_envelope(time_s, 0.004, 0.002, 0.025))
    return track


def _play_sub(notes: list[Note], plan: Plan) -> Signal:
    """A sine with a slow decay and enough saturation to be heard on small loudspeakers."""
    sample_rate, track = plan.config.sample_rate, np.zeros(plan.config.n_samples)
    for note in notes:
        time_s = time_axis_s(int((note.duration_s + 0.06) * sample_rate), sample_rate)
        glide = 1.0 + 0.5 * np.exp(-time_s / 0.012)
        wave = np.sin(2.0 * np.pi * np.cumsum(float(midi_to_hz(note.midi)) * glide) / sample_rate)
        envelope = held_envelope(time_s, note.duration_s, 0.004, 0.06) * np.exp(-time_s / 1.4)
        place(track, round(note.start_s * sample_rate), note.velocity * saturate(1.8 * wave, 1.0) * envelope)
    return track


def _play_synthesiser(notes: list[Note], plan: Plan, timbre: Signal) -> Signal:
    """Two detuned saws and a sub-oscillator through a resonant low-pass that closes after each attack."""
    sample_rate, track = plan.config.sample_rate, np.zeros(plan.config.n_samples)
    for note in notes:
        time_s = time_axis_s(int((note.duration_s + 0.03) * sample_rate), sample_rate)
        frequency_hz = float(midi_to_hz(note.midi))
        table = saw_table(frequency_hz, sample_rate)
        wave = read_table(table, frequency_hz * 1.0015 * time_s) + read_table(
            table, frequency_hz * 0.9985 * time_s + 0.3
        )
        wave += 0.8 * np.sin(2.0 * np.pi * frequency_hz * time_s)
        sounding = held_envelope(time_s, note.duration_s, 0.004, 0.03)
        place(track, round(note.start_s * sample_rate), note.velocity * wave * sounding)
    starts_s = np.array([note.start_s for note in notes])
    velocities = np.array([note.velocity for note in notes])
    floor_hz, depth_hz = 220.0 + 200.0 * timbre[1], 900.0 + 1400.0 * timbre[2]

    def closing_filter(times_s: Signal, freqs_hz: Signal) -> Response:
        last = np.maximum(np.searchsorted(starts_s, times_s + 0.006, side="right") - 1, 0)
        since_s = np.maximum(times_s - starts_s[last], 0.0)
        cutoff_hz = floor_hz + depth_hz * velocities[last] * np.exp(-since_s / 0.12)
        return low_pass(freqs_hz[None], cutoff_hz[:, None], 1.6) * low_pass(freqs_hz[None], 2.0 * cutoff_hz[:, None])

    return shape_spectrum(track, sample_rate, closing_filter)
