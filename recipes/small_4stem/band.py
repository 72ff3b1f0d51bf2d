"""Drums, bass and everything else: each part finds a player, an amplifier and its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

import effects
from amplifier import bass_amp, drive
from instrument import load_instrument
from library import BASSES, KITS, ONE_SHOTS, OTHERS, PERCUSSION
from notes import RATE, Note, Sound
from one_shots import draw_kit, play_kit
from sampler import play
from score import Part, Score
from soundfont import DRUM_KITS, render_soundfont
from studio import Studio
from synth_kit import draw_synth_kit
from synthesizer import draw_patch, play_patch

Random = np.random.Generator

LOWEST_PITCH = 23
"""B0, at 31 Hz."""
DUCKED_STYLES = ("edm", "drum_and_bass", "trap", "hiphop", "pop", "disco")


def play_drums(studio: Studio, score: Score, n_samples: int, random: Random) -> Sound:
    """The drum stem.

    Shape:
        (2, n_samples)
    """
    if not score.drums:
        return np.zeros((2, n_samples), np.float32)
    source = random.choice(("kit", "soundfont", "one_shots", "synth"), p=(0.45, 0.2, 0.2, 0.15))
    match str(source):
        case "kit":
            total = _play_real_kit(studio, score.drums, n_samples, random)
        case "soundfont":
            program = int(random.choice(DRUM_KITS))
            total = render_soundfont(studio.library.soundfont, program, score.drums, n_samples, is_drums=True)
        case "one_shots":
            total = play_kit(draw_kit(ONE_SHOTS, random), score.drums, n_samples, random)
        case _:
            total = play_kit(draw_synth_kit(random), score.drums, n_samples, random)
    if random.random() < 0.2:
        total = total + _play_percussion(studio, score, n_samples, random)
    return _treat_drums(total, random)


def _play_real_kit(studio: Studio, notes: Sequence[Note], n_samples: int, random: Random) -> Sound:
    """The microphones of one kit, blended: the same seed picks the same hits for each."""
    folders = studio.library.instruments(KITS[int(random.integers(len(KITS)))])
    seed = int(random.integers(2**31))
    levels = random.dirichlet(np.full(len(folders), 0.7))
    total = np.zeros((2, n_samples), np.float32)
    for folder, level in zip(folders, levels, strict=True):
        if level > 0.1:
            heard = play(load_instrument(folder), notes, n_samples, np.random.default_rng(seed))
            total += np.float32(level) * heard
    return total


def _play_percussion(studio: Studio, score: Score, n_samples: int, random: Random) -> Sound:
    """Two or three hand-held sounds in sixteenths that repeat every bar."""
    instrument = studio.instrument(PERCUSSION, random)
    keys = random.choice(np.arange(36, 84), 3, replace=False)
    pattern = random.random((3, 16)) < random.uniform(0.1, 0.4)
    sixteenth_s = 15.0 / score.tempo_bpm
    notes = [
        Note(float(place * sixteenth_s + 0.004 * random.standard_normal() + 0.02), 0.1, float(keys[row]), velocity)
        for place in range(int(n_samples / RATE / sixteenth_s))
        for row in range(3)
        if pattern[row, place % 16]
        for velocity in (int(random.integers(40, 120)),)
    ]
    heard = play(instrument, notes, n_samples, random)
    return np.float32(random.uniform(0.2, 0.8)) * effects.place(heard, float(random.uniform(-0.7, 0.7)))


def _treat_drums(sound: Sound, random: Random) -> Sound:
    if random.random() < 0.7:
        sound = effects.colour(sound, random)
    if random.random() < 0.5:
        sound = effects.compress(sound, random)
    if random.random() < 0.25:
        sound = effects.saturate(sound, random)
    if random.random() < 0.06:
        sound = effects.crush(sound, random)
    if random.random() < 0.6:
        sound = effects.add_room(sound, random, (-26.0, -8.0), (0.15, 1.2))
    return sound


def play_bass(studio: Studio, score: Score, n_samples: int, random: Random) -> Sound:
    """The bass stem, nearly mono.

    Shape:
        (2, n_samples)
    """
    if not score.bass:
        return np.zeros((2, n_samples), np.float32)
    source = random.choice(("sampled", "soundfont", "synth"), p=(0.55, 0.15, 0.3))
    match str(source):
        case "sampled":
            sound = play(studio.instrument(BASSES, random), score.bass, n_samples, random)
        case "soundfont":
            sound = render_soundfont(studio.library.soundfont, score.bass_program, score.bass, n_samples)
        case _:
            notes = _an_octave_lower(score.bass) if random.random() < 0.25 else score.bass
            sound = play_patch(draw_patch(random, "bass"), notes, n_samples, random)
            sound = effects.saturate(sound, random) if random.random() < 0.3 else sound
    if random.random() < 0.5:
        sound = bass_amp(sound, random)
    sound = effects.widen(sound, 0.2)
    if random.random() < 0.7:
        sound = effects.colour(sound, random, 5.0)
    if random.random() < 0.7:
        sound = effects.compress(sound, random)
    if random.random() < 0.15:
        sound = effects.add_room(sound, random, (-26.0, -14.0), (0.15, 0.6))
    return _duck(sound, score, random)


def _an_octave_lower(notes: Sequence[Note]) -> list[Note]:
    """Sub-bass, but for what would not be heard."""
    return [replace(note, pitch=note.pitch - 12 if note.pitch - 12 >= LOWEST_PITCH else note.pitch) for note in notes]


def _duck(sound: Sound, score: Score, random: Random) -> Sound:
    """In electronic songs the kick may push down what sounds with it."""
    kicks = [note.start_s for note in score.drums if note.pitch in (35, 36)]
    is_ducked = score.style in DUCKED_STYLES and kicks and random.random() < 0.4
    return effects.duck(sound, kicks, random) if is_ducked else sound


def play_others(studio: Studio, score: Score, n_samples: int, random: Random) -> Sound:
    """All that is neither voice nor drums nor bass.

    Shape:
        (2, n_samples)
    """
    total = np.zeros((2, n_samples), np.float32)
    for part in score.others:
        sound = _play_other(studio, part, n_samples, random)
        level = effects.active_level(sound)
        if level > 1e-5:
            side = float(np.clip(0.45 * random.standard_normal(), -1, 1))
            gain = np.float32(10 ** (random.uniform(-9, 3) / 20) / level)
            total += gain * effects.place(_treat_other(sound, random, score.tempo_bpm), side)
    return _duck(total, score, random)


def _play_other(studio: Studio, part: Part, n_samples: int, random: Random) -> Sound:
    family = _family(part)
    source = str(random.choice(("sampled", "soundfont", "synth"), p=(0.42, 0.38, 0.2)))
    if family == "driven" or (family == "guitar" and random.random() < 0.35):
        return _play_driven(studio, part, n_samples, random)
    if source == "sampled" and family in OTHERS:
        return play(studio.instrument(OTHERS[family], random), part.notes, n_samples, random)
    if source == "synth" or family == "synth":
        role = "pad" if part.role == "pad" else str(random.choice(("lead", "keys")))
        return play_patch(draw_patch(random, role), part.notes, n_samples, random)
    return render_soundfont(studio.library.soundfont, part.program, part.notes, n_samples)


def _play_driven(studio: Studio, part: Part, n_samples: int, random: Random) -> Sound:
    """An electric guitar through an amplifier, in half of the cases played twice, left and right."""
    takes = []
    for _ in range(int(random.integers(1, 3))):
        if random.random() < 0.6:
            clean = play(studio.instrument(OTHERS["driven"], random), part.notes, n_samples, random)
        else:
            clean = render_soundfont(studio.library.soundfont, int(random.integers(26, 29)), part.notes, n_samples)
        takes.append(drive(clean, random, float(random.uniform(0.2, 1.0))))
    if len(takes) == 1:
        return takes[0]
    spread = float(random.uniform(0.4, 1.0))
    return effects.place(takes[0], -spread) + effects.place(takes[1], spread)


def _family(part: Part) -> str:
    """Which instruments may play a part, from its General MIDI program."""
    program = part.program
    if 28 < program < 31:
        return "driven"
    families = ((8, "keys"), (16, "plucked"), (24, "keys"), (32, "guitar"), (40, "plucked"), (56, "strings"))
    for stop, family in (*families, (64, "brass"), (80, "reed"), (104, "synth"), (112, "plucked")):
        if program < stop:
            return family
    return "keys"


def _treat_other(sound: Sound, random: Random, tempo_bpm: float) -> Sound:
    if random.random() < 0.6:
        sound = effects.high_pass(sound, float(random.uniform(40, 200)))
    if random.random() < 0.7:
        sound = effects.colour(sound, random)
    if random.random() < 0.4:
        sound = effects.compress(sound, random)
    if random.random() < 0.2:
        sound = effects.echo(sound, random, 60.0 / tempo_bpm)
    if random.random() < 0.6:
        sound = effects.add_room(sound, random, (-24.0, -4.0), (0.2, 2.5))
    return sound
