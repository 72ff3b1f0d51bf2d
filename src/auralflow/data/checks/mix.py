"""Compare the published mixture with the sum of the stems, as both stream by.

Beside the residual `mixture - sum`, the products of all sounds with each other are gathered. From these follow the
gains with which the stems stand in the mixture, by least squares:

    g = argmin |mixture - sum_i g_i stem_i|^2,   stems stems' g = stems mixture

A stem with its sign turned has a gain of about -1. An excerpt from the middle tells whether the mixture comes late or
early, by the highest value of its cross-correlation with the sum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from auralflow.audio.types import Samples

MAX_RESIDUAL_DB = -30.0
"""More than this, relative to the mixture, and the mixture is not the sum of the stems."""
EXCERPT_S = 6.0
MAX_LAG_S = 1.0
_FLIPPED_GAIN = -0.3
_MIN_LAG_CORRELATION = 0.7
_FLOOR = 1e-12

Values = npt.NDArray[np.float64]


class MixMeter:
    """Takes blocks of the mixture and its stems, all of one shape.

    Args:
        n_stems: stems that come with each block.
        sample_rate: of all sounds.
        n_samples: length of the mixture as its file states it; the excerpt is taken from the middle.
    """

    def __init__(self, n_stems: int, sample_rate: int, n_samples: int) -> None:
        self.sample_rate = sample_rate
        self._products = np.zeros((n_stems + 1, n_stems + 1))
        self._residual = 0.0
        n_excerpt = min(n_samples, round(EXCERPT_S * sample_rate))
        self._excerpt = np.zeros((2, n_excerpt), np.float32)
        self._excerpt_start, self._position = (n_samples - n_excerpt) // 2, 0

    def update(self, mixture: Samples, stems: Sequence[Samples]) -> None:
        """Take the next samples, axes (channel, time)."""
        total = np.sum(stems, axis=0)
        self._residual += float(np.square(mixture - total).sum())
        sounds = np.stack([mixture, *stems]).reshape(len(stems) + 1, -1)
        self._products += sounds @ sounds.T
        self._keep(mixture.mean(axis=0), total.mean(axis=0))

    @property
    def residual_db(self) -> float | None:
        """Level of `mixture - sum` relative to the mixture, not below -120; None for a silent mixture."""
        return self._relative_db(self._residual)

    def find_flipped(self) -> list[int]:
        """Stems with the sign turned; none where gains do not explain the mixture, since then they mean nothing."""
        gains = self._fit_gains()
        level_db = self._relative_db(self._residual_energy(gains))
        if level_db is None or level_db > MAX_RESIDUAL_DB:
            return []
        return [index for index, gain in enumerate(gains) if gain < _FLIPPED_GAIN]

    def residual_db_without(self, flipped: Sequence[int]) -> float | None:
        """As `residual_db`, once these stems are turned back."""
        signs = np.ones(len(self._products) - 1)
        signs[list(flipped)] = -1.0
        return self._relative_db(self._residual_energy(signs))

    def find_lag(self) -> int | None:
        """Samples by which the mixture comes late (negative: early); None where no lag makes them alike."""
        mixture, total = self._excerpt - self._excerpt.mean(axis=1, keepdims=True)
        norm = float(np.linalg.norm(mixture) * np.linalg.norm(total))
        n_most = min(round(MAX_LAG_S * self.sample_rate), len(mixture) // 2)
        if norm <= _FLOOR or not n_most:
            return None
        n_transform = 1 << (len(mixture) + n_most).bit_length()
        spectra = np.fft.rfft([mixture, total], n_transform)
        circular = np.fft.irfft(spectra[0] * np.conj(spectra[1]), n_transform)
        near = np.concatenate([circular[-n_most:], circular[: n_most + 1]])
        lag = int(near.argmax()) - n_most
        overlap = 1 - abs(lag) / len(mixture)
        return lag if near.max() > _MIN_LAG_CORRELATION * overlap * norm else None

    def _fit_gains(self) -> Values:
        stems, with_mixture = self._products[1:, 1:], self._products[1:, 0]
        gains, *_ = np.linalg.lstsq(stems, with_mixture, rcond=1e-5)
        return np.asarray(gains, np.float64)

    def _residual_energy(self, gains: Values) -> float:
        weights = np.concatenate([[1.0], -gains])
        return max(0.0, float(weights @ self._products @ weights))

    def _relative_db(self, energy: float) -> float | None:
        whole = float(self._products[0, 0])
        return 10 * math.log10(energy / whole + _FLOOR) if whole > 0 else None

    def _keep(self, mixture: Samples, total: Samples) -> None:
        """Copy what falls into the excerpt."""
        offset = self._position - self._excerpt_start
        first, last = max(0, offset), min(self._excerpt.shape[1], offset + len(mixture))
        if first < last:
            self._excerpt[:, first:last] = [
                mixture[first - offset : last - offset],
                total[first - offset : last - offset],
            ]
        self._position += len(mixture)
