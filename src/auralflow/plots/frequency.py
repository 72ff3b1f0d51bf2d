"""Frequency axes: rows that are as high as each other on a logarithmic or a mel scale."""

from __future__ import annotations

from typing import Literal

import numpy as np

from auralflow.plots.columns import Floats

FrequencyScale = Literal["log", "mel"]
"""`log`: an octave is as high everywhere. `mel`: as ears space pitch (Slaney's, linear below 1 kHz)."""

N_ROWS = 240
_LOWEST_HZ = 40.0
MARKS_HZ = (100, 1000, 10_000)
"""Of small pictures."""
FINE_MARKS_HZ: dict[FrequencyScale, tuple[int, ...]] = {
    "log": (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000),
    "mel": (250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000),
}


def find_edges_hz(sample_rate: int, scale: FrequencyScale) -> Floats:
    """Frequencies in Hz at which rows end, from the lowest up to half the sample rate: one more than there are rows."""
    if scale == "log":
        return np.geomspace(_LOWEST_HZ, sample_rate / 2, N_ROWS + 1)
    from auralflow.dsp.bands import mel_edges_hz

    edges_hz: Floats = mel_edges_hz(N_ROWS - 1, 0.0, sample_rate / 2).numpy()
    return edges_hz


def place_marks(edges_hz: Floats, marks_hz: tuple[int, ...] = MARKS_HZ) -> dict[int, float]:
    """Round frequencies in Hz, and at which part of a spectrogram's height they are."""
    heights = np.linspace(0, 1, len(edges_hz))
    return {hz: float(np.interp(hz, edges_hz, heights)) for hz in marks_hz if edges_hz[0] < hz < edges_hz[-1]}
