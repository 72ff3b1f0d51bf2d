"""The mix as heard on the page: each track with its gain and place between left and right, summed.

A place is that of the Web Audio API ("Web Audio API 1.1", W3C, section on StereoPannerNode, for stereo input), so that
what is saved is what was heard. A mono track counts as the same sound on both sides. With p the place from -1 to 1,

    p <= 0:  x = (p + 1) pi / 2    left = L + R cos x,  right = R sin x
    p >  0:  x = p pi / 2          left = L cos x,      right = R + L sin x
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from auralflow.audio.formats import choose_format
from auralflow.audio.probe import probe
from auralflow.audio.read import AudioReader
from auralflow.audio.types import Samples
from auralflow.audio.write import AudioWriter
from auralflow.errors import AudioError
from auralflow.workers.serve import Beat


def place(sound: Samples, gain_db: float, pan: float) -> Samples:
    """A sound with a gain, and between left and right.

    Shape:
        sound (channel, time); result the same, but two channels for a mono sound that is not in the middle

    Raises:
        AudioError: more than two channels and not in the middle.
    """
    loud = sound * np.float32(10 ** (gain_db / 20))
    if pan == 0:
        return loud
    if len(loud) > 2:
        raise AudioError(f"pan: expected a mono or stereo track, got {len(loud)} channels; put it in the middle")
    left, right = loud[0], loud[-1]
    angle = (pan + 1 if pan <= 0 else pan) * math.pi / 2
    toward, away = np.float32(math.sin(angle)), np.float32(math.cos(angle))
    if pan <= 0:
        return np.stack([left + right * away, right * toward])
    return np.stack([left * away, right + left * toward])


def write_mix(tracks: Sequence[dict[str, Any]], to: str, format: str, beat: Beat) -> dict[str, Any]:
    """Sum tracks into a file; one that would clip is lowered as a whole.

    Args:
        tracks: each with `path`, `gain_db`, `pan`, and the stretch `from_s` and `for_s`.

    Raises:
        AudioError: a track cannot be read.
        OutputError: the format cannot hold it, or the disk is full.
    """
    info = probe(tracks[0]["path"])
    chosen = choose_format(format, info)
    peak = 1.0
    if chosen.needs_gain:
        for block in _sum(tracks):
            peak = max(peak, float(np.abs(block).max(initial=0.0)))
            beat(0.0)
    sums = _sum(tracks)
    first = next(sums, None)
    if first is None:
        raise AudioError("mix: the tracks hold no samples there")
    with AudioWriter(to, sample_rate=info.sample_rate, channels=len(first), output_format=chosen) as writer:
        for block in _chain(first, sums):
            writer.write(block if peak == 1.0 else block * np.float32(1 / peak))
            beat(0.5)
    return {"suffix": chosen.suffix, "gain_db": -20 * math.log10(peak)}


def _chain(first: Samples, rest: Iterator[Samples]) -> Iterator[Samples]:
    yield first
    yield from rest


def _sum(tracks: Sequence[dict[str, Any]]) -> Iterator[Samples]:
    with ExitStack() as stack:
        readers = [
            stack.enter_context(AudioReader(track["path"], start_s=track["from_s"], duration_s=track["for_s"]))
            for track in tracks
        ]
        is_wide = any(reader.channels == 2 or track["pan"] for reader, track in zip(readers, tracks, strict=True))
        for blocks in zip(*readers, strict=False):
            placed = [place(b, t["gain_db"], t["pan"]) for b, t in zip(blocks, tracks, strict=True)]
            n_samples = min(block.shape[1] for block in placed)
            total = np.zeros((2 if is_wide else len(placed[0]), n_samples), np.float32)
            for block in placed:
                total += block[:, :n_samples]
            yield total
