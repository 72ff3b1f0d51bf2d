"""The outline of a sound: smallest and greatest sample of each stretch, over the mean of its channels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from auralflow.audio.read import AudioReader
from auralflow.errors import AudioError
from auralflow.workers.serve import Beat

MAX_BUCKETS = 20_000
_FINEST = 256
_SCALE = 127

Outline = npt.NDArray[np.int8]


def write_peaks(path: str, to: str, from_s: float, for_s: float | None, beat: Beat) -> None:
    """Read a sound once, and keep its outline as fine as anybody may ask for it.

    Raises:
        AudioError: the sound cannot be read.
    """
    with AudioReader(path, start_s=from_s, duration_s=for_s) as reader:
        n_expected = round((for_s or reader.info.duration_s or 0.0) * reader.sample_rate)
        n_each = min(_FINEST, max(1, n_expected // MAX_BUCKETS))
        pieces, rest = [], np.empty(0, np.float32)
        for block in reader:
            mono = np.concatenate([rest, block.mean(axis=0)])
            n_whole = len(mono) // n_each * n_each
            pieces.append(_outline(mono[:n_whole].reshape(-1, n_each)))
            rest = mono[n_whole:]
            beat(reader.n_read / max(1, n_expected))
        if len(rest):
            pieces.append(_outline(rest[None]))
        outline = np.concatenate(pieces, axis=1)
        values: dict[str, Any] = {"n_samples": reader.n_read, "sample_rate": reader.sample_rate, "n_each": n_each}
    unfinished = Path(f"{to}.{os.getpid()}.npz")
    np.savez(unfinished, outline=outline, **values)
    os.replace(unfinished, to)


def _outline(rows: npt.NDArray[np.float32]) -> Outline:
    """
    Shape:
        rows (stretch, time), result (2, stretch)
    """
    found = np.stack([rows.min(axis=1, initial=1.0), rows.max(axis=1, initial=-1.0)])
    outline: Outline = np.rint(np.clip(found, -1, 1) * _SCALE).astype(np.int8)
    return outline


def read_peaks(path: Path, n_buckets: int) -> dict[str, Any]:
    """An outline in `n_buckets` stretches of equal length.

    Raises:
        AudioError: the file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as kept:
            outline, n_samples = kept["outline"], int(kept["n_samples"])
            sample_rate, n_each = int(kept["sample_rate"]), int(kept["n_each"])
    except (OSError, ValueError, KeyError) as error:
        raise AudioError(f"the outline cannot be read: {error}") from None
    edges = np.arange(n_buckets + 1) * (n_samples / n_buckets / n_each)
    first = np.minimum(edges[:-1].astype(np.int64), outline.shape[1] - 1)
    last = np.clip(np.ceil(edges[1:]).astype(np.int64), first + 1, outline.shape[1])
    pairs = np.stack([first, last], axis=1).reshape(-1)
    # `reduceat` takes pairs of places where every second stretch is left out; a place behind the end needs a stand-in.
    padded = np.concatenate([outline, outline[:, -1:]], axis=1)
    return {
        "duration_s": n_samples / sample_rate,
        "buckets": n_buckets,
        "min": np.minimum.reduceat(padded[0], pairs)[::2].tolist(),
        "max": np.maximum.reduceat(padded[1], pairs)[::2].tolist(),
    }
