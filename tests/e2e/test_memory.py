"""Memory does not grow with the song."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

# The kernel's own high-water mark; getrusage would count the parent's size up to the fork.
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc")
PASS_THROUGH = str(Path(__file__).parent.parent / "models" / "pass_through.py")

_MEASURE = """
import pathlib, sys, auralflow
auralflow.separate(sys.argv[1], out=sys.argv[2], model=sys.argv[3], stems="vocals,other", format="flac")
print(pathlib.Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
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
    return int(done.stdout) / 1024


@pytest.mark.parametrize("minutes", [(2, 8), pytest.param((3, 20), marks=pytest.mark.slow)])
def test_long_songs_take_no_more_than_short_ones(tmp_path: Path, minutes: tuple[int, int]) -> None:
    """A minute that is held would be 20 MiB, and 40 for its stems."""
    short, long = (_peak_mib(tmp_path, length) for length in minutes)
    assert long - short < 30
