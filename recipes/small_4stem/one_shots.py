"""Electronic kits: a sound for each key of General MIDI's percussion map, drawn from a folder of one-shot files.

The names of the files say what they are, as in Sonic Pi's samples (Debian: `sonic-pi-samples`, CC0): `bd_*` are kicks,
`sn_*` snares, `drum_*` a recorded kit, `elec_*` and `perc_*` the rest. Loops and ambiences fit no pattern. A kit holds
finished sounds, so a synthesised one (`synth_kit`) plays alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from hits import add, choked_at, fade_out, nearest_key
from notes import RATE, Note, Sound
from sound_files import decode

_CLOSED_HATS = ("drum_cymbal_closed", "drum_cymbal_pedal", "elec_cymbal", "drum_cymbal_open", "elec_tick")
_CRASHES = ("drum_splash_hard", "drum_cymbal_hard", "drum_splash_soft", "elec_cymbal")

_FILES: dict[int, tuple[str, ...]] = {
    36: ("bd_*", "drum_bass_*", "drum_heavy_kick", "elec_*_kick"),
    38: ("sn_*", "drum_snare_*", "elec_*snare"),
    40: ("sn_*", "drum_snare_*", "elec_*snare"),
    37: ("perc_snap2", "elec_wood", "elec_pop", "elec_flip", "elec_tick"),
    39: ("perc_snap*", "sn_generic", "sn_zome", "elec_hi_snare"),
    42: _CLOSED_HATS,
    44: ("drum_cymbal_pedal", "drum_cymbal_closed"),
    46: ("drum_cymbal_open", "drum_cymbal_soft", "elec_cymbal"),
    49: _CRASHES,
    57: _CRASHES,
    51: ("drum_cymbal_soft", "drum_cymbal_hard", "elec_cymbal", "elec_triangle"),
    41: ("drum_tom_lo_*", "elec_fuzz_tom", "tabla_ghe*"),
    45: ("drum_tom_mid_*", "elec_fuzz_tom", "tabla_tun*"),
    48: ("drum_tom_hi_*", "elec_fuzz_tom", "tabla_tun*"),
    54: ("perc_swash", "elec_tick", "drum_cymbal_pedal"),
    56: ("drum_cowbell", "elec_ping", "elec_bong"),
    60: ("elec_twip", "elec_plip", "elec_blip*", "tabla_na*", "tabla_te*"),
    64: ("elec_bong", "elec_blup", "tabla_ghe*", "tabla_ke*"),
    75: ("elec_wood", "elec_blip*", "elec_ping", "elec_beep"),
    81: ("elec_triangle", "elec_bell", "elec_chime", "perc_bell2"),
}
"""Patterns of file names, without their endings, for each key."""

_LONGEST_S: dict[int, float] = {42: 0.09, 44: 0.12, 37: 0.15}
"""What makes an open cymbal a closed one."""
_FURTHEST_SEMITONES = 4.0
_CHOKE_S = 0.02


@dataclass(frozen=True)
class OneShotKit:
    """A finished sound for each key. Shape of each: (2, time)."""

    sounds: Mapping[int, Sound]


def draw_kit(folder: Path, random: np.random.Generator) -> OneShotKit:
    """A kit from the one-shots in `folder`, each tuned, shortened, levelled and placed at random.

    Keys for which there is no file are absent.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix in {".flac", ".wav", ".ogg"})
    sounds: dict[int, Sound] = {}
    for key, patterns in _FILES.items():
        fitting = [path for path in files if any(fnmatch(path.stem, pattern) for pattern in patterns)]
        if fitting:
            path = fitting[random.integers(len(fitting))]
            sounds[key] = _shaped(_trimmed(decode(path)), _LONGEST_S.get(key), random)
    if not sounds:
        raise FileNotFoundError(f"expected one-shots such as bd_*.flac, got none in {folder}: name another folder")
    return OneShotKit(sounds)


def play_kit(kit: OneShotKit, notes: Sequence[Note], n_samples: int, random: np.random.Generator) -> Sound:
    """`notes` as `kit` sounds them, with gain by velocity and little else, as machines do. Shape: (2, n_samples)."""
    out = np.zeros((2, n_samples), np.float32)
    for note, end_s in zip(notes, choked_at(notes), strict=True):
        key = nearest_key(round(note.pitch), kit.sounds)
        if key is None:
            continue
        held = int(min(end_s - note.start_s, 60.0) * RATE)
        gain = (note.velocity / 100) ** 1.5 * 10 ** (random.uniform(-0.3, 0.3) / 20)
        add(out, fade_out(kit.sounds[key], held, int(_CHOKE_S * RATE)), round(note.start_s * RATE), gain)
    return out


def levelled(sound: npt.NDArray[np.floating], random: np.random.Generator) -> Sound:
    """`sound` at a peak of 0.25 to 0.6 and a little off the centre. Shape: (1 or 2, time) to (2, time)."""
    peak = max(float(np.abs(sound).max(initial=0.0)), 1e-6)
    angle = np.pi / 4 + random.normal(0, 0.08)
    places = np.sqrt(2) * np.array([[np.cos(angle)], [np.sin(angle)]])
    return np.asarray(sound * places * random.uniform(0.25, 0.6) / peak, dtype=np.float32)


def _shaped(sound: Sound, longest_s: float | None, random: np.random.Generator) -> Sound:
    """Tuned by up to 4 semitones; half of the sounds decay sooner, and all that must be short."""
    ratio = 2 ** (random.uniform(-_FURTHEST_SEMITONES, _FURTHEST_SEMITONES) / 12)
    tuned = soxr.resample(sound.T, RATE * ratio, RATE).T
    decay_s = random.uniform(0.08, 0.6) if random.random() < 0.5 else np.inf
    if longest_s is not None:
        decay_s = longest_s * random.uniform(0.3, 0.6)
    falling = np.exp(-np.arange(tuned.shape[-1]) / RATE / decay_s)
    heard = falling > 1e-4
    return levelled((tuned * falling)[:, heard], random)


def _trimmed(sound: Sound) -> Sound:
    """From the first sound on: some files begin with silence."""
    loud = np.abs(sound).max(axis=0) > 0.01 * np.abs(sound).max(initial=1e-6)
    return sound[:, int(np.argmax(loud)) :]
