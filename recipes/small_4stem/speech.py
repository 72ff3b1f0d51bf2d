"""Voices that speak, recorded for want of more that sing: programs read aloud, and a man has read sentences.

    awb, rms, kal16, slt    flite (Debian's `flite`): random words of English
    mei                     Open JTalk (PyPI `pyopenjtalk-plus`): random syllables of Japanese
    russian                 the recordings of which Debian's `festvox-ru` speaks

What is read is slow, for a syllable must last before it can be sung.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from library import READERS

RUSSIAN = Path("/usr/share/festival/voices/russian/msu_ru_nsh_clunits/wav")
_WORDS = Path(__file__).with_name("words.txt").read_text(encoding="utf-8").split()
_KANA = (
    "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめ"
    "もやゆよらりるれろわがぎぐげござじずぜぞだでどばびぶべぼぱぴぷぺぽ"
)


def lay_out_speech(folder: Path, n_takes: int, seed: int) -> None:
    """Make `folder/<reader>/*.wav` of all that are not there yet, `n_takes` for each reader."""
    for number, name in enumerate(READERS):
        if (folder / name).exists():
            continue
        pending = folder / f".{name}.{os.getpid()}.part"
        shutil.rmtree(pending, ignore_errors=True)
        pending.mkdir(parents=True)
        _READ_BY.get(name, _read_by_flite)(name, pending, n_takes, np.random.default_rng((seed, number)))
        pending.rename(folder / name)


def _read_by_flite(name: str, folder: Path, n_takes: int, random: np.random.Generator) -> None:
    for take in range(n_takes):
        text = ". ".join(" ".join(random.choice(_WORDS, 6)) for _ in range(3))
        stretch = f"duration_stretch={random.uniform(1.3, 2.0):.2f}"
        command = ("flite", "-voice", name, "--setf", stretch, "-t", text, "-o", folder / f"{take:03d}.wav")
        subprocess.run(command, check=True)


def _read_by_open_jtalk(name: str, folder: Path, n_takes: int, random: np.random.Generator) -> None:
    import pyopenjtalk  # type: ignore[import-untyped]

    for take in range(n_takes):
        text = "。".join("".join(random.choice(list(_KANA), 8)) for _ in range(4))
        sound, rate = pyopenjtalk.tts(text, speed=float(random.uniform(0.4, 0.8)))
        soundfile.write(folder / f"{take:03d}.wav", sound / 32768, rate)


def _read_by_a_man(name: str, folder: Path, n_takes: int, random: np.random.Generator) -> None:
    takes = sorted(RUSSIAN.glob("*.wav"))
    for take in random.choice(len(takes), min(n_takes, len(takes)), replace=False):
        shutil.copy(takes[take], folder)


_READ_BY: dict[str, Callable[[str, Path, int, np.random.Generator], None]] = {
    "mei": _read_by_open_jtalk,
    "russian": _read_by_a_man,
}
