"""Amplifiers: a clean guitar or bass, as it comes from the pickup, becomes a driven one.

A guitar amplifier is a chain of filters with clipping between them: less bass and more middle go in, one or two stages
clip (unevenly, which adds even harmonics), a tone stack colours, and a loudspeaker lets little through above 5 kHz.
Clipping makes overtones without end, so it runs at four times the rate. The sound goes in as mono, as into any.
Peaking and shelving filters: R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients".
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, sosfilt  # type: ignore[import-untyped]
from soxr import resample

from notes import RATE, Sound

_Signal = npt.NDArray[np.float32]
_Filter = npt.NDArray[np.float64]
_OVERSAMPLING = 4


def drive(sound: Sound, random: np.random.Generator, amount: float) -> Sound:
    """`sound` through a guitar amplifier drawn at random. Shape: (channel, time) to (2, time).

    `amount` goes from 0 (warm) to 1 (50 dB of gain). The level, as root mean square, stays what it was.
    """
    signal, level = _normalized(sound)
    gain_db = 6 + 38 * amount + random.uniform(0, 6)
    shaped = _filtered(signal, _before(random))
    clipped = _clipped(shaped, gain_db, random, n_stages=2 if amount > 0.4 else 1)
    spoken = _filtered(clipped, np.vstack([_tone_stack(random), _cabinet(random)]))
    return _levelled(_moved(spoken, random), level)


def bass_amp(sound: Sound, random: np.random.Generator) -> Sound:
    """`sound` with a gently driven copy of itself, as bass is often recorded. Shape: (channel, time) to (2, time)."""
    signal, level = _normalized(sound)
    driven = _clipped(_filtered(signal, _high_pass(2, 30)), random.uniform(4, 20), random, n_stages=1)
    speaker = np.vstack([_low_pass(4, random.uniform(2000, 5000)), _peak(random.uniform(500, 1200), *_db(random, 5))])
    driven = _filtered(driven, speaker)
    share = random.uniform(0.2, 0.8)
    mixed = (1 - share) * signal + share * driven * (_rms(signal) / max(_rms(driven), 1e-9))
    return _levelled(np.stack([mixed, mixed]), level)


def _before(random: np.random.Generator) -> _Filter:
    return np.vstack(
        [_high_pass(2, random.uniform(80, 120)), _peak(random.uniform(600, 1200), random.uniform(2, 8), 0.7)]
    )


def _clipped(signal: _Signal, gain_db: float, random: np.random.Generator, *, n_stages: int) -> _Signal:
    """`gain_db` in all, shared among the stages; between them the offset that uneven clipping leaves is removed."""
    fast: _Signal = resample(signal, RATE, RATE * _OVERSAMPLING, quality="MQ")
    gain = np.float32(10 ** (gain_db / n_stages / 20))
    for _ in range(n_stages):
        bias = np.float32(random.uniform(0.05, 0.35))
        fast = np.tanh(gain * fast + bias) - np.tanh(bias)
        fast = _filtered(fast, _high_pass(1, 25, rate=RATE * _OVERSAMPLING))
    clipped: _Signal = resample(fast, RATE * _OVERSAMPLING, RATE, quality="MQ")
    return clipped[: signal.size]


def _tone_stack(random: np.random.Generator) -> _Filter:
    """Bass, middle (scooped more often than not) and treble."""
    bass = _peak(random.uniform(90, 150), *_db(random, 5))
    middle = _peak(random.uniform(400, 900), random.uniform(-9, 4), 0.7)
    treble = _peak(random.uniform(2000, 3500), *_db(random, 6))
    return np.vstack([bass, middle, treble])


def _cabinet(random: np.random.Generator) -> _Filter:
    """A loudspeaker in a box: a bump at the bottom, one where the cone breaks up, and steep walls on both sides."""
    walls = [_high_pass(2, random.uniform(70, 110)), _low_pass(6, random.uniform(3800, 6000))]
    bump = _peak(random.uniform(95, 160), random.uniform(1, 6), 1.5)
    breakup = _peak(random.uniform(2200, 3600), random.uniform(2, 8), 1.5)
    dips = [_peak(random.uniform(low, 2.0 * low), random.uniform(-6, 2), 2.5) for low in (300, 900, 3000)]
    return np.vstack([*walls, bump, breakup, *dips])


def _moved(signal: _Signal, random: np.random.Generator) -> Sound:
    """Half of the amplifiers stand still; the others have chorus, flanger or tremolo, in mono or across the stereo."""
    choice, rate_hz, is_wide = random.random(), random.uniform(0.2, 1.5), random.random() < 0.5
    phases = (0.0, np.pi if is_wide else 0.0)
    if choice < 0.2:
        return _chorus(signal, phases, rate_hz, random.uniform(0.008, 0.02), random.uniform(0.0005, 0.003))
    if choice < 0.3:
        return _chorus(signal, phases, rate_hz / 3, random.uniform(0.002, 0.004), 0.0015)
    if choice < 0.4:
        return _tremolo(signal, phases, 3 + 3 * rate_hz, random.uniform(0.2, 0.6))
    return np.stack([signal, signal])


def _chorus(signal: _Signal, phases: tuple[float, float], rate_hz: float, delay_s: float, depth_s: float) -> Sound:
    """The signal with a copy whose delay swings. Shape: (2, time)."""
    places = np.arange(signal.size)
    swings = [np.sin(2 * np.pi * rate_hz / RATE * places + phase) for phase in phases]
    copies = [np.interp(places - RATE * (delay_s + depth_s * swing), places, signal, left=0.0) for swing in swings]
    return np.asarray(signal + 0.7 * np.stack(copies), dtype=np.float32)


def _tremolo(signal: _Signal, phases: tuple[float, float], rate_hz: float, depth: float) -> Sound:
    turns = 2 * np.pi * rate_hz / RATE * np.arange(signal.size)
    gains = [1 - depth * (0.5 + 0.5 * np.sin(turns + phase)) for phase in phases]
    return np.asarray(signal * np.stack(gains), dtype=np.float32)


def _normalized(sound: Sound) -> tuple[_Signal, float]:
    """Mono at a peak of 1, so that gains mean the same for all; and the level to come back to."""
    signal = sound.mean(axis=0)
    return signal / max(float(np.abs(signal).max(initial=0.0)), 1e-6), _rms(sound)


def _levelled(sound: Sound, level: float) -> Sound:
    return np.asarray(sound * (level / max(_rms(sound), 1e-9)), dtype=np.float32)


def _rms(sound: Sound) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


def _filtered(signal: _Signal, sections: _Filter) -> _Signal:
    return np.asarray(sosfilt(sections, signal.astype(np.float64)), dtype=np.float32)


def _db(random: np.random.Generator, most: float) -> tuple[float, float]:
    """A gain within +-`most` dB, and the quality of a broad peak."""
    return random.uniform(-most, most), 0.8


def _high_pass(order: int, corner_hz: float, rate: int = RATE) -> _Filter:
    return np.asarray(butter(order, corner_hz, "high", fs=rate, output="sos"))


def _low_pass(order: int, corner_hz: float) -> _Filter:
    return np.asarray(butter(order, corner_hz, "low", fs=RATE, output="sos"))


def _peak(center_hz: float, gain_db: float, quality: float) -> _Filter:
    """One biquad that lifts or lowers the surroundings of `center_hz`."""
    amplitude, angle = 10 ** (gain_db / 40), 2 * np.pi * center_hz / RATE
    alpha, cosine = np.sin(angle) / (2 * quality), np.cos(angle)
    above = [1 + alpha * amplitude, -2 * cosine, 1 - alpha * amplitude]
    below = [1 + alpha / amplitude, -2 * cosine, 1 - alpha / amplitude]
    return np.asarray(np.array([*above, *below])[None] / below[0])
