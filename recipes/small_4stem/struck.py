"""Plays kits of drums and percussion: every key is a piece, and every hit rings out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hits import add, choked_at, fade_out, nearest_key
from instrument import CACHE, Instrument, Sample, take
from notes import RATE, Note, Sound

_CHOKE_S = 0.03


def strike(out: Sound, instrument: Instrument, notes: Sequence[Note], random: np.random.Generator) -> None:
    """One articulation a key, drawn for the part: a player does not change the instrument from hit to hit."""
    pieces = _pieces(instrument, random)
    balance = _balance(pieces, random)
    for note, end_s in zip(notes, choked_at(notes), strict=True):
        key = nearest_key(round(note.pitch), pieces)
        if key is None:
            continue
        sample = take(pieces[key], note.velocity, random)
        held = int(min(end_s - note.start_s, 60.0) * RATE)
        sound = fade_out(CACHE.sound(sample.path), held, int(_CHOKE_S * RATE))
        add(out, sound, round(note.start_s * RATE), balance[key] * _struck_gain(sample, note.velocity))


def _pieces(instrument: Instrument, random: np.random.Generator) -> dict[int, list[Sample]]:
    pieces: dict[int, list[Sample]] = {}
    for key in sorted({sample.pitch for sample in instrument.samples}):
        here = [sample for sample in instrument.samples if sample.pitch == key]
        names = sorted({sample.articulation for sample in here})
        name = names[random.integers(len(names))]
        pieces[key] = [sample for sample in here if sample.articulation == name]
    return pieces


def _balance(pieces: dict[int, list[Sample]], random: np.random.Generator) -> dict[int, float]:
    """A gain for each piece: as on a mixing desk, quiet ones are lifted part of the way to the loudest, by taste.

    Hi-hats of the recorded kits peak 17 to 30 dB below the kick, which leaves them unheard in a song.
    """
    peaks = {key: _peak(samples) for key, samples in pieces.items()}
    loudest = max(peaks.values())
    return {key: float((loudest / peak) ** 0.4 * 10 ** (random.normal(0, 2) / 20)) for key, peak in peaks.items()}


def _peak(samples: Sequence[Sample]) -> float:
    hardest = max(sample.velocity_high for sample in samples)
    loud = [sample for sample in samples if sample.velocity_high == hardest]
    return max(1e-6, *(float(np.abs(CACHE.sound(sample.path)).max()) for sample in loud))


def _struck_gain(sample: Sample, velocity: int) -> float:
    """About 1 in the middle of a layer, whose own level does the rest; where there is one layer, it does all."""
    middle = (sample.velocity_low + sample.velocity_high) / 2
    is_only = sample.velocity_high - sample.velocity_low > 100
    return float((velocity / middle) ** (1.0 if is_only else 0.5))
