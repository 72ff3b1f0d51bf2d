"""The sound that models are timed with: tones, noise and chirps, made of numbers and as long as one likes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auralflow.audio.types import Samples

CHANNELS = 2
"""Songs are in stereo, whatever a model takes."""

_BLOCK_SAMPLES = 1 << 16
_CHORDS_HZ = ((110.0, 220.0, 277.2, 329.6), (98.0, 196.0, 246.9, 293.7), (130.8, 261.6, 329.6, 392.0))
_CHIRP_S, _LOWEST_HZ = 2.0, 50.0
_BURST_S, _DECAY_S = 0.5, 0.05


def make_blocks(n_samples: int, sample_rate: int, seed: int = 0) -> Iterator[Samples]:
    """The sound in blocks (channel, time), below full scale and never silent; a function of its arguments alone.

    A chord changes every second, a chirp rises in 2 s from 50 Hz to 0.4 of the rate, noise bursts come twice a second.
    The channels have their own noise, and different shares of the rest.

    Example:
        >>> [block.shape for block in make_blocks(100_000, 44100)]
        [(2, 65536), (2, 34464)]
    """
    for start in range(0, n_samples, _BLOCK_SAMPLES):
        time_s = np.arange(start, min(start + _BLOCK_SAMPLES, n_samples)) / sample_rate
        noise = np.random.default_rng([seed, start]).uniform(-1, 1, (CHANNELS, len(time_s)))
        tones, chirp = _chords(time_s), _chirps(time_s, sample_rate)
        shared = np.stack([0.6 * tones + 0.2 * chirp, 0.3 * tones + 0.5 * chirp])
        yield (0.5 * shared + 0.4 * noise * _bursts(time_s)).astype(np.float32)


def _chords(time_s: np.ndarray) -> np.ndarray:
    seconds = time_s.astype(int)
    chords_hz = np.array(_CHORDS_HZ)[seconds % len(_CHORDS_HZ)]
    return np.asarray(np.sin(2 * np.pi * chords_hz * (time_s - seconds)[:, None]).mean(1))


def _chirps(time_s: np.ndarray, sample_rate: int) -> np.ndarray:
    """Exponential ones: the frequency after t is f (F/f)^(t/T), and the phase its integral."""
    rise = np.log(0.4 * sample_rate / _LOWEST_HZ)
    return np.asarray(
        np.sin(2 * np.pi * _LOWEST_HZ * _CHIRP_S / rise * np.expm1(rise * (time_s % _CHIRP_S) / _CHIRP_S))
    )


def _bursts(time_s: np.ndarray) -> np.ndarray:
    """Loudness of the noise; a floor stays, so that no segment is silent."""
    return np.asarray(0.01 + np.exp(-(time_s % _BURST_S) / _DECAY_S))
