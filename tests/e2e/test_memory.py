"""Memory does not grow with the song."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("resource")
PASS_THROUGH = str(Path(__file__).parent.parent / "models" / "pass_through.py")

_MEASURE = """
import resource, sys, auralflow
auralflow.separate(sys.argv[1], out=sys.argv[2], model=sys.argv[3], stems="vocals,other", format="flac")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def _peak_mib(folder: Path, minutes: int) -> float:
    song = folder / f"{minutes}.wav"
    minute = (np.random.default_rng(0).uniform(-0.1, 0.1, (60 * 44100, 2)) * 32767).astype(np.int16)
    with soundfile.SoundFile(song, "w", 44100, 2, "PCM_16") as file:
        for _ in range(minutes):
            file.write(minute)
    command = [sys.executable, "-c", _MEASURE, str(song), str(folder / "out"), PASS_THROUGH]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    song.unlink()
    per_mib = 1024 if sys.platform == "linux" else 1024**2
    return int(done.stdout) / per_mib


def test_twenty_minutes_take_no_more_than_three(tmp_path: Path) -> None:
    short, long = _peak_mib(tmp_path, 3), _peak_mib(tmp_path, 20)
    assert long - short < 30
