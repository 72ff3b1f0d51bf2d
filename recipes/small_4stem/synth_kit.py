"""Drums of a drum machine, synthesised: an endless supply of kits in the manner of the TR-808 and TR-909.

The recipes are those machines': a kick is a sine whose pitch falls, a snare two tones and noise, a clap bursts of
band-passed noise, and hi-hats and cymbals six square waves at ratios that make no chord, high-passed, with noise
(Roland TR-808 service notes, 1981; Werner, Abel and Smith, "The TR-808 cymbal", 2014).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, sosfilt  # type: ignore[import-untyped]

from notes import RATE
from one_shots import OneShotKit, levelled

_Signal = npt.NDArray[np.float64]
_CLUSTER_HZ = np.array([205.3, 304.4, 369.6, 522.7, 540.0, 800.0])
"""The TR-808's six oscillators."""


def draw_synth_kit(random: np.random.Generator) -> OneShotKit:
    """A kit whose every sound is synthesised with parameters drawn at random."""
    tom_hz = random.uniform(70, 110)
    kick, snare = _kick(random), _snare(random)
    metal = random.uniform(0.8, 1.6), random.uniform(0.2, 0.8)
    tones = {36: kick, 38: snare, 40: snare, 37: _rim(random), 39: _clap(random)}
    hats = {
        42: _metal(random, metal, random.uniform(0.015, 0.04), 0.3),
        44: _metal(random, metal, random.uniform(0.02, 0.05), 0.3),
        46: _metal(random, metal, random.uniform(0.12, 0.4), 1.5),
    }
    cymbals = {key: _metal(random, metal, random.uniform(*decay), 3.0) for key, decay in _CYMBAL_DECAYS.items()}
    toms = {key: _tom(random, tom_hz * ratio) for key, ratio in {41: 1.0, 45: 1.4, 48: 1.9, 60: 3.6, 64: 2.6}.items()}
    others = {56: _cowbell(random), 70: _shaker(random), 75: _clave(random)}
    drawn = {**tones, **hats, **cymbals, **toms, **others}
    return OneShotKit({key: levelled(_ended(sound)[None], random) for key, sound in drawn.items()})


_CYMBAL_DECAYS = {49: (0.5, 1.2), 57: (0.4, 1.0), 51: (0.25, 0.7)}


def _kick(random: np.random.Generator) -> _Signal:
    """A sine that falls to 38 to 60 Hz, with a click in front, some more driven than others."""
    time = _time(1.5)
    end_hz, drop = random.uniform(38, 60), random.uniform(2, 9)
    fall_s, decay_s = random.uniform(0.008, 0.04), random.uniform(0.07, 0.45)
    body = _swept(time, end_hz, drop, fall_s) * np.exp(-time / decay_s)
    click = random.normal(size=time.size) * np.exp(-time / 0.003) * random.uniform(0, 0.4)
    drive = random.uniform(1, 5)
    return np.asarray(np.tanh(drive * body) / np.tanh(drive) + _band(click, 1000, 8000))


def _snare(random: np.random.Generator) -> _Signal:
    time = _time(0.8)
    low_hz = random.uniform(150, 230)
    tones = _swept(time, low_hz, 1.3, 0.02) + 0.6 * np.sin(2 * np.pi * low_hz * random.uniform(1.5, 1.9) * time)
    rattle = _band(random.normal(size=time.size), random.uniform(700, 2500), random.uniform(7000, 14000))
    tonal = tones * np.exp(-time / random.uniform(0.03, 0.12))
    return random.uniform(0.3, 1) * tonal + random.uniform(0.6, 2) * rattle * np.exp(-time / random.uniform(0.05, 0.18))


def _rim(random: np.random.Generator) -> _Signal:
    time = _time(0.15)
    low_hz = random.uniform(400, 600)
    ring = np.sin(2 * np.pi * low_hz * time) + np.sin(2 * np.pi * low_hz * random.uniform(3.2, 3.8) * time)
    return np.asarray(np.tanh(3 * ring * np.exp(-time / random.uniform(0.006, 0.015))))


