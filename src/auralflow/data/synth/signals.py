"""Sound sources and filters of the song renderer: oscillators, envelopes, coloured noise, time-varying filters.

Everything is a pure function of its arguments and works on whole arrays: phases are running sums of the
frequency, periodic waves are read from band-limited tables, and a filter that changes with time is a
multiplication of short spectra.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Signal = npt.NDArray[np.floating[Any]]
"""Samples, axes (time) or (channel, time)."""
Response = npt.NDArray[np.inexact[Any]]
"""A filter's response on a grid of frequencies."""

TABLE_SIZE = 4096
_FRAMES_AT_ONCE = 256


def midi_to_hz(midi: float | Signal) -> Signal:
    """Frequency of a MIDI note number in equal temperament, A4 = 69 = 440 Hz.

    Example:
        >>> float(midi_to_hz(57))
        220.0
    """
    return np.asarray(440.0 * 2.0 ** ((np.asarray(midi, dtype=np.float64) - 69.0) / 12.0))


def time_axis_s(n_samples: int, sample_rate: int) -> Signal:
    """The times of `n_samples` samples, in seconds."""
    return np.arange(n_samples) / sample_rate


def running_phase(frequency_hz: Signal, sample_rate: int, start: float = 0.0) -> Signal:
    """Phase in cycles of an oscillator whose frequency is given sample by sample."""
    return start + np.cumsum(frequency_hz) / sample_rate


