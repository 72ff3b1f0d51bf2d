"""The instruments that play chords and lines: pad, electric piano, guitar, organ, pluck and lead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from auralflow.data.synth.signals import (
    Signal,
    held_envelope,
    midi_to_hz,
    pan,
    pluck_envelope,
    read_table,
    running_phase,
    saturate,
    saw_table,
    time_axis_s,
    wave_table,
)
from auralflow.data.synth.strings import StringSound, pluck_string


@dataclass(frozen=True)
class Timbre:
    """What a song's instruments have in common: two random characters, 0 to 1, and a stereo width."""

    colour: float
    motion: float
    width: float


Instrument = Callable[[float, float, float, Timbre, int, np.random.Generator], Signal]
"""(midi, duration_s, velocity, timbre, sample_rate, random) to a stereo note, axes (2, time)."""


def play_pad(
    midi: float, duration_s: float, velocity: float, timbre: Timbre, sample_rate: int, random: np.random.Generator
) -> Signal:
    """Four saws, two a side, a few cents apart, with a slow attack. The filter is common to the chord."""
    attack_s, release_s = 0.05 + 0.25 * timbre.motion, 0.35
    time_s = time_axis_s(int((duration_s + release_s) * sample_rate), sample_rate)
    table = saw_table(float(midi_to_hz(midi)), sample_rate)
    cents = (6.0 + 8.0 * timbre.colour) * np.array([-1.0, 0.35, 1.0, -0.4])
    phases = [float(midi_to_hz(midi + c / 100.0)) * time_s + random.random() for c in cents]
    saws = [read_table(table, phase) for phase in phases]
    envelope = 0.5 * velocity * held_envelope(time_s, duration_s, attack_s, release_s)
    left, right = saws[0] + saws[1], saws[2] + saws[3]
    # A pad that is all difference between the sides would vanish in mono.
    return np.stack([left + 0.45 * right, right + 0.45 * left]) * envelope


def play_electric_piano(
    midi: float, duration_s: float, velocity: float, timbre: Timbre, sample_rate: int, random: np.random.Generator
) -> Signal:
    """Frequency modulation: a tine's body whose brightness dies, a short bell, and a stereo tremolo."""
    time_s = time_axis_s(int((duration_s + 0.15) * sample_rate), sample_rate)
    frequency_hz = float(midi_to_hz(midi))
    angle = 2.0 * np.pi * frequency_hz * time_s
    index = (0.5 + 1.6 * velocity) * (0.5 + timbre.colour) * np.exp(-time_s / 0.5)
    body = np.sin(angle + index * np.sin(angle)) * pluck_envelope(time_s, 0.003, 1.4)
    bell_ratio = max(1, min(14, int(0.45 * sample_rate / frequency_hz) - 1))
    bell = np.sin(angle + 0.6 * np.sin(bell_ratio * angle)) * pluck_envelope(time_s, 0.002, 0.12)
    note = velocity * (body + 0.5 * velocity * bell) * held_envelope(time_s, duration_s, 0.002, 0.15)
    sway = 0.35 * timbre.width * np.sin(2.0 * np.pi * (4.0 + 2.0 * timbre.motion) * time_s)
    return np.stack([note * (1.0 + sway), note * (1.0 - sway)])


def play_guitar(
    midi: float, duration_s: float, velocity: float, timbre: Timbre, sample_rate: int, random: np.random.Generator
) -> Signal:
    """Two takes of a steel string, one a side."""
    sound = StringSound(0.12 + 0.12 * timbre.colour, 1800.0 + 2200.0 * timbre.motion, 0.8, 0.07)
    takes = []
    for position in (-0.7 * timbre.width, 0.7 * timbre.width):
        cents, hardness = random.standard_normal(2)
        frequency_hz = float(midi_to_hz(midi + 0.03 * cents))
        take = pluck_string(frequency_hz, duration_s, velocity * (1.0 + 0.08 * hardness), sound, sample_rate)
        takes.append(pan(take, position))
    return takes[0] + takes[1]


def play_organ(
    midi: float, duration_s: float, velocity: float, timbre: Timbre, sample_rate: int, random: np.random.Generator
) -> Signal:
    """Drawbars (harmonics 1, 2, 3, 4, 6, 8) and a rotating loudspeaker."""
    time_s = time_axis_s(int((duration_s + 0.06) * sample_rate), sample_rate)
    turn_hz = 0.8 if timbre.motion < 0.5 else 6.2
    angle = 2.0 * np.pi * (turn_hz * time_s + 0.25 * timbre.colour)
    drawbars = np.zeros(8)
    drawbars[[0, 1, 2, 3, 5, 7]] = (1.0, 0.8, 0.6, 0.35 * timbre.colour + 0.1, 0.2, 0.25 * timbre.colour)
    frequency_hz = float(midi_to_hz(midi))
    audible = np.arange(1, 9) * frequency_hz < 0.45 * sample_rate
    phase = running_phase(frequency_hz * (1.0 + 0.0012 * np.sin(angle)), sample_rate, float(random.random()))
    note = saturate(0.8 * velocity * read_table(wave_table(-1j * drawbars * audible), phase), 1.3)
    note *= held_envelope(time_s, duration_s, 0.006, 0.06)
    sway = 0.3 * timbre.width * np.sin(angle)
    return np.stack([note * (1.0 + sway), note * (1.0 - sway)])


def play_pluck(
    midi: float, duration_s: float, velocity: float, timbre: Timbre, sample_rate: int, random: np.random.Generator
) -> Signal:
    """A short synthesiser pluck, thrown to a random side."""
    sound = StringSound(0.5 if timbre.colour > 0.5 else 0.31, 2500.0 + 2500.0 * timbre.motion, 0.35, 0.12)
    note = pluck_string(float(midi_to_hz(midi)), min(duration_s, 0.5), velocity, sound, sample_rate)
    return pan(note, float(random.uniform(-0.8, 0.8)) * timbre.width)


def play_lead(
    midi: float, duration_s: float, velocity: float, timbre: Timbre, sample_rate: int, random: np.random.Generator
) -> Signal:
    """A rounded pulse wave with a late vibrato."""
    time_s = time_axis_s(int((duration_s + 0.08) * sample_rate), sample_rate)
    k = np.arange(1, 25)
    frequency_hz = float(midi_to_hz(midi))
    spectrum = np.sin(np.pi * k * (0.28 + 0.2 * timbre.colour)) / k / (1.0 + (k * frequency_hz / 2600.0) ** 2)
    spectrum *= k * frequency_hz < 0.45 * sample_rate
    depth = 0.006 * np.clip((time_s - 0.2) / 0.3, 0.0, 1.0)
    vibrato = 1.0 + depth * np.sin(2.0 * np.pi * 5.3 * time_s)
    phase = running_phase(frequency_hz * vibrato, sample_rate, float(random.random()))
    note = velocity * read_table(wave_table(-1j * spectrum), phase) * held_envelope(time_s, duration_s, 0.012, 0.08)
    return pan(note, 0.25 * timbre.width)


INSTRUMENTS: dict[str, Instrument] = {
    "pad": play_pad,
    "electric_piano": play_electric_piano,
    "guitar": play_guitar,
    "organ": play_organ,
    "pluck": play_pluck,
    "lead": play_lead,
}
