"""Build the sdist and the wheel, install the wheel in an environment of its own, and separate a song there.

    python tests/wheel/try_wheel.py              beside links to what it requires, from the environment that runs this
    python tests/wheel/try_wheel.py --download   with all that it requires as pip finds it, which takes minutes

In the environment there is nothing that the wheel does not require, so that a requirement that is missing is missed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "wheel"

TRY = """
import json, pathlib, subprocess, sys
import numpy, soundfile
import auralflow
assert "site-packages" in auralflow.__file__, auralflow.__file__
assert (pathlib.Path(auralflow.__file__).parent / "py.typed").exists()
time_s = numpy.arange(2 * 44100) / 44100
assert auralflow.load_model("live", offline=True).spec.latency_samples == 2047  # its weights are in the wheel
soundfile.write("song.flac", 0.3 * numpy.sin(2 * numpy.pi * 220 * time_s)[:, None].repeat(2, 1), 44100)
"""


def main() -> None:
    """Run everything; any failure ends it."""
    shutil.rmtree(BUILD, ignore_errors=True)
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(BUILD / "dist"), str(ROOT)])
    (wheel,) = (BUILD / "dist").glob("*.whl")
    venv.create(BUILD / "venv")
    binaries = BUILD / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python = str(binaries / "python")
    install(wheel, python, is_downloading="--download" in sys.argv or os.name == "nt")
    work = BUILD / "work"
    work.mkdir()
    run([python, "-W", "error", "-c", TRY], cwd=work)
    auralflow = str(binaries / "auralflow")
    run([auralflow, "doctor"], cwd=work)
    run([auralflow, "separate", "song.flac", "--quiet"], cwd=work)
    stems = sorted(path.name for path in (work / "separated" / "song").iterdir())
    assert stems == ["bass.flac", "drums.flac", "other.flac", "vocals.flac"], stems
    print(f"{wheel.name}: installed and tried")


def install(wheel: Path, python: str, *, is_downloading: bool) -> None:
    """The wheel, and what it requires."""
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check"]
    if is_downloading:
        run([*pip, "-c", str(ROOT / "constraints.txt"), str(wheel)])
        return
    run([*pip, "--no-deps", str(wheel)])
    shown = subprocess.run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], **_TEXT)
    packages = Path(shown.stdout.strip())
    (installed,) = distributions(name="auralflow", path=[str(packages)])
    for required in list_required(installed):
        link(required, packages)


def list_required(installed: Distribution) -> list[Distribution]:
    """What a distribution requires, and what that requires, as it stands in the environment that runs this."""
    found: dict[str, Distribution] = {}
    open_ones = list(read_requirements(installed, ""))
    seen = set()
    while open_ones:
        requirement = open_ones.pop()
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        one = distribution(requirement.name)
        assert requirement.specifier.contains(one.version, prereleases=True), f"{requirement}: here is {one.version}"
        found[one.metadata["Name"]] = one
        for extra in ("", *requirement.extras):
            open_ones += read_requirements(one, extra)
    return list(found.values())


def read_requirements(one: Distribution, extra: str) -> Iterator[Requirement]:
    """Those that hold here, with an extra or without."""
    for text in one.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement


def link(one: Distribution, packages: Path) -> None:
    """Link a distribution's files and folders into an environment."""
    home = Path(sysconfig.get_path("purelib"))
    for top in {file.parts[0] for file in one.files or ()} - {"..", "__pycache__"}:
        if not (packages / top).exists():
            (packages / top).symlink_to(home / top)


def run(command: list[str], cwd: Path = ROOT) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, cwd=cwd, check=True)


_TEXT = {"check": True, "capture_output": True, "text": True}


if __name__ == "__main__":
    main()
