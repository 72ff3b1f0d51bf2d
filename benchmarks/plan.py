"""How near `auralflow plan` comes to what a job takes, on this machine, with 1 and 2 workers.

    python benchmarks/plan.py                  with the default model
    python benchmarks/plan.py --model classic --files 16 --seconds 60

Made songs of various lengths are planned, and then separated, `--repeat` times in turns.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from auralflow.api import plan, separate
from auralflow.data.synth import SongConfig, mix_stems, render_song


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default")
    parser.add_argument("--files", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0, help="mean length of a file")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        songs = Path(name) / "songs"
        write_songs(songs, arguments.files, arguments.seconds)
        told = f"{arguments.files} songs of {arguments.seconds:.0f} s on average, model {arguments.model}"
        print(f"{told}; medians of {arguments.repeat}\n")
        print("| workers | planned, s | measured, s | planned / measured |\n|---|---|---|---|")
        for n_workers in arguments.workers:
            planned, measured = [], []
            for _ in range(arguments.repeat):
                planned.append(predict(songs, arguments.model, n_workers))
                measured.append(run(songs, arguments.model, n_workers, Path(name) / "out"))
            ratio = statistics.median(planned) / statistics.median(measured)
            print(f"| {n_workers} | {spread(planned)} | {spread(measured)} | {ratio:.2f} |", flush=True)


def write_songs(folder: Path, n_files: int, mean_s: float) -> None:
    """Songs from half to one and a half times the mean length."""
    folder.mkdir()
    for number, seconds in enumerate(np.linspace(0.5 * mean_s, 1.5 * mean_s, n_files)):
        song = mix_stems(render_song(SongConfig(seed=number, duration_s=float(seconds))))
        soundfile.write(folder / f"{number:02d}.flac", song.T, 44100, subtype="PCM_16")


def predict(songs: Path, model: str, n_workers: int) -> float:
    """Seconds, by the plan."""
    report = plan(songs, workers=n_workers, model=model)
    return next(row.seconds for row in report.rows if row.n_workers == n_workers)


def run(songs: Path, model: str, n_workers: int, out: Path) -> float:
    """Seconds, by doing it."""
    started = time.monotonic()
    separate(songs, model=model, workers=n_workers, out=out, overwrite=True)
    return time.monotonic() - started


def spread(seconds: list[float]) -> str:
    """Median, least and greatest."""
    return f"{statistics.median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})"


if __name__ == "__main__":
    main()
