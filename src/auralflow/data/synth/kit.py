"""The sounds of a drum kit, one hit at a time, from swept sines, inharmonic partials and coloured noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from auralflow.data.synth.signals import (
    Response,
    Signal,
    band_pass,
    coloured_noise,
    high_pass,
    low_pass,
    pluck_envelope,
    saturate,
    shape_spectrum,
    time_axis_s,
)

# Ratios of six detuned oscillators whose mixture has no common fundamental within hearing: a struck plate.
_METAL = (1.0, 1.342, 1.589, 1.823, 2.207, 2.681)


@dataclass(frozen=True)
class KitSound:
    """How a kit is tuned."""

    kick_hz: float
    kick_sweep_hz: float
    kick_decay_s: float
    snare_hz: float
    snare_wires: float
    """Noise against tone."""
    snare_decay_s: float
    hat_hz: float
    tom_hz: float
    electronic: bool


def draw_kit(name: str, random: np.random.Generator) -> KitSound:
    """Tune an `acoustic` or `electronic` kit."""
    electronic = name == "electronic"
    u = random.random(8)
    return KitSound(
        kick_hz=(44.0 if electronic else 50.0) + 10.0 * u[0],
        kick_sweep_hz=(130.0 if electronic else 90.0) + 90.0 * u[1],
        kick_decay_s=(0.16 if electronic else 0.10) + 0.10 * u[2],
        snare_hz=170.0 + 50.0 * u[3],
        snare_wires=(0.9 if electronic else 0.7) + 0.5 * u[4],
        snare_decay_s=0.07 + 0.07 * u[5],
        hat_hz=(420.0 if electronic else 520.0) + 160.0 * u[6],
        tom_hz=80.0 + 20.0 * u[7],
        electronic=electronic,
    )


Strike = Callable[[KitSound, float, int, np.random.Generator], Signal]
"""(kit, hardness 0 to 1, sample_rate, random) to one hit of about unit peak at hardness 1."""


def strike_kick(kit: KitSound, hardness: float, sample_rate: int, random: np.random.Generator) -> Signal:
    """A sine that falls to the drum's pitch within 50 ms, and the click of the beater."""
    time_s = time_axis_s(int(0.75 * sample_rate), sample_rate)
    sweep_s = 0.018 if kit.electronic else 0.012
    sweep_hz = kit.kick_sweep_hz * (0.6 + 0.4 * hardness)
    cycles = kit.kick_hz * time_s + sweep_hz * sweep_s * (1.0 - np.exp(-time_s / sweep_s))
    body = np.sin(2.0 * np.pi * cycles) * pluck_envelope(time_s, 0.001, kit.kick_decay_s)
    beater = coloured_noise(random, len(time_s), sample_rate, lambda freq_hz: band_pass(freq_hz, 3200.0, 3500.0))
    skin = coloured_noise(random, len(time_s), sample_rate, lambda freq_hz: band_pass(freq_hz, 240.0, 200.0))
    click = 0.45 * hardness * beater * pluck_envelope(time_s, 0.0005, 0.004)
    thump = 0.5 * skin * pluck_envelope(time_s, 0.001, 0.025)
    return saturate(body + click + thump, 1.2) * end_softly(time_s)


def strike_snare(kit: KitSound, hardness: float, sample_rate: int, random: np.random.Generator) -> Signal:
    """Two modes of the skin and the rattle of the wires."""
    time_s = time_axis_s(int(0.5 * sample_rate), sample_rate)
    bend = 1.0 + 0.12 * np.exp(-time_s / 0.01)
    skin = np.zeros(len(time_s))
    for ratio, level, decay_s in ((1.0, 0.6, 0.085), (1.78, 0.32, 0.05), (2.65, 0.15, 0.03)):
        cycles = np.cumsum(kit.snare_hz * ratio * bend) / sample_rate
        skin += level * np.sin(2.0 * np.pi * cycles) * pluck_envelope(time_s, 0.0008, decay_s)
    top_hz = 4500.0 + 5000.0 * hardness

    def wires(freq_hz: Signal) -> Response:
        return high_pass(freq_hz, 900.0) * low_pass(freq_hz, top_hz) + 0.6 * band_pass(freq_hz, 4200.0, 3000.0)

    rattle = coloured_noise(random, len(time_s), sample_rate, wires)
    rattle *= pluck_envelope(time_s, 0.001, kit.snare_decay_s * (0.6 + 0.4 * hardness))
    crack = coloured_noise(random, len(time_s), sample_rate, lambda f: high_pass(f, 2500.0))
    crack *= 0.35 * hardness * pluck_envelope(time_s, 0.0004, 0.006)
    return saturate(skin + 0.42 * kit.snare_wires * rattle + crack, 0.9) * end_softly(time_s)


