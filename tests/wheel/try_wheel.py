"""Build the sdist and the wheel, install the wheel in an environment of its own, and separate a song there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "wheel"

TRY = """
import json, pathlib, subprocess, sys
import numpy, soundfile
import auralflow
assert "site-packages" in auralflow.__file__, auralflow.__file__
assert (pathlib.Path(auralflow.__file__).parent / "py.typed").exists()
time_s = numpy.arange(2 * 44100) / 44100
soundfile.write("song.flac", 0.3 * numpy.sin(2 * numpy.pi * 220 * time_s)[:, None].repeat(2, 1), 44100)
"""


def main() -> None:
    """Run everything; any failure ends it."""
    shutil.rmtree(BUILD, ignore_errors=True)
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(BUILD / "dist"), str(ROOT)])
    (wheel,) = (BUILD / "dist").glob("*.whl")
    venv.create(BUILD / "venv", with_pip=True)
    binaries = BUILD / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python = str(binaries / "python")
    pip = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-c",
        str(ROOT / "constraints.txt"),
    ]
    run([*pip, str(wheel)])
    work = BUILD / "work"
    work.mkdir()
    run([python, "-W", "error", "-c", TRY], cwd=work)
    auralflow = str(binaries / "auralflow")
    run([auralflow, "doctor"], cwd=work)
    run([auralflow, "separate", "song.flac", "--quiet"], cwd=work)
    stems = sorted(path.name for path in (work / "separated" / "song").iterdir())
    assert stems == ["bass.flac", "drums.flac", "other.flac", "vocals.flac"], stems
    print(f"{wheel.name}: installed and tried")


def run(command: list[str], cwd: Path = ROOT) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, cwd=cwd, check=True)


if __name__ == "__main__":
    main()
