"""Find songs that are the same recording among many fingerprints.

As in the paper of `fingerprint`: a copy keeps a few of its codes whole, even where one bit in ten has changed. So codes
that two songs share vote for the lag between them, and the lag with most votes is judged by all bits of what overlaps.
Of songs that have nothing in common half of the bits differ; where no more than 0.35 do, they are one recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auralflow.data.checks.fingerprint import HOP_S, N_BITS, Fingerprint

MAX_BIT_ERROR = 0.35
"""Share of bits that may differ."""
MIN_OVERLAP = 0.5
"""Share of the shorter song that must overlap."""
MIN_OVERLAP_S = 2.0
"""Shorter sounds are not compared."""
_MIN_VOTES = 2
# A loop gives one code again and again. So many of each song vote, and so many songs' votes are paired with each other.
_MAX_PER_SONG, _MAX_APART = 4, 64

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Match:
    """Two fingerprints of one recording."""

    first: int
    second: int
    lag_s: float
    """What is at time t in the second is at t + lag in the first."""
    overlap_s: float
    """How much of them could be compared."""
    bit_error: float


def find_matches(fingerprints: Sequence[Fingerprint]) -> list[Match]:
    """Pairs that are the same recording, by their places in the sequence."""
    candidates = _vote(fingerprints)
    judged = (_judge(fingerprints[a], fingerprints[b], lag) for a, b, lag in candidates)
    return [
        Match(a, b, lag * HOP_S, n_loud * HOP_S, bit_error)
        for (a, b, _), (lag, n_loud, bit_error) in zip(candidates, judged, strict=True)
        if bit_error <= MAX_BIT_ERROR
    ]


def _vote(fingerprints: Sequence[Fingerprint]) -> list[tuple[int, int, int]]:
    """For each pair of songs that share codes, the lag at which they share most."""
    codes, songs, times = _list_codes(fingerprints)
    span = 2 * max((len(fingerprint.codes) for fingerprint in fingerprints), default=0) + 1
    votes = [np.zeros(0, np.int64)]
    for apart in range(1, _MAX_APART):
        shared = codes[apart:] == codes[:-apart]
        if not shared.any():
            break
        pair = np.flatnonzero(shared & (songs[apart:] != songs[:-apart]))
        lag = times[pair] - times[pair + apart]
        votes.append((songs[pair] * len(fingerprints) + songs[pair + apart]) * span + lag + span // 2)
    keys, counts = np.unique(np.concatenate(votes), return_counts=True)
    keys, counts = keys[counts >= _MIN_VOTES], counts[counts >= _MIN_VOTES]
    order = np.lexsort((-counts, keys // span))  # by pair, the most votes first
    pairs, best = np.unique(keys[order] // span, return_index=True)
    lags = keys[order][best] % span - span // 2
    return [(*divmod(int(pair), len(fingerprints)), int(lag)) for pair, lag in zip(pairs, lags, strict=True)]


def _list_codes(fingerprints: Sequence[Fingerprint]) -> tuple[Integers, Integers, Integers]:
    """Codes, songs and times of all loud frames, sorted by code, then song, then time."""
    places = [np.flatnonzero(fingerprint.is_loud) for fingerprint in fingerprints]
    nothing = np.zeros(0, np.int64)
    codes = np.concatenate([nothing, *(f.codes[place] for f, place in zip(fingerprints, places, strict=True))])
    songs = np.concatenate([nothing, *(np.full(len(place), index) for index, place in enumerate(places))])
    times = np.concatenate([nothing, *places])
    order = np.lexsort((times, songs, codes))
    codes, songs, times = codes[order], songs[order], times[order]
    again = (codes[_MAX_PER_SONG:] == codes[:-_MAX_PER_SONG]) & (songs[_MAX_PER_SONG:] == songs[:-_MAX_PER_SONG])
    few = np.concatenate([np.ones(min(_MAX_PER_SONG, len(codes)), bool), ~again])
    return codes[few], songs[few], times[few]


def _judge(first: Fingerprint, second: Fingerprint, lag: int) -> tuple[int, int, float]:
    """The lag near this one with the fewest differing bits, how many frames were compared, and the bits' share."""
    return min(((near, *_compare(first, second, near)) for near in (lag - 1, lag, lag + 1)), key=lambda found: found[2])


def _compare(first: Fingerprint, second: Fingerprint, lag: int) -> tuple[int, float]:
    start, end = max(0, lag), min(len(first.codes), len(second.codes) + lag)
    if end <= start:
        return 0, 1.0
    here, there = slice(start, end), slice(start - lag, end - lag)
    both = first.is_loud[here] & second.is_loud[there]
    n_loud = int(np.count_nonzero(both))
    if n_loud < max(MIN_OVERLAP_S / HOP_S, MIN_OVERLAP * min(first.n_loud, second.n_loud)):
        return n_loud, 1.0
    differing = (first.codes[here] ^ second.codes[there])[both]
    return n_loud, float(np.unpackbits(differing.view(np.uint8)).sum()) / (n_loud * N_BITS)
