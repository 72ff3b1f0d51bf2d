"""What the pipeline around the model costs: wall time, CPU time and memory by stage, and what it does to the samples.

    python benchmarks/separate.py                 the pipeline with a pass-through model, by input format
    python benchmarks/separate.py --memory        peak memory against the length of the song
    python benchmarks/separate.py --classic       the default model as well, three minutes and an hour

Every case runs in a process of its own, `--repeat` times with the cases interleaved; medians are printed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from auralflow.audio.formats import OutputFormat
from auralflow.audio.read import read_audio
from auralflow.audio.types import Samples
from auralflow.audio.write import AudioWriter
from auralflow.data.synth import SongConfig, mix_stems, render_song
from auralflow.separation.build import build_separator
from auralflow.separation.config import SeparationConfig
from auralflow.separation.discover import Source
from auralflow.separation.files import separate_file
from auralflow.separation.progress import Stopwatch

PASS_THROUGH = str(Path(__file__).parent.parent / "tests" / "models" / "pass_through.py")
QUARTERS = str(Path(__file__).parent / "models" / "quarters.py")
LOSSLESS = ("wav 16", "flac 16", "flac 24", "wav float")
STAGES = ("decode", "resample", "model", "overlap_add", "mix", "spool", "encode")
INPUTS = {
    "wav 16": (44100, OutputFormat("wav", "int16")),
    "flac 16": (44100, OutputFormat("flac", "int16")),
    "flac 24": (44100, OutputFormat("flac", "int24")),
    "wav float": (44100, OutputFormat("wav", "float32")),
    "mp3": (44100, OutputFormat("mp3")),
    "m4a": (44100, OutputFormat("m4a")),
    "opus (48 kHz)": (48000, OutputFormat("opus")),
    "wav 24, 48 kHz": (48000, OutputFormat("wav", "int24")),
    "wav 24, 96 kHz": (96000, OutputFormat("wav", "int24")),
}


class Meter(Stopwatch):
    """A stopwatch that also notes CPU seconds and the highest resident memory seen at the end of each stage."""

    def __init__(self) -> None:
        super().__init__()
        self.cpu: dict[str, float] = {}
        self.memory: dict[str, int] = {}
        self._process = psutil.Process()

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        started = time.process_time()
        with super().measure(stage):
            yield
        self.cpu[stage] = self.cpu.get(stage, 0.0) + time.process_time() - started
        self.memory[stage] = max(self.memory.get(stage, 0), self._process.memory_info().rss)


def main() -> None:
    """Read the arguments, run the cases, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--classic", action="store_true")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure_one(*arguments.one)
        return
    with tempfile.TemporaryDirectory() as folder:
        if arguments.memory or arguments.classic:
            print_memory(Path(folder), "classic" if arguments.classic else PASS_THROUGH)
        else:
            print_stages(Path(folder), arguments.seconds, arguments.repeat)


def measure_one(path: str, model: str, out: str) -> None:
    """One file in this process; the numbers as JSON."""
    config = SeparationConfig(model=model)
    separator = build_separator(config)
    work = Path(out) / "work"
    work.mkdir(parents=True, exist_ok=True)
    base = psutil.Process().memory_info().rss
    meter = Meter()
    wall, cpu = time.perf_counter(), time.process_time()
    result = separate_file(separator, Source(Path(path)), config, Path(out), work, n_threads=2, stopwatch=meter)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = peak_bytes()
    print(json.dumps({
        "wall": wall, "cpu": cpu, "base": base, "peak": peak, "duration_s": result.duration_s, "stages": meter.seconds,
        "stage_cpu": meter.cpu, "stage_memory": meter.memory, "deviation": deviation(Path(path), result.outputs[0].path)
        if result.duration_s < 600 else None, "gain_db": result.gain_db,
    }))  # fmt: skip


