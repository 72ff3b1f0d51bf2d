"""Render a song: four stems that sum to the mixture, exactly."""

from __future__ import annotations

from functools import reduce

import numpy as np
import numpy.typing as npt

from auralflow.data.synth.bass import render_bass
from auralflow.data.synth.chords import render_chords
from auralflow.data.synth.drums import render_drums
from auralflow.data.synth.plan import Plan, SongConfig, draw_plan, random_stream
from auralflow.data.synth.signals import Signal, level_rms
from auralflow.data.synth.space import Room, impulse_response, place_in_room
from auralflow.data.synth.voice import render_voice

STEMS = ("vocals", "drums", "bass", "other")
PEAK = 0.89
"""Highest absolute sample of the mixture."""
_GRID = 2.0**-22
_FADE_S = 0.4

Stem = npt.NDArray[np.float32]
"""Samples, axes (channel, time)."""


def render_song(config: SongConfig) -> dict[str, Stem]:
    """Render the stems vocals, drums, bass and other.

    A pure function of the config: the same config gives the same samples. The samples are multiples of 2^-22
    below 1, so that the sum of the four is exact in float32 in any order, and 24-bit files hold them without loss.

    Shape:
        each stem: (2, time) with time = round(duration_s * sample_rate)

    Example:
        >>> stems = render_song(SongConfig(seed=3, duration_s=2.0, sample_rate=8000))
        >>> {name: stem.shape for name, stem in stems.items()}["vocals"]
        (2, 16000)
    """
    plan = draw_plan(config)
    dry = {
        "vocals": render_voice(plan),
        "drums": render_drums(plan),
        "bass": render_bass(plan),
        "other": render_chords(plan),
    }
    stems = _balance(_place_in_rooms(dry, plan), config)
    fade = _fade(config)
    stems = {name: stem * fade for name, stem in stems.items()}
    mixture = reduce(np.add, stems.values())
    peak = max(float(np.abs(sound).max()) for sound in [mixture, *stems.values()])
    gain = PEAK / max(peak, 1e-9)
    return {name: _to_grid(gain * stem) for name, stem in stems.items()}


def mix_stems(stems: dict[str, Stem]) -> Stem:
    """The mixture: the sum of the stems, without any further gain."""
    return reduce(np.add, stems.values())


def _place_in_rooms(dry: dict[str, Signal], plan: Plan) -> dict[str, Signal]:
    """One hall for voice and chords, a small room for drums, almost none for the bass."""
    random, sample_rate = random_stream(plan.config, "room"), plan.config.sample_rate
    u = random.random(6)
    hall = impulse_response(Room(0.9 + 0.7 * u[0], 3500.0 + 3000.0 * u[1], 0.025), sample_rate, random)
    small = impulse_response(Room(0.3 + 0.3 * u[2], 6000.0, 0.006), sample_rate, random)
    sends = {
        "vocals": (hall, 0.12 + 0.12 * u[3]),
        "drums": (small, 0.15 + 0.15 * u[4]),
        "bass": (small, 0.04),
        "other": (hall, 0.12 + 0.16 * u[5]),
    }
    return {name: place_in_room(dry[name], room, wet, sample_rate) for name, (room, wet) in sends.items()}


def _balance(stems: dict[str, Signal], config: SongConfig) -> dict[str, Signal]:
    """Set levels: drums, bass and other within 2 dB of each other; the voice -2 to +2 dB against all of them.

    Levels are taken where a stem sounds (within 30 dB of its loudest 50 ms).
    """
    random = random_stream(config, "balance")
    levels_db = {"drums": random.uniform(-1.0, 1.0), "bass": random.uniform(-2.0, 0.0), "other": random.uniform(-2, 0)}
    voice_db = random.uniform(-2.0, 2.0)
    result = {
        name: stems[name] * (10.0 ** (db / 20.0) / _active_level(stems[name], config.sample_rate))
        for name, db in levels_db.items()
    }
    accompaniment = _active_level(reduce(np.add, result.values()), config.sample_rate)
    wanted = accompaniment * 10.0 ** (voice_db / 20.0)
    voice = stems["vocals"] * (wanted / _active_level(stems["vocals"], config.sample_rate))
    return {"vocals": voice, **result}


def _active_level(stem: Signal, sample_rate: int) -> float:
    n_window = max(1, sample_rate // 20)
    n_blocks = max(1, stem.shape[1] // n_window)
    blocks = stem[:, : n_blocks * n_window].reshape(2, n_blocks, -1)
    powers = np.mean(np.square(blocks), axis=(0, 2))
    active = powers[powers >= 1e-3 * powers.max()]
    return max(level_rms(np.sqrt(active)), 1e-9)


def _fade(config: SongConfig) -> Signal:
    """The last 0.4 s (a quarter of short songs) fall to zero."""
    left = np.arange(config.n_samples)[::-1] / config.sample_rate
    return np.asarray(np.sin(0.5 * np.pi * np.clip(left / min(_FADE_S, 0.25 * config.duration_s), 0.0, 1.0)) ** 2)


def _to_grid(stem: Signal) -> Stem:
    return (np.round(stem / _GRID) * _GRID).astype(np.float32)
