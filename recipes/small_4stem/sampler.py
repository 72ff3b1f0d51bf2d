"""Plays notes with recorded instruments: the nearest sample, transposed by resampling, faded when the key is lifted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from hits import add, fade_out
from instrument import CACHE, Instrument, Sample, load_instrument, take
from notes import RATE, Note, Sound
from struck import strike

__all__ = ["Instrument", "load_instrument", "play"]

STRUCK_KINDS = frozenset({"drums", "percussion"})
"""Keys are pieces, not pitches."""
RINGING_KINDS = STRUCK_KINDS | {"pluck"}
"""Lifting the key does not stop them."""

_DETUNE_CENTS = 3.0


def play(
    instrument: Instrument,
    notes: Sequence[Note],
    n_samples: int,
    random: np.random.Generator,
    *,
    transpose_range: float = 18.0,
) -> Sound:
    """`notes` as `instrument` sounds them. Shape: (2, n_samples).

    A pitch that is more than `transpose_range` semitones from every sample is moved by octaves. A piece that a kit
    lacks is played by the nearest one, or left out. At velocity 100 notes are about as loud as they were recorded.
    """
    out = np.zeros((2, n_samples), np.float32)
    inside = [note for note in notes if note.start_s * RATE < n_samples]
    if instrument.kind in STRUCK_KINDS:
        strike(out, instrument, inside, random)
    else:
        _sing(out, instrument, inside, random, transpose_range)
    return out


def _sing(
    out: Sound, instrument: Instrument, notes: Sequence[Note], random: np.random.Generator, transpose_range: float
) -> None:
    pitches = np.unique([sample.pitch for sample in instrument.samples])
    layer_gains = _layer_gains(instrument)
    for note in notes:
        pitch = _within(note.pitch, pitches, transpose_range)
        nearest = pitches[np.argmin(np.abs(pitches - pitch))]
        sample = take([sample for sample in instrument.samples if sample.pitch == nearest], note.velocity, random)
        semitones = pitch - sample.pitch + random.normal(0, _DETUNE_CENTS) / 100
        held = 1 << 30 if instrument.kind in RINGING_KINDS else int(note.duration_s * RATE)
        release = int(random.uniform(0.06, 0.15) * RATE)
        room = min(held + release, out.shape[-1] - round(note.start_s * RATE))
        sound = fade_out(_transposed(sample.path, semitones, room), held, release)
        gain = (note.velocity / 100) ** 1.2 * layer_gains[sample.velocity_low, sample.velocity_high]
        add(out, sound, round(note.start_s * RATE), gain)


def _layer_gains(instrument: Instrument) -> dict[tuple[int, int], float]:
    """What brings each layer to the level of the one for velocity 100, as some are recorded louder than harder ones."""
    layers: dict[tuple[int, int], list[Sample]] = {}
    for sample in instrument.samples:
        layers.setdefault((sample.velocity_low, sample.velocity_high), []).append(sample)
    levels = {layer: _level(samples) for layer, samples in layers.items()}
    usual = min(layers, key=lambda layer: max(layer[0] - 100, 100 - layer[1], 0))
    return {layer: levels[usual] / level for layer, level in levels.items()}


def _level(samples: Sequence[Sample]) -> float:
    """Root mean square of the first half second, the median of a few samples from low to high."""
    few = samples[:: max(1, len(samples) // 5)]
    beginnings = [CACHE.sound(sample.path, RATE // 2) for sample in few]
    return max(float(np.median([np.sqrt(np.mean(np.square(sound))) for sound in beginnings])), 1e-6)


def _within(pitch: float, pitches: npt.NDArray[np.int64], transpose_range: float) -> float:
    """`pitch` moved by as few octaves as bring it near enough to a sample."""

    def distance(candidate: float) -> float:
        return float(np.abs(pitches - candidate).min())

    if distance(pitch) <= transpose_range:
        return pitch
    moved = [pitch + 12 * octaves for octaves in sorted(range(-10, 11), key=abs)]
    return next((candidate for candidate in moved if distance(candidate) <= transpose_range), min(moved, key=distance))


def _transposed(path: Path, semitones: float, n_samples: int) -> Sound:
    """The sound of a file played faster by `semitones`, at most `n_samples` long. Shape: (channel, time)."""
    ratio = 2 ** (semitones / 12)
    # A little more than is kept, since the end of what is resampled is blurred.
    enough = CACHE.sound(path, int(n_samples * ratio) + 256)
    moved: Sound = soxr.resample(enough.T, RATE * ratio, RATE).T
    return moved[:, :n_samples]
