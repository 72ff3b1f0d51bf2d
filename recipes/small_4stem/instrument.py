"""Sampled instruments: what is recorded of them, and at which keys and velocities.

An instrument is a folder whose `map.json` lists `{file, kind, midi_note, velocity_low, velocity_high, round_robin}` and
for some kits `name`: the true piece behind a key.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sound_files import Cache

_FLAWED = frozenset({("meatbass_pizz", "027_v1_r1.ogg")})
"""Folder and file: perhaps an octave off."""


@dataclass(frozen=True)
class Sample:
    """One recorded note."""

    path: Path
    pitch: int
    velocity_low: int
    velocity_high: int
    articulation: str
    """Which of several sounds under one key this is; takes of one sound share it."""


@dataclass(frozen=True)
class Instrument:
    """A sampled instrument; its sounds are decoded when they are first played."""

    folder: Path
    kind: str
    samples: tuple[Sample, ...]


CACHE = Cache(300_000_000)
"""Sounds of all instruments that were played last."""


def load_instrument(folder: Path) -> Instrument:
    """The instrument in `folder`, by its `map.json`; no sound is read yet."""
    rows = json.loads((folder / "map.json").read_text())
    usable = [row for row in rows if (folder.name, row["file"]) not in _FLAWED]
    return Instrument(folder, rows[0]["kind"], tuple(_sample(folder, row) for row in usable))


def take(samples: Sequence[Sample], velocity: int, random: np.random.Generator) -> Sample:
    """Any of the takes whose layer is nearest to `velocity`; layers may have gaps between them."""
    far = [max(sample.velocity_low - velocity, velocity - sample.velocity_high, 0) for sample in samples]
    best = [sample for sample, distance in zip(samples, far, strict=True) if distance == min(far)]
    return best[random.integers(len(best))]


def _sample(folder: Path, row: dict[str, Any]) -> Sample:
    return Sample(folder / row["file"], row["midi_note"], row["velocity_low"], row["velocity_high"], _articulation(row))


def _articulation(row: dict[str, Any]) -> str:
    """Names of some kits go on with the layer and the take; percussion without names has another drum in each take."""
    if "name" in row:
        return str(row["name"]).split("_v")[0].split("_rr")[0]
    return str(row["round_robin"]) if row["kind"] == "percussion" else ""