def n_harmonics(frequency_hz: float, sample_rate: int, highest_hz: float = 20_000.0) -> int:
    """How many harmonics fit below the Nyquist frequency (with a margin) and below `highest_hz`."""
    return max(1, min(int(min(0.46 * sample_rate, highest_hz) / frequency_hz), TABLE_SIZE // 3))


def wave_table(harmonics: Response, size: int = TABLE_SIZE) -> Signal:
    """One period of the wave whose harmonics 1, 2, ... have these (complex) amplitudes, with one guard sample.

    Shape:
        harmonics: (..., harmonic); the result: (..., size + 1)
    """
    spectrum = np.zeros((*harmonics.shape[:-1], size // 2 + 1), dtype=np.complex128)
    spectrum[..., 1 : harmonics.shape[-1] + 1] = harmonics
    period = np.fft.irfft(spectrum) * (size / 2)
    return np.concatenate([period, period[..., :1]], axis=-1)


def saw_table(frequency_hz: float, sample_rate: int) -> Signal:
    """A band-limited falling saw: harmonic k has amplitude 2 / (pi k)."""
    k = np.arange(1, n_harmonics(frequency_hz, sample_rate) + 1)
    return wave_table(-1j * 2.0 / (np.pi * k))


def read_table(table: Signal, phase: Signal) -> Signal:
    """The wave of a table at these phases (cycles), linearly interpolated."""
    position = (phase - np.floor(phase)) * TABLE_SIZE
    index = np.minimum(position.astype(np.intp), TABLE_SIZE - 1)
    below = table[index]
    wave: Signal = below + (position - index) * (table[index + 1] - below)
    return wave


def pluck_envelope(time_s: Signal, attack_s: float, decay_s: float) -> Signal:
    """A smooth rise within `attack_s`, then an exponential decay with the time constant `decay_s`."""
    rise = np.sin(0.5 * np.pi * np.clip(time_s / attack_s, 0.0, 1.0)) ** 2
    envelope: Signal = rise * np.exp(-np.maximum(time_s - attack_s, 0.0) / decay_s)
    return envelope


def held_envelope(time_s: Signal, gate_s: float, attack_s: float, release_s: float) -> Signal:
    """A smooth rise, full level until `gate_s`, a smooth fall within `release_s`."""
    rise = np.sin(0.5 * np.pi * np.clip(time_s / attack_s, 0.0, 1.0)) ** 2
    envelope: Signal = rise * np.cos(0.5 * np.pi * np.clip((time_s - gate_s) / release_s, 0.0, 1.0)) ** 2
    return envelope


def drift(random: np.random.Generator, time_s: Signal, rate_hz: float) -> Signal:
    """Slow random movement of unit deviation: normal numbers at `rate_hz`, joined by straight lines."""
    duration_s = float(time_s[-1] - time_s[0]) if len(time_s) else 0.0
    points = random.standard_normal(int(duration_s * rate_hz) + 3)
    return np.interp((time_s - time_s[:1]) * rate_hz, np.arange(len(points)), points)


def low_pass(freq_hz: Signal, cutoff_hz: float | Signal, q: float = 0.707) -> Response:
    """Response of a second-order low-pass."""
    ratio = freq_hz / cutoff_hz
    return 1.0 / (1.0 - ratio**2 + 1j * ratio / q)


def high_pass(freq_hz: Signal, cutoff_hz: float | Signal, q: float = 0.707) -> Response:
    """Response of a second-order high-pass."""
    ratio = freq_hz / cutoff_hz
    return -(ratio**2) / (1.0 - ratio**2 + 1j * ratio / q)


def band_pass(freq_hz: Signal, centre_hz: float | Signal, bandwidth_hz: float | Signal) -> Response:
    """Response of a resonance with unit gain at its centre."""
    width = 1j * freq_hz * bandwidth_hz
    return width / (centre_hz**2 - freq_hz**2 + width)


def coloured_noise(
    random: np.random.Generator, n_samples: int, sample_rate: int, response: Callable[[Signal], Response]
) -> Signal:
    """White noise of unit deviation through a fixed filter."""
    padded = fast_length(n_samples + sample_rate // 50)
    spectrum = np.fft.rfft(random.standard_normal(n_samples), padded)
    spectrum *= response(np.fft.rfftfreq(padded, 1.0 / sample_rate))
    return np.fft.irfft(spectrum, padded)[:n_samples]


def shape_spectrum(sound: Signal, sample_rate: int, response: Callable[[Signal, Signal], Response]) -> Signal:
    """A filter that changes with time: Hann frames of about 23 ms that sum to one, each filtered on its own.

    `response(times_s, freqs_hz)` gives the responses, axes (frame, freq), at the frames' centres. Frames are
    padded to twice their length, so a causal response that dies within 23 ms is a linear convolution.
    Silent frames are skipped.
    """
    half = 2 ** round(np.log2(sample_rate * 0.0116))
    n_blocks = len(sound) // half + 2
    blocks = np.zeros((n_blocks + 1, half))
    blocks.reshape(-1)[half : half + len(sound)] = sound
    result = np.zeros((n_blocks + 4, half))
    window = 0.5 - 0.5 * np.cos(np.pi * np.arange(2 * half) / half)
    freqs_hz = np.fft.rfftfreq(4 * half, 1.0 / sample_rate)
    loud = np.abs(blocks).max(axis=1) > 0.0
    active = np.flatnonzero(loud[:-1] | loud[1:])
    for first in range(0, len(active), _FRAMES_AT_ONCE):
        index = active[first : first + _FRAMES_AT_ONCE]
        frames = np.concatenate([blocks[index], blocks[index + 1]], axis=1) * window
        spectrum = np.fft.rfft(frames, 4 * half) * response(index * half / sample_rate, freqs_hz)
        parts = np.fft.irfft(spectrum, 4 * half).reshape(len(index), 4, half)
        for quarter in range(4):
            result[index + quarter] += parts[:, quarter]
    return result.reshape(-1)[half : half + len(sound)]


def fast_length(n_samples: int) -> int:
    """The smallest length from `n_samples` on that has no prime factor above five."""
    odd_parts = (five * three for five in (1, 5, 25, 125) for three in (1, 3, 9, 27))
    return min(odd << (-(-n_samples // odd) - 1).bit_length() for odd in odd_parts)


def saturate(sound: Signal, drive: float) -> Signal:
    """Soft clipping; unit slope for small signals, limit 1 / drive."""
    limited: Signal = np.tanh(drive * sound) / drive
    return limited


def level_rms(sound: Signal) -> float:
    """Root mean square over everything."""
    return float(np.sqrt(np.mean(np.square(sound)))) if sound.size else 0.0


def compress(track: Signal, sample_rate: int, ratio: float) -> Signal:
    """Level the loud parts: above a third of the track's loudest level, `ratio` dB in give one dB more out.

    Both channels share one gain, from the power in windows of 80 ms, every 20 ms.

    Shape:
        (channel, time)
    """
    hop = max(1, sample_rate // 50)
    n_hops = -(-track.shape[-1] // hop)
    power = np.pad(np.mean(np.square(track), axis=0), (0, n_hops * hop - track.shape[-1]))
    level = np.sqrt(np.convolve(power.reshape(n_hops, hop).mean(axis=1), np.full(4, 0.25))[1 : n_hops + 1])
    threshold = 0.35 * float(level.max(initial=0.0))
    if threshold == 0.0:
        return track
    gain = (np.maximum(level, threshold) / threshold) ** (1.0 / ratio - 1.0)
    squeezed: Signal = track * np.interp(np.arange(track.shape[-1]), hop * np.arange(n_hops), gain)
    return squeezed


def place(track: Signal, start_samples: int, sound: Signal) -> None:
    """Add a sound to a track in place; what lies outside the track is dropped."""
    first, last = max(0, start_samples), min(track.shape[-1], start_samples + sound.shape[-1])
    if first < last:
        track[..., first:last] += sound[..., first - start_samples : last - start_samples]


def pan(sound: Signal, position: float) -> Signal:
    """Mono to stereo at constant power; -1 is left, 0 the centre, 1 right."""
    angle = 0.25 * np.pi * (1.0 + position)
    return np.stack([np.cos(angle) * sound, np.sin(angle) * sound])