def peak_bytes() -> int:
    """Highest resident size of this process; getrusage would count the parent's, too, up to the fork."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def deviation(song: Path, first_stem: Path) -> float:
    """Largest difference between the song and the first stem of the pass-through model."""
    return float(np.abs(read_audio(song).samples - read_audio(first_stem).samples).max())


def run(song: Path, model: str, folder: Path) -> dict[str, Any]:
    """`measure_one` in a process of its own."""
    command = [sys.executable, __file__, "--one", str(song), model, str(folder / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    numbers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return numbers


def print_stages(folder: Path, seconds: float, repeat: int) -> None:
    """A row for each input format: what each stage around the model takes, with one loud stem and with four."""
    songs = {
        name: write_song(folder / f"{i}", rate, seconds, output_format)
        for i, (name, (rate, output_format)) in enumerate(INPUTS.items())
    }
    cases = {name: (song, PASS_THROUGH) for name, song in songs.items()}
    cases |= {f"{name}, 4 loud stems": (songs[name], QUARTERS) for name in LOSSLESS}
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in cases}
    for number in range(repeat):
        for name, (song, model) in cases.items():
            runs[name].append(run(song, model, folder))
            print(f"{number + 1}/{repeat} {name}", file=sys.stderr, flush=True)
    around = [stage for stage in STAGES if stage != "model"]
    print(f"Median of {repeat}, {seconds:.0f} s of stereo, four stems out. A cell is wall time / CPU time, in % of the")
    print("song's duration, / resident MiB at the end of the stage.\n")
    print(f"| input | {' | '.join(around)} | **all but the model** | pass-through model | peak MiB | deviation |")
    print("|" + "---|" * (len(around) + 5))
    for name, measured in runs.items():
        print(stage_row(name, measured, around))


def stage_row(name: str, runs: list[dict[str, Any]], around: list[str]) -> str:
    """One line of the table."""
    duration_s = runs[0]["duration_s"]

    def percent(key: str, stages: Sequence[str]) -> str:
        seconds = [sum(run[key].get(stage, 0.0) for stage in stages) for run in runs]
        return f"{100 * statistics.median(seconds) / duration_s:.2f}"

    def memory(stage: str) -> str:
        return f"{statistics.median(run['stage_memory'].get(stage, 0) for run in runs) / 2**20:.0f}"

    cells = [f"{percent('stages', [s])} / {percent('stage_cpu', [s])} / {memory(s)}" for s in around]
    cells.append(f"**{percent('stages', around)}** / {percent('stage_cpu', around)}")
    cells.append(f"{percent('stages', ['model'])} / {percent('stage_cpu', ['model'])}")
    cells.append(f"{statistics.median(run['peak'] for run in runs) / 2**20:.0f}")
    cells.append(f"{runs[0]['deviation']:.1e}" + (" (common gain)" if runs[0]["gain_db"] else ""))
    return f"| {name} | {' | '.join(cells)} |"


def print_memory(folder: Path, model: str) -> None:
    """Peak memory for songs of 3, 20 and 60 minutes."""
    name = Path(model).stem
    print(f"peak resident memory against length, model {name}, FLAC in and out\n")
    print("| minutes | base MiB | peak MiB | wall s | times real time |")
    print("|---|---|---|---|---|")
    for minutes in (3, 20, 60):
        song = write_song(folder / f"{minutes}", 44100, minutes * 60.0, OutputFormat("flac", "int16"))
        got = run(song, model, folder)
        wall = float(got["wall"])
        base, peak = (float(got[key]) / 2**20 for key in ("base", "peak"))
        print(f"| {minutes} | {base:.0f} | {peak:.0f} | {wall:.1f} | {minutes * 60 / wall:.1f} |", flush=True)
        song.unlink()


@cache
def render_loop(sample_rate: int) -> Samples:
    """30 s of music."""
    return mix_stems(render_song(SongConfig(seed=1, duration_s=30.0, sample_rate=sample_rate)))


def write_song(stem: Path, sample_rate: int, seconds: float, output_format: OutputFormat) -> Path:
    """A rendered song, repeated to the length that is asked for."""
    path = stem.with_suffix(output_format.suffix)
    loop = render_loop(sample_rate)
    left = round(seconds * sample_rate)
    with AudioWriter(path, sample_rate=sample_rate, channels=2, output_format=output_format) as writer:
        while left > 0:
            writer.write(loop[:, :left])
            left -= loop.shape[1]
    return path


if __name__ == "__main__":
    main()
