"""Sounds of files: decoded, and kept for a while in half the memory."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from notes import RATE, Sound


def decode(path: Path) -> Sound:
    """The sound of a file at the recipe's rate. Shape: (channel, time)."""
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    if rate != RATE:
        sound = soxr.resample(sound, rate, RATE)
    return np.ascontiguousarray(sound.T)


class Cache:
    """Decoded files in half precision (noise 70 dB below the sound); what was not used for longest goes first."""

    def __init__(self, n_bytes: int) -> None:
        self._room = n_bytes
        self._sounds: OrderedDict[Path, npt.NDArray[np.float16]] = OrderedDict()

    def sound(self, path: Path, n_samples: int | None = None) -> Sound:
        """The first `n_samples` of a file, or all of it. Shape: (channel, time)."""
        if path not in self._sounds:
            self._keep(path, decode(path).astype(np.float16))
        self._sounds.move_to_end(path)
        return self._sounds[path][:, :n_samples].astype(np.float32)

    def _keep(self, path: Path, sound: npt.NDArray[np.float16]) -> None:
        self._sounds[path] = sound
        self._room -= sound.nbytes
        while self._room < 0 and len(self._sounds) > 1:
            self._room += self._sounds.popitem(last=False)[1].nbytes
