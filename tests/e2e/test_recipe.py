"""The recipe of the model in the box, from a folder of sounds to a bundle that separates, all of it tiny."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.grooves import write_grooves

RECIPE = Path(__file__).parents[2] / "recipes" / "small_4stem"
RATE = 44_100
PROGRAMS = ("fluidsynth", "mma", "flite")
NEEDS = (
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/sounds/sf3/MuseScore_General_Lite.sf3",
    "/usr/share/festival/voices/russian/msu_ru_nsh_clunits/wav",
)

pytest.importorskip("mido")
pytest.importorskip("pyworld")
pytest.importorskip("pyopenjtalk")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not (all(map(shutil.which, PROGRAMS)) and all(Path(path).exists() for path in NEEDS)),
        reason="needs Debian's packages that the recipe's README names",
    ),
]


def tone(hz: float, duration_s: float) -> np.ndarray:
    """It dies away, so that it does for a drum as well."""
    time_s = np.arange(round(duration_s * RATE)) / RATE
    return 0.3 * np.sin(2 * np.pi * hz * time_s) * np.exp(-2 * time_s)


def write(path: Path, sound: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound, RATE)


def write_songs(folder: Path, names: Iterable[str], band: str) -> None:
    for song in (*names, band):
        stems = ("drums", "bass", "other") if song == band else ("vocals", "drums", "other")
        for number, stem in enumerate(stems):
            sound = np.tile(tone(110 * 2**number, 0.5), 12)
            write(folder / song / f"{stem}.ogg", np.stack([sound, sound], 1))


def write_voice(path: Path) -> None:
    """Five syllables: a hiss, then a buzz with two formants, then a pause."""
    random = np.random.default_rng(0)
    time_s = np.arange(RATE // 2) / RATE
    partials = 220.0 * np.arange(1, 40)[:, None]
    gains = sum(1 / (1 + ((partials - formant) / 120) ** 2) for formant in (730, 1090)) + 0.003
    vowel = 0.2 * (gains * np.sin(2 * np.pi * partials * time_s)).sum(0) * np.minimum(1, time_s[::-1] / 0.02)
    syllable = np.concatenate([0.05 * np.diff(random.standard_normal(4000)), vowel, np.zeros(RATE // 4)])
    sound = np.concatenate([np.zeros(RATE // 4), *[syllable] * 5])
    write(path, sound + 1e-5 * random.standard_normal(len(sound)))


def write_instrument(folder: Path, kind: str, keys: Iterable[int]) -> None:
    rows = []
    for key in keys:
        write(folder / f"{key}.ogg", tone(440 * 2 ** ((key - 69) / 12), 1.0))
        layer = {"velocity_low": 0, "velocity_high": 127, "round_robin": 1}
        rows.append({"file": f"{key}.ogg", "kind": kind, "midi_note": key, **layer})
    (folder / "map.json").write_text(json.dumps(rows))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the recipe wants it, a sound of each kind."""
    monkeypatch.syspath_prepend(str(RECIPE))
    import library

    folder = tmp_path / "data"
    write_songs(folder / "songs", (*library.TRAIN_SONGS, *library.DEV_SONGS, *library.TEST_SONGS), library.TRAIN_BAND)
    for voice in {*library.SINGERS, *library.VOICES["dev"], *library.VOICES["test"], *library.CHOIRS}:
        write_voice(folder / "vocals" / voice / "000.ogg")
    (folder / "groove_midi").mkdir()
    write_grooves(folder / "groove_midi", (drummers[0] for drummers in library.DRUMMERS.values()), key=36)
    for name in sum(library.KITS, ()):
        write_instrument(folder / "instruments" / name, "drums", (36, 38, 42, 46, 49))
    for name in library.PERCUSSION:
        write_instrument(folder / "instruments" / name, "percussion", range(60, 63))
    for name in library.BASSES:
        write_instrument(folder / "instruments" / name, "bass", (40,))
    for kind, names in library.OTHERS.items():
        for name in names:
            write_instrument(folder / "instruments" / name, {"driven": "guitar"}.get(kind, kind), (48, 60, 72))
    return folder


def run(*words: object) -> str:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *map(str, words)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def list_files(folder: Path) -> dict[str, int]:
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in folder.rglob("*.wav")}


def test_from_a_folder_of_sounds_to_a_bundle_that_separates(data: Path, tmp_path: Path) -> None:
    made, stems = tmp_path / "made", ("vocals", "drums", "bass", "other")
    command = (
        RECIPE / "make.py",
        data,
        made,
        "--songs",
        2,
        "--dev",
        1,
        "--test",
        1,
        "--duration",
        6,
        "--takes",
        1,
        "--jobs",
        1,
    )
    run(*command)
    files = list_files(made)
    songs = ("songs/train/train_0000", "songs/train/train_0001", "songs/valid/dev_0000", "rendered_test/test/test_0000")
    for song in songs:
        sounds = [soundfile.read(made / song / f"{stem}.wav")[0] for stem in stems]
        assert len({sound.shape for sound in sounds}) == 1
        assert 5.5 < len(sounds[0]) / RATE < 6.5
        assert np.abs(sum(sounds)).max() > 0.1
    assert {name.split("/")[0] for name in files} == {
        "songs", "rendered_test", "sounds", "lows", "syllables", "voices", "real_dev", "real_test"
    }  # fmt: skip
    run(*command)
    assert list_files(made) == files

    run(RECIPE / "long.py", tmp_path / "run", made, "--epochs", 1)
    run("-m", "auralflow", "train", tmp_path / "run", "--data.n_samples", 8, "--data.n_workers", 0)
    told = run(RECIPE / "bundle.py", tmp_path / "run", tmp_path / "bundle")
    assert float(told.split("to ")[-1].split(" dB")[0]) > 35
    song = made / "songs" / "valid" / "dev_0000" / "other.wav"
    run("-m", "auralflow", "separate", song, "--model", tmp_path / "bundle", "--out", tmp_path / "separated")
    assert {path.stem for path in (tmp_path / "separated" / "other").glob("*.wav")} == set(stems)
