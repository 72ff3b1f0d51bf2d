"""The room around a stem: reverberation by convolution with decaying noise, without what lies below 25 Hz."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auralflow.data.synth.signals import Signal, fast_length, high_pass, place, shape_spectrum

_LOG_60_DB = np.log(1000.0)


@dataclass(frozen=True)
class Room:
    """How a room sounds."""

    decay_s: float
    """Time in which low frequencies fall by 60 dB."""
    damping_hz: float
    """Frequency at which the decay time is halved."""
    pre_delay_s: float = 0.015
    """Silence before the first reflection."""


def impulse_response(room: Room, sample_rate: int, random: np.random.Generator) -> Signal:
    """Stereo impulse response of unit energy per channel: independent noise that decays faster the higher it is.

    Shape:
        (2, time)
    """
    n_samples = int(room.decay_s * sample_rate)
    tail = np.stack([_decaying_noise(room, n_samples, sample_rate, random) for _ in range(2)])
    tail /= np.sqrt(np.sum(np.square(tail), axis=1, keepdims=True))
    return np.pad(tail, ((0, 0), (int(room.pre_delay_s * sample_rate), 0)))


def _decaying_noise(room: Room, n_samples: int, sample_rate: int, random: np.random.Generator) -> Signal:
    def decay(times_s: Signal, freqs_hz: Signal) -> Signal:
        rate = _LOG_60_DB * (1.0 + freqs_hz / room.damping_hz) / room.decay_s
        return np.asarray(np.exp(-times_s[:, None] * rate))

    noise = shape_spectrum(random.standard_normal(n_samples), sample_rate, decay)
    faded: Signal = noise * np.clip(np.linspace(5.0, 0.0, n_samples), 0.0, 1.0)
    return faded


def place_in_room(dry: Signal, response: Signal, wet: float, sample_rate: int, lowest_hz: float = 25.0) -> Signal:
    """The dry stereo stem, high-passed at `lowest_hz`, plus `wet` times its middle through the room.

    Shape:
        dry: (2, time); response: (2, time); the result has the length of `dry`.
    """
    # The high-pass rings for well under a fifth of a second at 25 Hz.
    n_tail = response.shape[1] + sample_rate // 5
    n_fft = fast_length(4 * n_tail)
    # Bilinear frequencies: the sampled filter then has no jump at the Nyquist frequency that would ring for ever.
    freqs_hz = np.tan(np.pi * np.fft.rfftfreq(n_fft)) * sample_rate / np.pi
    direct = high_pass(freqs_hz, lowest_hz)
    # In a mix the send to the room is cut below 150 Hz, or the low end blurs.
    room = 0.5 * wet * direct * high_pass(freqs_hz, 150.0) * np.fft.rfft(response, n_fft)
    result = np.zeros(dry.shape)
    n_block = n_fft - n_tail
    for first in range(0, dry.shape[1], n_block):
        spectra = np.fft.rfft(dry[:, first : first + n_block], n_fft)
        place(result, first, np.fft.irfft(spectra * direct + (spectra[0] + spectra[1]) * room, n_fft))
    return result
