"""The desk at the end: balance, tuning and the bus; the mixture is the sum of the stems, whatever happens to them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import numpy as np
import soxr
from scipy.signal import lfilter

import effects
from notes import RATE, STEMS, Sound

Random = np.random.Generator

LEVELS_DB = {"vocals": (-1.0, 3.5), "drums": (-4.0, 4.0), "bass": (-2.0, 3.5), "other": (0.5, 3.0)}
"""Mean and deviation of a stem's level where it sounds; in records of bands, drums lie below the rest."""
BUS_DB = -28.0
"""What `master` makes of 0 dB, on average."""
_PEAKS_DB = (-9.0, -0.5)


def balance(stems: Mapping[str, Sound], random: Random) -> dict[str, Sound]:
    """Levels and, in some songs, a narrow image."""
    width = float(random.choice((0.0, 0.4, 1.0), p=(0.08, 0.12, 0.8)))
    balanced = {}
    for name in STEMS:
        mean_db, deviation_db = LEVELS_DB[name]
        wanted = 10 ** ((mean_db + deviation_db * float(np.clip(random.standard_normal(), -2, 2))) / 20)
        level = effects.active_level(stems[name])
        gain = wanted / level if level > 1e-5 else 0.0
        balanced[name] = effects.widen(stems[name] * np.float32(gain), width)
    return balanced


def tune(stems: dict[str, Sound], random: Random) -> dict[str, Sound]:
    """Half of the songs are not in 440 Hz: played a little faster or slower."""
    if random.random() < 0.5:
        return stems
    speed = 2 ** (random.uniform(-0.5, 0.5) / 12)
    return {name: soxr.resample(stem.T, RATE * speed, RATE, "HQ").T for name, stem in stems.items()}


def master(stems: dict[str, Sound], random: Random) -> dict[str, Sound]:
    """The bus: a compressor that hears the mixture and turns all stems alike, a fade, and the level."""
    mixture = reduce(np.add, stems.values())
    n_samples = mixture.shape[1]
    gain = _fades(n_samples)
    if random.random() < 0.6:
        gain = gain * _bus_gain(mixture, random)
    changed = {name: stem * gain for name, stem in stems.items()}
    peak = max(float(np.abs(sound).max()) for sound in (reduce(np.add, changed.values()), *changed.values()))
    level = np.float32(10 ** (random.uniform(*_PEAKS_DB) / 20) / max(peak, 1e-6))
    return {name: level * stem for name, stem in changed.items()}


def _bus_gain(mixture: Sound, random: Random) -> Sound:
    """Gain over time of a compressor of the mixture's power, shape (time)."""
    release_s = random.uniform(0.05, 0.4)
    decay = np.exp(-1 / (release_s * RATE))
    power = lfilter([1 - decay], [1, -decay], np.square(mixture).mean(0))
    level_db = 10 * np.log10(power + 1e-9)
    threshold_db = float(np.quantile(level_db, random.uniform(0.2, 0.8)))
    share = 1 - 1 / random.uniform(1.3, 4.0)
    return np.asarray(10 ** (-share * np.maximum(0, level_db - threshold_db) / 20), np.float32)


def _fades(n_samples: int) -> Sound:
    """Nothing clicks at either end."""
    place_s = np.arange(n_samples) / RATE
    fade = np.clip(np.minimum(place_s / 0.01, place_s[::-1] / 0.3), 0, 1)
    return fade.astype(np.float32)
