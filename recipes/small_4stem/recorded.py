"""Recorded stems: lone sounds to train on, and whole songs to choose and to test by.

Of three training songs the bass line lies inside `other`. Above 250 Hz little of it is left, and that is used for
`other`; below 120 Hz there is little else, and that is a bass for a few chunks: a low note that is no drum.

All lone sounds have the level that their stem has on average in rendered songs, with whose stems they are mixed: a
model also learns how loud a stem is in general, and files come at any level.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import soxr

import effects
import mixdown
from library import DEV_SONGS, METAL_SONGS, SINGERS, TEST_SONGS, TRAIN_BAND, TRAIN_SONGS
from notes import RATE, Sound

_CUT_HZ = 250.0
_LOW_HZ = 120.0
_TAKE_S = 30
_LOOP_STEMS = {"conga": "drums", "guitar": "other", "piano": "other"}


def lay_out_sounds(data: Path, folder: Path) -> None:
    """Make `folder/<stem>/*.wav` of everything recorded that may be trained on."""
    for song in TRAIN_SONGS:
        for stem in ("vocals", "drums", "other"):
            change = _without_lows if stem == "other" else _unchanged
            _lay(data / "songs" / song / f"{stem}.ogg", folder, stem, song, change)
    for loop in sorted((data / "loops" / "berklee").glob("*.ogg")):
        _lay(loop, folder, _LOOP_STEMS[loop.name.split("_")[0]], loop.stem)
    for guitar in sorted(METAL_SONGS.glob("*/guitar.ogg")):
        _lay(guitar, folder, "other", f"metal_{guitar.parent.name.replace(' ', '_')}")
    shouts = data / "vocals" / "berklee_shouts"
    for shout in sorted(shouts.glob("*.ogg")):
        _lay(shout, folder, "vocals", f"shouts_{shout.stem}")


def lay_out_lows(data: Path, folder: Path) -> None:
    """Make `folder/bass/*.wav` of what is low in the songs: a source of its own, for it is drawn seldom."""
    for song in TRAIN_SONGS:
        _lay(data / "songs" / song / "other.ogg", folder, "bass", song, _only_lows)


def lay_out_voices(data: Path, folder: Path, seed: int) -> None:
    """Make `folder/vocals/*.wav` of the syllables as they were sung: no vocoder stands between them and the network."""
    for number, name in enumerate(sorted(SINGERS)):
        for piece in sorted((data / "vocals" / name).glob("*.ogg")):
            random = np.random.default_rng((seed, number, int(piece.stem)))
            _lay(piece, folder, "vocals", f"{name}_{piece.stem}", partial(_sing_apart, random=random))


def _sing_apart(sound: Sound, random: np.random.Generator) -> Sound:
    """Takes of half a minute, each by a larger or a smaller singer, in rooms and with effects of its own."""
    takes = []
    for start in range(0, sound.shape[1], _TAKE_S * RATE):
        speed = 2 ** (random.uniform(-4, 5) / 12)
        take = soxr.resample(sound[:, start : start + _TAKE_S * RATE].T, RATE * speed, RATE, "HQ").T
        takes.append(effects.treat_voice(take, random, float(random.uniform(70, 150))))
    return np.concatenate(takes, axis=1)


def lay_out_songs(data: Path, out: Path) -> None:
    """Make `real_dev/test`, `real_test/test` and, of a band, a song of `songs/train`: a folder of stems each."""
    for folder, songs in (("real_dev/test", DEV_SONGS), ("real_test/test", TEST_SONGS), ("songs/train", (TRAIN_BAND,))):
        for song in songs:
            for stem in sorted((data / "songs" / song).glob("*.ogg")):
                _copy(stem, out / folder / song / f"{stem.stem}.wav")
    band = out / "songs" / "train" / TRAIN_BAND
    if band.exists() and not (band / "vocals.wav").exists():
        n_samples = soundfile.info(band / "drums.wav").frames
        soundfile.write(band / "vocals.wav", np.zeros((n_samples, 2), np.int16), RATE)


def _unchanged(sound: Sound) -> Sound:
    return sound


def _without_lows(sound: Sound) -> Sound:
    return effects.high_pass(sound, _CUT_HZ)


def _only_lows(sound: Sound) -> Sound:
    return effects.low_pass(sound, _LOW_HZ)


def _lay(source: Path, folder: Path, stem: str, name: str, change: Callable[[Sound], Sound] = _unchanged) -> None:
    """Make `folder/<stem>/<name>.wav` at the level of its stem."""
    _copy(source, folder / stem / f"{name}.wav", lambda sound: level(change(sound), stem))


def level(sound: Sound, stem: str) -> Sound:
    """As loud, where it sounds, as this stem is on average."""
    wanted = 10 ** ((mixdown.LEVELS_DB[stem][0] + mixdown.BUS_DB) / 20)
    return sound * np.float32(wanted / max(effects.active_level(sound), 1e-5))


def _copy(source: Path, target: Path, change: Callable[[Sound], Sound] = _unchanged) -> None:
    """Decode to 16 bits, which training reads without decoding; nothing where there is no source."""
    if target.exists() or not source.is_file():
        return
    samples, rate = soundfile.read(source, dtype="float32", always_2d=True)
    if rate != RATE:
        samples = soxr.resample(samples, rate, RATE)
    sound: Sound = np.repeat(samples.T, 2, axis=0) if samples.shape[1] == 1 else samples.T[:2]
    sound = change(sound)
    target.parent.mkdir(parents=True, exist_ok=True)
    pending = target.with_name(f".{target.name}.part")
    soundfile.write(pending, np.clip(sound, -1, 1).T, RATE, subtype="PCM_16", format="WAV")
    pending.rename(target)
