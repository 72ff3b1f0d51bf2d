"""Songs that the models of `tests/models` know what to do with."""

from __future__ import annotations

from pathlib import Path

import soundfile


def mark_song(path: Path, value: float) -> None:
    """Set the first samples of a file, by which `crashes` tells what is asked of it."""
    samples, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
    samples[0] = value
    soundfile.write(path, samples, sample_rate)
