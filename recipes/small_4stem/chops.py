"""A voice in slices, as electronic songs have it: a sampler plays them in a rhythm that comes round again."""

from __future__ import annotations

import numpy as np

from notes import RATE, Sound

_SPEEDS = 2.0 ** (np.array([0, 0, 0, 0, -12, -5, 3, 7, 12]) / 12)
_EDGE = RATE // 250
_AUDIBLE = 0.1
"""Of the loudest sample: slices start where the voice sounds."""

Random = np.random.Generator


def chop(sound: Sound, random: Random, beat_s: float) -> Sound:
    """Two to five slices of the sound, some backwards, some faster or slower, on a grid of half or quarter beats.

    Shape:
        (n_samples) to (n_samples), mono.
    """
    audible = np.flatnonzero(np.abs(sound) > _AUDIBLE * np.abs(sound).max(initial=0))
    if not len(audible):
        return sound
    step = round(beat_s / int(random.choice((2, 4))) * RATE)
    starts = random.choice(audible, int(random.integers(2, 6)))
    slices = [_cut(sound, int(start), step * int(random.integers(1, 5)), random) for start in starts]
    turn = _draw_turn(slices, step, int(random.choice((8, 16))), random)
    return np.asarray(np.resize(turn, len(sound)), np.float32)


def _cut(sound: Sound, start: int, length: int, random: Random) -> Sound:
    """One slice, with edges of 4 ms that do not click."""
    piece = sound[start : start + length]
    piece = piece[::-1] if random.random() < 0.15 else piece
    speed = float(random.choice(_SPEEDS))
    piece = np.interp(np.arange(0, len(piece) - 1, speed), np.arange(len(piece)), piece)
    edge = np.minimum(1.0, (np.arange(len(piece)) + 1) / _EDGE)
    return np.asarray(piece * edge * edge[::-1], np.float32)


def _draw_turn(slices: list[Sound], step: int, n_steps: int, random: Random) -> Sound:
    """One turn of the rhythm; a slice that starts ends the one before."""
    turn = np.zeros(step * n_steps, np.float32)
    played = random.random(n_steps) < random.uniform(0.3, 0.7)
    played[random.integers(n_steps)] = True
    places = np.flatnonzero(played)
    for place, following in zip(places, [*places[1:], n_steps], strict=True):
        piece = slices[int(random.integers(len(slices)))][: step * (following - place)]
        fade = np.minimum(1.0, (len(piece) - np.arange(len(piece))) / _EDGE)
        turn[place * step : place * step + len(piece)] = piece * fade
    return turn
