"""What a desk does to a part: colour, dynamics, room, echo, width, level; each drawn from wide ranges.

Filters, compressor and rooms are those that `auralflow train` augments with.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from scipy.signal import butter, sosfilt

from auralflow.data.augment import augmentations
from notes import RATE, Sound

Random = np.random.Generator


def colour(sound: Sound, random: Random, gain_db: float = 6.0) -> Sound:
    """Shelves and bells of up to `gain_db`."""
    return _apply("equalizer", sound, random, gain_db=(-gain_db, gain_db))


def compress(sound: Sound, random: Random) -> Sound:
    """Less dynamic, by a drawn amount."""
    return _apply("compressor", sound, random)


def add_room(sound: Sound, random: Random, wet_db: tuple[float, float], decay_s: tuple[float, float]) -> Sound:
    """In a room that is drawn."""
    return _apply("reverb", sound, random, wet_db=wet_db, decay_s=decay_s)


def echo(sound: Sound, random: Random, beat_s: float) -> Sound:
    """Repeats in time with the song, each duller and softer, now and then from side to side."""
    delay = round(float(random.choice((0.5, 0.75, 1.0, 1.5))) * beat_s * RATE)
    feedback, level = random.uniform(0.2, 0.55), random.uniform(0.1, 0.4)
    sections = butter(1, random.uniform(1500, 6000), fs=RATE, output="sos")
    swaps = random.random() < 0.5
    total, repeat = sound.copy(), sound
    for _ in range(4):
        repeat = np.asarray(sosfilt(sections, repeat, axis=1), np.float32)
        repeat = np.float32(feedback) * (repeat[::-1] if swaps else repeat)
        shifted = np.zeros_like(sound)
        shifted[:, delay:] = repeat[:, : max(0, sound.shape[1] - delay)]
        total, repeat = total + np.float32(level / feedback) * shifted, shifted
    return total


def duck(sound: Sound, onsets_s: Sequence[float], random: Random) -> Sound:
    """Softer at each onset and back within a second, as when the kick steers a compressor."""
    depth, release_s = random.uniform(0.4, 1.0), random.uniform(0.08, 0.3)
    time_s = np.arange(RATE) / RATE
    dip = (1 - depth * np.exp(-time_s / release_s) * np.minimum(1, time_s / 0.005)).astype(np.float32)
    gain = np.ones(sound.shape[1], np.float32)
    for onset_s in onsets_s:
        part = gain[max(0, round(onset_s * RATE)) :][: len(dip)]
        np.minimum(part, dip[: len(part)], out=part)
    return sound * gain


def saturate(sound: Sound, random: Random) -> Sound:
    """Soft clipping that leaves the level of the peaks."""
    peak = float(np.abs(sound).max(initial=0))
    if peak < 1e-6:
        return sound
    drive = np.float32(10 ** (random.uniform(2, 14) / 20))
    return np.asarray(np.tanh(drive * sound / peak) * (peak / np.tanh(drive)), np.float32)


def crush(sound: Sound, random: Random) -> Sound:
    """Fewer bits and samples, as of old samplers."""
    step, hold = 2.0 ** -random.uniform(5, 10), int(random.integers(1, 6))
    peak = float(np.abs(sound).max(initial=0)) + 1e-9
    held = np.repeat(sound[:, ::hold], hold, axis=1)[:, : sound.shape[1]]
    return np.asarray(np.round(held / peak / step) * step * peak, np.float32)


def place(sound: Sound, side: float) -> Sound:
    """Panned to `side`, -1 (left) to 1, at constant power for what is mono."""
    angle = 0.25 * np.pi * (1 + side)
    gains = np.sqrt(2) * np.array([[np.cos(angle)], [np.sin(angle)]])
    return np.asarray(sound * gains, np.float32)


def widen(sound: Sound, width: float) -> Sound:
    """The side signal times `width`: 0 is mono, 1 leaves it."""
    middle = sound.mean(0, keepdims=True)
    return np.asarray(middle + width * (sound - middle), np.float32)


def high_pass(sound: Sound, hz: float) -> Sound:
    """Twelve decibels an octave."""
    return np.asarray(sosfilt(butter(2, hz, "highpass", fs=RATE, output="sos"), sound, axis=1), np.float32)


def low_pass(sound: Sound, hz: float) -> Sound:
    """Twenty-four decibels an octave."""
    return np.asarray(sosfilt(butter(4, hz, fs=RATE, output="sos"), sound, axis=1), np.float32)


def thicken(sound: Sound, random: Random) -> Sound:
    """A chorus: the sound and itself some milliseconds later, by a delay that swings, on both sides in opposition."""
    delay_s, swing_s = random.uniform(0.004, 0.025), random.uniform(0.0005, 0.003)
    at = np.arange(sound.shape[1]) / RATE
    angle = 2 * np.pi * (random.uniform(0.1, 2.0) * at + random.random())
    later = [
        np.interp(at - delay_s - side * swing_s * np.sin(angle), at, channel, left=0.0)
        for side, channel in zip((1, -1), sound, strict=True)
    ]
    return sound + np.float32(random.uniform(0.3, 1.0)) * np.asarray(later, np.float32)


def narrow_band(sound: Sound, random: Random) -> Sound:
    """As from a telephone or a small radio."""
    return low_pass(high_pass(sound, float(random.uniform(250, 700))), float(random.uniform(2500, 6000)))


def treat_voice(sound: Sound, random: Random, tempo_bpm: float) -> Sound:
    """The usual chain of a voice: low cut, colour, compressor; now and then distortion, chorus, echo, a room."""
    sound = high_pass(sound, float(random.uniform(30, 180)))
    if random.random() < 0.8:
        sound = colour(sound, random)
    if random.random() < 0.8:
        sound = compress(sound, random)
    for effect, chance in ((saturate, 0.15), (thicken, 0.15), (narrow_band, 0.06), (crush, 0.04)):
        if random.random() < chance:
            sound = effect(sound, random)
    if random.random() < 0.35:
        sound = echo(sound, random, 60.0 / tempo_bpm)
    if random.random() < 0.8:
        sound = add_room(sound, random, (-24.0, -3.0), (0.2, 2.5))
    return sound


def active_level(sound: Sound) -> float:
    """Root mean square over the 50 ms that are within 30 dB of the loudest; 0 for silence."""
    window = RATE // 20
    blocks = sound[:, : sound.shape[1] // window * window].reshape(2, -1, window)
    powers = np.mean(np.square(blocks), axis=(0, 2))
    loudest = float(powers.max(initial=0))
    return float(np.sqrt(powers[powers >= 1e-3 * loudest].mean())) if loudest > 1e-10 else 0.0


def _apply(name: str, sound: Sound, random: Random, **options: Any) -> Sound:
    changed: Sound = _load(name)(**options)(sound, RATE, random)
    return changed


@cache
def _load(name: str) -> Any:
    return augmentations.load(name)  # which asks all installed packages each time
