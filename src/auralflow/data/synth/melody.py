"""The singer's part: phrases with rests between them, a melody in the key, and syllables."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from auralflow.data.synth.harmony import Chord, nearest_pitch, step_in_scale
from auralflow.data.synth.phonemes import CONSONANTS, VOWELS
from auralflow.data.synth.plan import STEPS_PER_BAR, Plan, Section

VOICE_CENTRES = {"baritone": 52, "tenor": 57, "alto": 63, "soprano": 68}
"""MIDI number about which a voice sings its verses."""
_SHORTEST_S = 0.14
_PHRASE_STEPS = 2 * STEPS_PER_BAR


@dataclass(frozen=True)
class Syllable:
    """A sung note."""

    start_s: float
    """When the vowel begins."""
    duration_s: float
    midi: int
    harmony_midi: int
    """A third above, in the scale of the chord: what a second voice sings."""
    velocity: float
    """0 to 1."""
    onset: str
    vowel: str


@dataclass(frozen=True)
class Phrase:
    """Syllables sung in one breath."""

    section: str
    syllables: tuple[Syllable, ...]

    @property
    def start_s(self) -> float:
        return self.syllables[0].start_s

    @property
    def end_s(self) -> float:
        return self.syllables[-1].start_s + self.syllables[-1].duration_s


@dataclass(frozen=True)
class _Motif:
    """The rhythm, contour and words of a phrase, before they meet the chords."""

    steps: tuple[int, ...]
    lengths: tuple[int, ...]
    moves: tuple[int, ...]
    words: tuple[tuple[str, str], ...]


def write_melody(plan: Plan, random: np.random.Generator) -> list[Phrase]:
    """All sung phrases: the verse goes A A' B A, the chorus repeats its own two, higher and longer."""
    verse = [_draw_motif(plan, random, 0.0), _draw_motif(plan, random, 0.0)]
    chorus = [_draw_motif(plan, random, 1.0), _draw_motif(plan, random, 1.0)]
    orders = {"verse": (0, 0, 1, 0), "chorus": (0, 1, 0, 1)}
    phrases = []
    for section in plan.sections:
        if section.name not in orders:
            continue
        motifs = chorus if section.name == "chorus" else verse
        for number, bar in enumerate(range(section.first_bar, section.first_bar + section.n_bars, 2)):
            motif = motifs[orders[section.name][number % 4]]
            if section.name == "verse":
                motif = replace(motif, words=_draw_words(len(motif.steps), random))
            n_steps = min(2, section.bars[-1] + 1 - bar) * STEPS_PER_BAR
            phrases.append(_set_motif(plan, section, bar, n_steps, motif, random))
    return phrases


def _draw_motif(plan: Plan, random: np.random.Generator, lift: float) -> _Motif:
    """Rhythm first: lengths that fit the tempo until about two thirds of two bars are full."""
    lengths_allowed = np.array([1, 2, 3, 4, 6, 8])
    weights = np.array([1.0, 4.0, 1.5, 2.0, 0.7, 0.2]) * (1.0 + lift * np.array([-0.6, -0.3, 0.2, 0.6, 1.0, 1.0]))
    weights *= lengths_allowed * plan.step_s >= _SHORTEST_S
    weights /= weights.sum()
    first = int(random.choice([0, 0, 2, 4]))
    last_length = int(random.choice([5, 6, 7, 8]))
    until = int(random.choice([20, 22, 24])) + round(2 * lift)
    steps, lengths = [first], []
    while steps[-1] < until - last_length:
        length = int(random.choice(lengths_allowed, p=weights))
        if length % 2 and steps[-1] % 2 == 0 and random.random() < 0.6:
            length += 1
        lengths.append(length)
        steps.append(steps[-1] + length)
    lengths.append(max(3, until - steps[-1]))
    moves = random.choice(np.array([-3, -2, -1, 0, 1, 2, 3]), len(steps), p=[0.05, 0.15, 0.27, 0.12, 0.24, 0.12, 0.05])
    words = _draw_words(len(steps), random)
    return _Motif(tuple(steps), tuple(lengths), tuple(int(move) for move in moves), words)


def _draw_words(count: int, random: np.random.Generator) -> tuple[tuple[str, str], ...]:
    onsets, vowels = list(CONSONANTS), list(VOWELS)
    return tuple((str(random.choice(onsets)), str(random.choice(vowels))) for _ in range(count))


def _set_motif(
    plan: Plan, section: Section, bar: int, n_steps: int, motif: _Motif, random: np.random.Generator
) -> Phrase:
    """Give the motif its place and pitches: chord notes on the beats and at the end, scale steps between."""
    centre = VOICE_CENTRES[plan.voice] + (4 if section.name == "chorus" else 0)
    midi, syllables = float(centre), []
    notes = list(zip(motif.steps, motif.lengths, motif.moves, motif.words, strict=True))
    notes = [note for note in notes if note[0] < n_steps - 3]
    for number, (step, length, move, (onset, vowel)) in enumerate(notes):
        chord = plan.chords[bar + step // STEPS_PER_BAR]
        is_last = number == len(notes) - 1
        pitch = _next_pitch(midi, move, centre, chord, on_beat=step % 4 == 0 or is_last)
        end = min(step + length, n_steps - 3) if n_steps < _PHRASE_STEPS else step + length
        start_s = plan.time_s(bar, step) + 0.008 * float(np.clip(random.standard_normal(), -1.5, 1.5))
        velocity = float(np.clip(0.75 + (0.1 if step % 8 == 0 else 0.0) + 0.06 * random.standard_normal(), 0.5, 1.0))
        duration_s = plan.time_s(bar, end) - start_s - 0.01
        harmony = step_in_scale(pitch, 2, chord.scale)
        syllables.append(Syllable(start_s, duration_s, pitch, harmony, velocity, onset, vowel))
        midi = pitch
    return Phrase(section.name, tuple(syllables))


def _next_pitch(midi: float, move: int, centre: int, chord: Chord, on_beat: bool) -> int:
    """Go by scale steps, turn back when more than a fifth off the centre, land on chord notes on the beat."""
    if (midi - centre) * move > 0 and abs(midi - centre) > 6:
        move = -move
    pitch = step_in_scale(nearest_pitch(midi, chord.scale), move, chord.scale)
    return nearest_pitch(pitch, chord.tones) if on_beat else pitch
