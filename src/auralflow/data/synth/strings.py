"""Plucked strings as sums of decaying harmonics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auralflow.data.synth.signals import Signal, held_envelope, n_harmonics, time_axis_s, wave_table

_TABLE_SIZE = 1024
_KNOT_S = 0.01


@dataclass(frozen=True)
class StringSound:
    """How a string is plucked and how it rings."""

    position: float
    """Where it is plucked, as a share of its length: harmonics with a node there are weak."""
    brightness_hz: float
    """Above this frequency the pluck excites little."""
    decay_s: float
    """Time constant of the fundamental."""
    damping: float
    """How much faster the upper harmonics die: their rate grows by (damping k)^2."""


def pluck_string(
    frequency_hz: float, duration_s: float, velocity: float, sound: StringSound, sample_rate: int
) -> Signal:
    """One note of an ideal string, plucked at `position` and released after `duration_s`.

    Harmonic k starts with sin(pi k position) / k, low-passed at the brightness (higher when struck harder), and
    decays at (1 + (damping k)^2) / decay_s. The wave is read from tables 10 ms apart, blended between.
    """
    release_s = 0.05
    time_s = time_axis_s(int((duration_s + release_s) * sample_rate), sample_rate)
    brightness_hz = sound.brightness_hz * (0.5 + velocity)
    k = np.arange(1, min(n_harmonics(frequency_hz, sample_rate), _TABLE_SIZE // 8) + 1)
    pluck = np.sin(np.pi * k * sound.position) / k / (1.0 + (k * frequency_hz / brightness_hz) ** 2)
    decay_rate = (1.0 + (sound.damping * k) ** 2) / sound.decay_s
    knots_s = _KNOT_S * np.arange(int((duration_s + release_s) / _KNOT_S) + 2)
    tables = wave_table(-1j * pluck * np.exp(-knots_s[:, None] * decay_rate), _TABLE_SIZE)
    wave = _read_blend(tables, frequency_hz * time_s, time_s / _KNOT_S)
    note: Signal = velocity * wave * held_envelope(time_s, duration_s, 0.002, release_s)
    return note


def _read_blend(tables: Signal, phase: Signal, row: Signal) -> Signal:
    """Bilinear interpolation in a stack of wave tables: along the period and from table to table."""
    position = (phase - np.floor(phase)) * _TABLE_SIZE
    column, upper = np.minimum(position.astype(np.intp), _TABLE_SIZE - 1), row.astype(np.intp)
    along, between = position - column, row - upper
    flat, index = tables.reshape(-1), upper * (_TABLE_SIZE + 1) + column
    here = flat[index] + along * (flat[index + 1] - flat[index])
    index += _TABLE_SIZE + 1
    then = flat[index] + along * (flat[index + 1] - flat[index])
    blend: Signal = here + between * (then - here)
    return blend