def _clap(random: np.random.Generator) -> _Signal:
    """Three or four bursts about 10 ms apart, and the room behind them."""
    time = _time(0.6)
    noise = _band(random.normal(size=time.size), random.uniform(700, 1100), random.uniform(1800, 4000))
    gap_s, n_bursts = random.uniform(0.008, 0.013), int(random.integers(3, 5))
    envelope = random.uniform(0.2, 0.5) * np.exp(-time / random.uniform(0.05, 0.15))
    for number in range(n_bursts):
        after = time - number * gap_s
        envelope += np.where(after >= 0, np.exp(-np.maximum(after, 0) / 0.005), 0)
    return noise * envelope


def _metal(random: np.random.Generator, metal: tuple[float, float], decay_s: float, length_s: float) -> _Signal:
    """Squares and noise above some kHz; `metal` (tuning, part of noise) is what the cymbals of a kit share."""
    tuning, noisiness = metal
    time = _time(length_s)
    phases = 2 * np.pi * tuning * _CLUSTER_HZ[:, None] * time + random.uniform(0, 2 * np.pi, (6, 1))
    squares = np.sign(np.sin(phases)).sum(axis=0) / 6
    mixed = (1 - noisiness) * squares + noisiness * random.normal(size=time.size) / 2
    high = sosfilt(butter(4, random.uniform(4500, 8000), "high", fs=RATE, output="sos"), mixed)
    return np.asarray(high * np.exp(-time / decay_s))


def _tom(random: np.random.Generator, pitch_hz: float) -> _Signal:
    time = _time(0.9)
    body = _swept(time, pitch_hz, random.uniform(1.2, 1.8), 0.05) * np.exp(-time / random.uniform(0.08, 0.25))
    skin = _band(random.normal(size=time.size), 200, 4000) * np.exp(-time / 0.02)
    return np.asarray(body + random.uniform(0, 0.3) * skin)


def _cowbell(random: np.random.Generator) -> _Signal:
    time = _time(0.6)
    tuning = random.uniform(0.85, 1.2)
    squares = sum(np.sign(np.sin(2 * np.pi * tuning * hz * time)) for hz in (540.0, 800.0))
    return _band(np.asarray(squares), 500, 4000) * np.exp(-time / random.uniform(0.05, 0.15))


def _shaker(random: np.random.Generator) -> _Signal:
    time = _time(0.2)
    rise_s = random.uniform(0.005, 0.02)
    noise = _band(random.normal(size=time.size), random.uniform(3000, 5000), random.uniform(10000, 16000))
    return noise * np.minimum(time / rise_s, 1) * np.exp(-time / random.uniform(0.02, 0.05))


def _clave(random: np.random.Generator) -> _Signal:
    time = _time(0.2)
    return np.asarray(
        np.sin(2 * np.pi * random.uniform(1800, 2800) * time) * np.exp(-time / random.uniform(0.01, 0.03))
    )


def _time(length_s: float) -> _Signal:
    return np.arange(int(length_s * RATE)) / RATE


def _swept(time: _Signal, end_hz: float, drop: float, fall_s: float) -> _Signal:
    """A sine that falls from `drop` times `end_hz` to `end_hz`, most of it within `fall_s`."""
    cycles = end_hz * (time + (drop - 1) * fall_s * (1 - np.exp(-time / fall_s)))
    return np.sin(2 * np.pi * cycles)


def _band(sound: _Signal, low_hz: float, high_hz: float) -> _Signal:
    return np.asarray(sosfilt(butter(2, (low_hz, high_hz), "bandpass", fs=RATE, output="sos"), sound))


def _ended(sound: _Signal) -> _Signal:
    """No click where the sound is cut off."""
    n_fade = min(400, sound.size)
    sound[-n_fade:] *= np.linspace(1, 0, n_fade)
    return sound
