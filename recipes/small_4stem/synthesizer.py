"""A synthesizer of many sounds: saws, pulses and sines in unison through a filter, or one sine that modulates another.

Electronic music is made of such sounds, and no sampled instrument stands in for them. A patch is drawn once for a part.
Saws and pulses are corrected at their jumps so that they alias little (PolyBLEP: Välimäki and Huovilainen 2007,
"Antialiasing oscillators in subtractive synthesis"); frequency modulation is that of Chowning (1973).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, sosfilt

from notes import RATE, Note, Sound

Wave = Literal["saw", "pulse", "sine", "triangle", "fm"]
Signal = npt.NDArray[np.float32]
_LONGEST_S = 12.0


@dataclass(frozen=True)
class Patch:
    """A sound of the synthesizer."""

    wave: Wave
    n_voices: int
    """Oscillators of a note, side by side."""
    detune_cents: float
    """From the lowest to the highest of them."""
    width: float
    """How far apart they stand, 0 (all in the centre) to 1."""
    cutoff_octaves: float
    """Of the low-pass above the note, when it has closed."""
    opening_octaves: float
    """How much further it is open at the start of a note."""
    resonance_db: float
    attack_s: float
    decay_s: float
    sustain: float
    """Level while the key is held, 0 to 1."""
    release_s: float
    fm_ratio: float
    fm_index: float
    vibrato_cents: float
    sub: float
    """Level of a sine an octave below."""
    drop_octaves: float
    """How far above its pitch a note begins, as the bass of a drum machine does."""
    drop_s: float
    """Time in which this falls to a third."""
    glide_s: float
    """Time in which two thirds of the way from the note before are gone."""


def draw_patch(random: np.random.Generator, role: str) -> Patch:
    """A sound for `bass`, `pad`, `lead`, or `keys` (plucked and struck)."""
    u, v = random.random(12), random.random(4)
    waves: dict[str, tuple[Wave, ...]] = {
        "bass": ("saw", "pulse", "sine", "triangle", "fm"),
        "pad": ("saw", "saw", "pulse", "triangle"),
        "lead": ("saw", "pulse", "triangle", "fm"),
        "keys": ("saw", "pulse", "fm", "fm", "triangle"),
    }
    wave = waves[role][int(random.integers(len(waves[role])))]
    n_voices = int(random.choice((1, 2, 3, 5))) if role != "bass" else int(random.choice((1, 1, 2)))
    is_held = {"bass": u[0] < 0.6, "pad": True, "lead": u[0] < 0.8, "keys": u[0] < 0.2}[role]
    return Patch(
        wave=wave,
        n_voices=n_voices,
        detune_cents=float(5 + 35 * u[1]),
        width=float(u[2]) if role != "bass" else 0.15 * float(u[2]),
        cutoff_octaves=float(0.5 + 4.5 * u[3]),
        opening_octaves=float(3.0 * u[4]),
        resonance_db=float(10 * u[5] ** 2),
        attack_s=float(0.1 + 0.8 * u[6]) if role == "pad" else float(0.002 + 0.02 * u[6]),
        decay_s=float(0.08 + 0.8 * u[7] ** 2),
        sustain=float(0.5 + 0.5 * u[8]) if is_held else 0.0,
        release_s=float(0.3 + u[9]) if role == "pad" else float(0.03 + 0.3 * u[9] ** 2),
        fm_ratio=float(random.choice((0.5, 1, 1, 2, 3, 3.5, 4, 7))),
        fm_index=float(0.5 + 6 * u[10]),
        vibrato_cents=float(25 * u[11]) if role == "lead" else 0.0,
        sub=float(random.random() < 0.5) * 0.6 if role == "bass" else 0.0,
        drop_octaves=float(0.3 + 2.7 * v[1]) if role == "bass" and v[0] < 0.35 else 0.0,
        drop_s=float(0.008 * 10 ** v[2]),
        glide_s=float(0.02 + 0.08 * v[1]) if role in ("bass", "lead") and v[3] < 0.2 else 0.0,
    )


def play_patch(patch: Patch, notes: Sequence[Note], n_samples: int, random: np.random.Generator) -> Sound:
    """All notes, in stereo.

    Two versions of the part, one through the closed and one through the open filter, are blended note by note: a
    filter that moves, at the price of two that stand still.

    Shape:
        (2, n_samples)
    """
    closed = np.zeros((2, n_samples), np.float32)
    opened = np.zeros((2, n_samples), np.float32)
    before = None
    for note in sorted(notes, key=lambda note: note.start_s):
        start = round(note.start_s * RATE)
        if not 0 <= start < n_samples:
            continue
        sound, openness = _play_note(patch, note, note.pitch if before is None else before, random)
        before = note.pitch
        stop = min(n_samples, start + sound.shape[1])
        n = stop - start
        opened[:, start:stop] += (openness * sound)[:, :n]
        closed[:, start:stop] += ((1 - openness) * sound)[:, :n]
    pitches = [note.pitch for note in notes] or [60.0]
    middle_hz = _to_hz(float(np.median(pitches)))
    low_hz = middle_hz * 2**patch.cutoff_octaves
    total = _low_pass(closed, low_hz, patch.resonance_db)
    return total + _low_pass(opened, low_hz * 2**patch.opening_octaves, 0.5 * patch.resonance_db)


def _play_note(patch: Patch, note: Note, before: float, random: np.random.Generator) -> tuple[Sound, Signal]:
    """A note that follows the pitch `before`, and how far the filter is open, from its first sample on."""
    held_s = min(note.duration_s, _LONGEST_S)
    time_s = np.arange(int((held_s + patch.release_s) * RATE), dtype=np.float32) / np.float32(RATE)
    fall = np.exp(-time_s / patch.decay_s)
    level = (patch.sustain + (1 - patch.sustain) * fall) * np.minimum(1, time_s / patch.attack_s)
    level *= np.clip((held_s + patch.release_s - time_s) / patch.release_s, 0, 1) ** 2
    sides = np.linspace(-1, 1, patch.n_voices) if patch.n_voices > 1 else np.zeros(1)
    sound = np.zeros((2, len(time_s)), np.float32)
    bend = _bend(patch, note.pitch, before, time_s)
    for side in sides:
        cents = bend + 0.5 * patch.detune_cents * side
        hz = _to_hz(note.pitch) * 2 ** (cents / 1200)
        wave = _oscillate(patch, hz, time_s, float(random.random()))
        angle = 0.25 * np.pi * (1 + patch.width * side)
        sound += np.array([[np.cos(angle)], [np.sin(angle)]], np.float32) * wave
    if patch.sub:
        hz = 0.5 * _to_hz(note.pitch) * 2 ** (bend / 1200)
        sound += np.float32(patch.sub) * np.sin(2 * np.pi / RATE * np.cumsum(hz))
    gain = (note.velocity / 127) ** 1.5 / np.sqrt(patch.n_voices)
    return (sound * (gain * level)).astype(np.float32), fall.astype(np.float32)


def _bend(patch: Patch, pitch: float, before: float, time_s: Signal) -> Signal:
    """Cents that a note is above its pitch over time."""
    cents = patch.vibrato_cents * np.sin(33.0 * time_s) * np.minimum(1, time_s)
    if patch.drop_octaves:
        cents = cents + 1200 * patch.drop_octaves * np.exp(-time_s / patch.drop_s)
    if patch.glide_s:
        cents = cents + 100 * (before - pitch) * np.exp(-time_s / patch.glide_s)
    return np.asarray(cents, np.float32)


def _oscillate(patch: Patch, hz: npt.NDArray[np.float64], time_s: Signal, phase: float) -> Signal:
    step = hz / RATE * np.ones(len(time_s))
    turns = np.cumsum(step) + phase
    if patch.wave == "fm":
        index = patch.fm_index * np.exp(-time_s / (2 * patch.decay_s))
        # Sidebands reach about (index + 1) times the modulator's frequency; above the spectrum they would fold back.
        index = index * np.clip(0.45 / (step * patch.fm_ratio * (index + 1)), 0, 1)
        return np.sin(2 * np.pi * turns + index * np.sin(2 * np.pi * patch.fm_ratio * turns)).astype(np.float32)
    if patch.wave == "sine":
        return np.sin(2 * np.pi * turns).astype(np.float32)
    if patch.wave == "triangle":
        return (2 * np.abs(2 * (turns % 1) - 1) - 1).astype(np.float32)
    saw = _saw(turns % 1, step)
    return saw if patch.wave == "saw" else 0.5 * (saw - _saw((turns + 0.35) % 1, step))


def _saw(turn: npt.NDArray[np.float64], step: npt.NDArray[np.float64]) -> Signal:
    """From -1 to 1 once a turn, its jump rounded over two samples."""
    saw = 2 * turn - 1
    after, before = turn < step, turn > 1 - step
    t = turn[after] / step[after]
    saw[after] -= 2 * t - t * t - 1
    t = (turn[before] - 1) / step[before]
    saw[before] -= t * t + 2 * t + 1
    return saw.astype(np.float32)


def _low_pass(sound: Sound, hz: float, resonance_db: float) -> Sound:
    """Twelve decibels an octave, with a bump of `resonance_db` where they begin."""
    if hz > 0.4 * RATE:
        return sound
    sections = butter(2, hz, fs=RATE, output="sos")
    filtered = sosfilt(sections, sound, axis=1)
    if resonance_db > 1:
        band = butter(1, (0.8 * hz, min(1.25 * hz, 0.45 * RATE)), "bandpass", fs=RATE, output="sos")
        filtered = filtered + (10 ** (resonance_db / 20) - 1) * sosfilt(band, sound, axis=1)
    result: Sound = filtered.astype(np.float32)
    return result


def _to_hz(pitch: float) -> float:
    return float(440 * 2 ** ((pitch - 69) / 12))
