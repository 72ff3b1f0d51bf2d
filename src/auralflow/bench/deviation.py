"""How far two outputs are from each other, read in pieces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from auralflow.errors import AuralflowError

_PIECE_SAMPLES = 1 << 20


@dataclass(frozen=True)
class Deviation:
    """Distance of an output from another."""

    max_error: float
    """Largest difference of two samples, in parts of the largest sample of the other output."""
    sdr_db: float | None
    """Energy of the other output to that of the difference, all stems together; None where they are equal."""


def compare_outputs(path: Path, reference: Path) -> Deviation:
    """Compare the files of two orders, sample for sample.

    Raises:
        AuralflowError: they are not of one length.
    """
    if path.stat().st_size != reference.stat().st_size:
        raise AuralflowError("gave another number of samples than 'plain'")
    largest = distance = signal = noise = 0.0
    with path.open("rb") as ours, reference.open("rb") as theirs:
        while True:
            expected = np.fromfile(theirs, np.float32, _PIECE_SAMPLES).astype(np.float64)
            if not len(expected):
                break
            error = np.fromfile(ours, np.float32, len(expected)) - expected
            largest, distance = max(largest, np.abs(expected).max()), max(distance, np.abs(error).max())
            signal, noise = signal + float(expected @ expected), noise + float(error @ error)
    if noise == 0:
        return Deviation(0.0, None)
    # A model that gives silence has no largest sample to measure by; the difference then stands for itself.
    return Deviation(float(distance / (largest or 1.0)), float(10 * np.log10(max(signal, 1e-30) / noise)))
