"""The vocal stem: a lead, and in some songs doubles, a second voice and a choir, each with its effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

import effects
from chops import chop
from notes import Note, Sound
from score import Score
from singing import SingingStyle, draw_style, sing, speak
from studio import Studio
from voice_bank import VoiceBank

Random = np.random.Generator


def record_vocals(studio: Studio, score: Score, n_samples: int, random: Random) -> Sound:
    """All voices of a song.

    Shape:
        (2, n_samples)
    """
    if not score.melody:
        return np.zeros((2, n_samples), np.float32)
    bank, style = studio.voice(random), draw_style(random)
    score = _transpose(score, bank, random)
    if random.random() < 0.07:
        lead = speak(bank, n_samples, random, density=float(random.uniform(0.5, 0.9)))
    else:
        lead = sing(bank, score.melody, n_samples, random, style)
    if random.random() < 0.08:
        lead = chop(lead, random, 60.0 / score.tempo_bpm)
    total = effects.treat_voice(np.stack([lead, lead]), random, score.tempo_bpm)
    total = effects.place(total, float(np.clip(0.1 * random.standard_normal(), -0.5, 0.5)))
    if random.random() < 0.3:
        total = total + _double(bank, score.melody, n_samples, random, style)
    if score.harmony and random.random() < 0.35:
        total = total + _second(studio, bank, score.harmony, n_samples, random, style)
    if score.harmony and random.random() < 0.12:
        total = total + _choir(studio, score.harmony, n_samples, random)
    return total


def _transpose(score: Score, bank: VoiceBank, random: Random) -> Score:
    """Melodies in the octaves nearest to where the voice sings, now and then one above."""
    octaves = round((bank.singing_note - float(np.median([note.pitch for note in score.melody]))) / 12)
    octaves += random.random() < 0.25
    melody, harmony = (
        tuple(replace(note, pitch=note.pitch + 12 * octaves) for note in notes)
        for notes in (score.melody, score.harmony)
    )
    return replace(score, melody=melody, harmony=harmony)


def _double(bank: VoiceBank, notes: Sequence[Note], n_samples: int, random: Random, style: SingingStyle) -> Sound:
    """The melody sung again on both sides, never quite together with the first."""
    level, spread = random.uniform(0.15, 0.6), random.uniform(0.3, 1.0)
    sides = []
    for side in (-spread, spread):
        voice = sing(bank, _loosen(notes, random), n_samples, random, replace(style, detune_cents=12 * side))
        sides.append(effects.place(np.stack([voice, voice]), side))
    return np.float32(level) * effects.treat_voice(sides[0] + sides[1], random, 120.0)


def _second(
    studio: Studio, bank: VoiceBank, notes: Sequence[Note], n_samples: int, random: Random, style: SingingStyle
) -> Sound:
    """A second voice, the same singer or another."""
    if random.random() < 0.5:
        bank, style = studio.voice(random), draw_style(random)
    voice = sing(bank, _loosen(notes, random), n_samples, random, style)
    placed = effects.place(np.stack([voice, voice]), float(random.uniform(-0.8, 0.8)))
    return np.float32(random.uniform(0.2, 0.8)) * effects.treat_voice(placed, random, 120.0)


def _choir(studio: Studio, notes: Sequence[Note], n_samples: int, random: Random) -> Sound:
    style = replace(draw_style(random), vibrato_cents=10.0)
    sides = [sing(studio.choir(random), _loosen(notes, random), n_samples, random, style) for _ in range(2)]
    wet = effects.add_room(np.stack(sides), random, (-8.0, 2.0), (0.8, 3.0))
    return np.float32(random.uniform(0.2, 0.7)) * wet


def _loosen(notes: Sequence[Note], random: Random) -> list[Note]:
    late_s = random.uniform(0.005, 0.03) * random.standard_normal(len(notes))
    return [replace(note, start_s=max(0.0, note.start_s + float(s))) for note, s in zip(notes, late_s, strict=True)]
