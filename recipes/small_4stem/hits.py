"""What all players of struck things share: which piece stands in for another, what a hi-hat cuts off, and adding a hit.

Keys are those of General MIDI's percussion map (RP-003 of the MIDI Association). Keys 22, 26 and 58 are what an
electronic Roland kit, as in the Groove MIDI Dataset, sends for the hi-hat's edge and the rim of the floor tom.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np

from notes import Note, Sound

CLOSED_HATS = frozenset({22, 42, 44})
OPEN_HATS = frozenset({26, 46})

_FAMILIES: tuple[tuple[int, ...], ...] = (
    (35, 36),
    (38, 40),
    (41, 43, 45, 47, 48, 50),
    (22, 42, 44),
    (26, 46),
    (49, 52, 55, 57),
    (51, 53, 59),
    (60, 61, 62, 63, 64, 65, 66),
    (56, 67, 68),
    (54, 69, 70, 82, 83),
    (75, 76, 77),
    (73, 74),
    (80, 81),
)

_STAND_INS: dict[int, tuple[int, ...]] = {
    # The edge sounds like the bow, and the pedal's chick does not.
    22: (42,),
    37: (38, 40),
    38: (40, 37, 39),
    39: (38, 40),
    40: (38, 37, 39),
    49: (57, 55, 52),
    57: (49, 55, 52),
    # A ride keeps the time; without one, the hi-hat does.
    51: (59, 53, 42),
    53: (51, 59, 42),
    59: (51, 53, 42),
    58: (43, 41, 45),
}
"""Asked before the family."""

_LAST_RESORTS: dict[int, tuple[int, ...]] = {26: (42,), 46: (42, 44), 49: (59, 51), 57: (59, 51), 65: (48,), 66: (45,)}
"""Asked after the family."""


def nearest_key(key: int, have: Collection[int]) -> int | None:
    """The key among `have` whose piece best stands in for `key`; None where there is no sensible one."""
    family = next((family for family in _FAMILIES if key in family), ())
    relatives = sorted(family, key=lambda other: abs(other - key))
    order = (key, *_STAND_INS.get(key, ()), *relatives, *_LAST_RESORTS.get(key, ()))
    return next((other for other in order if other in have), None)


def choked_at(notes: Sequence[Note]) -> list[float]:
    """When each hit is cut off, in seconds: an open hi-hat by the next hit on the hi-hat, others never (infinity)."""
    hats = sorted(note.start_s for note in notes if round(note.pitch) in CLOSED_HATS | OPEN_HATS)
    ends = [math.inf] * len(notes)
    for number, note in enumerate(notes):
        if round(note.pitch) in OPEN_HATS:
            position = int(np.searchsorted(hats, note.start_s, side="right"))
            ends[number] = hats[position] if position < len(hats) else math.inf
    return ends


def fade_out(sound: Sound, n_held: int, n_fade: int) -> Sound:
    """`sound` (channel, time) up to `n_held`, then a fade of `n_fade` samples to silence."""
    if sound.shape[-1] <= n_held:
        return sound
    cut = sound[:, : n_held + n_fade].copy()
    n_left = cut.shape[-1] - n_held
    cut[:, n_held:] *= np.cos(np.linspace(0, np.pi / 2, n_fade, dtype=np.float32))[:n_left] ** 2
    return cut


def add(out: Sound, sound: Sound, start: int, gain: float) -> None:
    """Add `sound` (1 or 2 channels, time) to `out` (2, time) from sample `start` on; what lies outside is left out."""
    first = max(0, -start)
    last = min(sound.shape[-1], out.shape[-1] - start)
    if first < last:
        out[:, start + first : start + last] += np.float32(gain) * sound[:, first:last]
