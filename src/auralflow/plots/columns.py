"""The columns of a picture, from a stream whose length nobody knows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]

N_COLUMNS = 1200
"""Fewest columns of what is long; there are never twice as many. More than pixels would only cost time."""
_BLOCK_SAMPLES = 1 << 16


class Columns:
    """The largest items of a stream, in columns that are all as wide as each other.

    At first each item has a column of its own. When there are twice as many columns as wanted, each pair becomes one.
    So the memory is the same for a second and for a day, and nothing is left out: a maximum of maxima is the maximum.

    Example:
        >>> columns = Columns(1, n_columns=2)
        >>> columns.add(np.array([[1.0, 5.0, 2.0, 3.0, 4.0]]))
        >>> columns.width, columns.values
        (2, array([[5., 3., 4.]]))
    """

    def __init__(self, n_rows: int, n_columns: int = N_COLUMNS) -> None:
        self.width = 1
        """Items in a column; the last one may lack some."""
        self._n_columns = n_columns
        self._full: Floats = np.empty((n_rows, 0), np.float32)
        self._begun: Floats = np.full((n_rows, 1), -np.inf, np.float32)
        self._n_begun = 0

    @property
    def values(self) -> Floats:
        """The columns so far.

        Shape:
            (row, column)
        """
        return np.concatenate([self._full, self._begun], axis=1) if self._n_begun else self._full

    def add(self, items: Floats) -> None:
        """Append items.

        Shape:
            items: (row, item)
        """
        n_missing = min(self.width - self._n_begun, items.shape[1])
        self._begin(items[:, :n_missing])
        rest = items[:, n_missing:]
        n_full = rest.shape[1] // self.width
        whole, left = np.split(rest, [n_full * self.width], axis=1)
        if self._n_begun == self.width:
            self._complete(self._begun)
        self._complete(whole.reshape(len(whole), n_full, self.width).max(axis=2))
        self._begin(left)
        while self._full.shape[1] >= 2 * self._n_columns:
            self._merge()

    def _begin(self, items: Floats) -> None:
        if items.shape[1]:
            self._begun = np.maximum(self._begun, items.max(axis=1, keepdims=True))
            self._n_begun += items.shape[1]

    def _complete(self, columns: Floats) -> None:
        if columns.shape[1]:
            self._full = np.concatenate([self._full, columns], axis=1)
        if self._n_begun == self.width:
            self._begun, self._n_begun = np.full_like(self._begun, -np.inf), 0

    def _merge(self) -> None:
        """Make one of every two; one that is left over is the beginning of the next."""
        if self._full.shape[1] % 2:
            self._begun = np.maximum(self._begun, self._full[:, -1:])
            self._n_begun += self.width
            self._full = self._full[:, :-1]
        self._full = np.maximum(self._full[:, ::2], self._full[:, 1::2])
        self.width *= 2


def cut_blocks(samples: Floats) -> Iterator[Floats]:
    """A sound in memory as a stream of blocks.

    Shape:
        samples, blocks: (channel, time)
    """
    for start in range(0, samples.shape[1], _BLOCK_SAMPLES):
        yield samples[:, start : start + _BLOCK_SAMPLES]
