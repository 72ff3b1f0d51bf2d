"""The outline of a waveform: the range of the samples in each column, all channels together."""

from __future__ import annotations

import numpy as np

from auralflow.audio.types import Samples
from auralflow.plots.columns import Columns, Floats


class EnvelopeMeter:
    """The outline of a stream; memory does not grow with it."""

    def __init__(self) -> None:
        self._columns = Columns(2)

    @property
    def column_samples(self) -> int:
        """Samples in a column."""
        return self._columns.width

    def add(self, block: Samples) -> None:
        """Append samples.

        Shape:
            block: (channel, time)
        """
        self._columns.add(np.stack([(-block).max(axis=0), block.max(axis=0)]))

    def find_ends(self) -> tuple[Floats, Floats]:
        """The lowest and the highest sample of each column; one column of silence where there was nothing.

        Shape:
            both: (column,)
        """
        low, high = self._columns.values
        return (-low, high) if len(high) else (np.zeros(1), np.zeros(1))


def find_envelope(samples: Samples, n_columns: int) -> tuple[Samples, Samples]:
    """The lowest and the highest sample of each column of a picture; there are no more columns than samples.

    Shape:
        samples: (channel, time)
        both: (column,)
    """
    n_samples = samples.shape[-1]
    edges = np.linspace(0, n_samples, min(n_columns, n_samples), endpoint=False, dtype=int)
    if not len(edges):
        return np.zeros(1, np.float32), np.zeros(1, np.float32)
    return np.minimum.reduceat(samples.min(0), edges), np.maximum.reduceat(samples.max(0), edges)