def strike_rim(kit: KitSound, hardness: float, sample_rate: int, random: np.random.Generator) -> Signal:
    """A stick across the rim: three short high modes."""
    time_s = time_axis_s(int(0.15 * sample_rate), sample_rate)
    sound = 0.2 * coloured_noise(random, len(time_s), sample_rate, lambda f: band_pass(f, 2600.0, 1500.0))
    sound *= pluck_envelope(time_s, 0.0004, 0.006)
    for frequency_hz, level, decay_s in ((520.0, 0.5, 0.012), (1670.0, 0.55, 0.018), (2480.0, 0.3, 0.01)):
        tone = np.sin(2.0 * np.pi * frequency_hz * kit.snare_hz / 190.0 * time_s)
        sound += hardness * level * tone * pluck_envelope(time_s, 0.0004, decay_s)
    return sound * end_softly(time_s)


def strike_clap(kit: KitSound, hardness: float, sample_rate: int, random: np.random.Generator) -> Signal:
    """Several hands, a few milliseconds apart."""
    time_s = time_axis_s(int(0.35 * sample_rate), sample_rate)
    noise = coloured_noise(
        random, len(time_s), sample_rate, lambda f: band_pass(f, 1250.0, 900.0) + 0.06 * high_pass(f, 3000.0)
    )
    hands = np.zeros(len(time_s))
    for at_s in np.array([0.0, 0.009, 0.019]) + 0.002 * random.random(3):
        hands += np.where(time_s >= at_s, pluck_envelope(np.maximum(time_s - at_s, 0.0), 0.0006, 0.005), 0.0)
    last = np.where(time_s >= 0.029, pluck_envelope(np.maximum(time_s - 0.029, 0.0), 0.001, 0.06), 0.0)
    return 0.7 * hardness * noise * (hands + 0.8 * last) * end_softly(time_s)


def strike_hat(kit: KitSound, hardness: float, sample_rate: int, random: np.random.Generator) -> Signal:
    """Closed hi-hat."""
    return _strike_cymbals(kit, hardness, sample_rate, random, 0.018 + 0.03 * hardness)


def strike_open_hat(kit: KitSound, hardness: float, sample_rate: int, random: np.random.Generator) -> Signal:
    """Open hi-hat."""
    return _strike_cymbals(kit, hardness, sample_rate, random, 0.22 + 0.08 * hardness)


def _strike_cymbals(
    kit: KitSound, hardness: float, sample_rate: int, random: np.random.Generator, decay_s: float
) -> Signal:
    time_s = time_axis_s(int((5.0 * decay_s + 0.05) * sample_rate), sample_rate)
    metal = np.zeros(len(time_s))
    for ratio in _METAL:
        frequency_hz = kit.hat_hz * ratio * (1.0 + 0.004 * random.standard_normal())
        phase = frequency_hz * time_s + random.random()
        # Frequency modulation by an unrelated partial spreads each oscillator over the whole treble.
        wobble = 1.8 * np.sin(2.0 * np.pi * 3.17 * phase)
        for multiple, level in ((9.0, 1.0), (14.3, 0.7)):
            if (multiple + 2 * 3.17) * frequency_hz < 0.5 * sample_rate:
                metal += level * np.sin(2.0 * np.pi * multiple * phase + wobble)
    corner_hz = 5200.0 if kit.electronic else 4400.0
    hiss = coloured_noise(random, len(time_s), sample_rate, lambda f: high_pass(f, corner_hz, 0.9))
    bright = 0.16 * metal + (0.55 + 0.35 * hardness) * hiss
    bright = shape_spectrum(bright, sample_rate, lambda _, f: (high_pass(f, 3500.0) * low_pass(f, 15_000.0))[None])
    tip = pluck_envelope(time_s, 0.0006, 0.006)
    return 0.55 * bright * (0.6 * pluck_envelope(time_s, 0.0008, decay_s) + 0.4 * tip) * end_softly(time_s)


def strike_ride(kit: KitSound, hardness: float, sample_rate: int, random: np.random.Generator) -> Signal:
    """Ride cymbal: a stick's ping over a wash."""
    return _strike_plate(1.1, 0.35, 700.0, 0.25 + 0.3 * hardness, sample_rate, random)


def strike_crash(kit: KitSound, hardness: float, sample_rate: int, random: np.random.Generator) -> Signal:
    """Crash cymbal: a dense noisy spectrum whose top dies first."""
    return _strike_plate(2.6, 0.75, 320.0, 1.0, sample_rate, random)


def _strike_plate(
    length_s: float, decay_s: float, lowest_hz: float, wash: float, sample_rate: int, random: np.random.Generator
) -> Signal:
    time_s = time_axis_s(int(length_s * sample_rate), sample_rate)
    plate = np.zeros(len(time_s))
    for frequency_hz in lowest_hz * (min(9000.0, 0.4 * sample_rate) / lowest_hz) ** np.sort(random.random(24)):
        plate += np.sin(2.0 * np.pi * (frequency_hz * time_s + random.random()))
    plate = 0.07 * plate + wash * 0.6 * random.standard_normal(len(time_s))

    def decay(times_s: Signal, freqs_hz: Signal) -> Response:
        seconds = decay_s / (1.0 + (freqs_hz / 9000.0) ** 2) + 0.05
        level = np.exp(-times_s[:, None] / seconds)
        return level * high_pass(freqs_hz, 1.2 * lowest_hz + 400.0)

    return 0.6 * shape_spectrum(plate, sample_rate, decay) * pluck_envelope(time_s, 0.0015, 10.0) * end_softly(time_s)


def strike_tom(kit: KitSound, hardness: float, sample_rate: int, random: np.random.Generator) -> Signal:
    """Floor tom."""
    return _strike_tom(kit.tom_hz, hardness, sample_rate, random)


def strike_mid_tom(kit: KitSound, hardness: float, sample_rate: int, random: np.random.Generator) -> Signal:
    """Middle tom."""
    return _strike_tom(1.38 * kit.tom_hz, hardness, sample_rate, random)


def strike_high_tom(kit: KitSound, hardness: float, sample_rate: int, random: np.random.Generator) -> Signal:
    """High tom."""
    return _strike_tom(1.85 * kit.tom_hz, hardness, sample_rate, random)


def _strike_tom(frequency_hz: float, hardness: float, sample_rate: int, random: np.random.Generator) -> Signal:
    time_s = time_axis_s(int(0.7 * sample_rate), sample_rate)
    cycles = np.cumsum(frequency_hz * (1.0 + 0.35 * hardness * np.exp(-time_s / 0.03))) / sample_rate
    skin = np.sin(2.0 * np.pi * cycles) * pluck_envelope(time_s, 0.001, 0.16)
    skin += 0.3 * np.sin(2.0 * np.pi * 1.593 * cycles) * pluck_envelope(time_s, 0.001, 0.07)
    stick = coloured_noise(random, len(time_s), sample_rate, lambda f: band_pass(f, 1800.0, 2500.0))
    return 0.9 * (skin + 0.35 * hardness * stick * pluck_envelope(time_s, 0.0006, 0.01)) * end_softly(time_s)


def strike_shaker(kit: KitSound, hardness: float, sample_rate: int, random: np.random.Generator) -> Signal:
    """A shaker: noise that swells and stops."""
    time_s = time_axis_s(int(0.16 * sample_rate), sample_rate)
    noise = coloured_noise(random, len(time_s), sample_rate, lambda f: band_pass(f, 6500.0, 5000.0))
    return 0.5 * noise * pluck_envelope(time_s, 0.02, 0.022) * end_softly(time_s)


def strike_tambourine(kit: KitSound, hardness: float, sample_rate: int, random: np.random.Generator) -> Signal:
    """Jingles: a handful of high partials and noise."""
    time_s = time_axis_s(int(0.3 * sample_rate), sample_rate)
    jingles = 0.4 * coloured_noise(random, len(time_s), sample_rate, lambda f: high_pass(f, 5500.0))
    for frequency_hz in 4300.0 + 5200.0 * random.random(6):
        jingles += 0.25 * np.sin(2.0 * np.pi * (min(frequency_hz, 0.45 * sample_rate) * time_s + random.random()))
    return 0.5 * jingles * pluck_envelope(time_s, 0.002, 0.05 + 0.03 * hardness) * end_softly(time_s)


def end_softly(time_s: Signal) -> Signal:
    """Full level, then a smooth fall to zero over the last fifth, so that a hit ends without a step."""
    end_s = float(time_s[-1])
    tail: Signal = np.cos(0.5 * np.pi * np.clip((time_s - 0.8 * end_s) / (0.2 * end_s), 0.0, 1.0)) ** 2
    return tail


@dataclass(frozen=True)
class Piece:
    """A piece of the kit, where it stands, and how loud it is in the mix."""

    strike: Strike
    position: float
    level: float
    n_takes: int = 3


KIT: dict[str, Piece] = {
    "kick": Piece(strike_kick, 0.0, 1.0),
    "snare": Piece(strike_snare, 0.06, 0.62),
    "rim": Piece(strike_rim, 0.1, 0.5),
    "clap": Piece(strike_clap, -0.08, 0.42),
    "hat": Piece(strike_hat, 0.38, 0.24),
    "open": Piece(strike_open_hat, 0.38, 0.2),
    "ride": Piece(strike_ride, -0.45, 0.16),
    "crash": Piece(strike_crash, -0.5, 0.24, 1),
    "tom": Piece(strike_tom, -0.4, 0.6, 1),
    "mid_tom": Piece(strike_mid_tom, -0.05, 0.6, 1),
    "high_tom": Piece(strike_high_tom, 0.3, 0.6, 1),
    "shaker": Piece(strike_shaker, -0.6, 0.2),
    "tambourine": Piece(strike_tambourine, 0.55, 0.2),
}
