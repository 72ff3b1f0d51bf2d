"""A folder on Ray beside the same folder on the local engine: throughput, cost of a file, memory of the actors.

    python benchmarks/cluster.py                    needs 'auralflow[ray]'
    python benchmarks/cluster.py --only cost        or throughput

Ray runs here, with one processor for each actor. Rows take turns, `--repeat` times; medians are printed. Times
run from the first file that is begun to the last that is done, so neither start-up nor loading is in them; with two
workers the first file of each is left out, for they do not start together.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import soundfile

from auralflow.api import separate
from auralflow.separation.results import JobEvent

PASS_THROUGH = Path(__file__).parent.parent / "tests" / "models" / "pass_through.py"
RATE = 44100
ACTOR = "ray::_Host"


@dataclass
class Run:
    """When files were begun and done, and how much memory actors held on the way."""

    begun: list[float] = field(default_factory=list)
    done: list[float] = field(default_factory=list)
    memory_mib: list[tuple[float, float]] = field(default_factory=list)
    """(time, most of any actor)."""

    def hear(self, event: JobEvent) -> None:
        if event.kind == "started":
            self.begun.append(time.monotonic())
        elif event.kind == "done":
            self.done.append(time.monotonic())
        elif event.kind == "failed":
            raise SystemExit(f"{event.source}: {event.result}")

    def seconds_per_file(self, n_workers: int) -> float:
        """From the end of each worker's first file on."""
        done = sorted(self.done)[n_workers - 1 :]
        return (done[-1] - done[0]) / (len(done) - 1)

    def peaks(self) -> tuple[float, float]:
        """MiB in the first third of the files, and after."""
        done = sorted(self.done)
        until = done[len(done) // 3]
        early = [mib for when, mib in self.memory_mib if when <= until]
        late = [mib for when, mib in self.memory_mib if until < when <= done[-1]]
        return max(early, default=0.0), max(late, default=0.0)


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["cost", "throughput"])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--files", type=int, default=200, help="short ones, for the cost of a file")
    parser.add_argument("--songs", type=int, default=16, help="for the throughput")
    parser.add_argument("--seconds", type=float, default=30.0, help="of a song")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if arguments.only != "throughput":
            compare_cost(Path(name), arguments.files, arguments.repeat)
        if arguments.only != "cost":
            compare_throughput(Path(name), arguments.songs, arguments.seconds, arguments.repeat)


def compare_cost(folder: Path, n_files: int, n_repeats: int) -> None:
    """What a file costs beyond its separation: a model that only passes on, files of a second, one worker."""
    files = write_noise(folder / "short", n_files, 1.0)
    runs: dict[str, list[Run]] = {"local": [], "ray": []}
    for _ in range(n_repeats):
        for engine, found in runs.items():
            found.append(run(files, str(PASS_THROUGH), engine, 1, folder / "out"))
    print(f"{n_files} files of 1 s, a pass-through model, one worker with one thread; median of {n_repeats}\n")
    print("| engine | ms a file | actor, MiB: first third | the rest |\n|---|---|---|---|")
    cost = {engine: [1000 * one.seconds_per_file(1) for one in found] for engine, found in runs.items()}
    for engine, found in runs.items():
        early, late = (statistics.median(values) for values in zip(*(one.peaks() for one in found), strict=True))
        memory = f"{early:.0f} | {late:.0f}" if engine == "ray" else "- | -"
        print(f"| {engine} | {spread(cost[engine])} | {memory} |")
    print(
        f"\nRay costs {statistics.median(cost['ray']) - statistics.median(cost['local']):+.1f} ms a file.\n", flush=True
    )


def compare_throughput(folder: Path, n_songs: int, seconds: float, n_repeats: int) -> None:
    """Songs an hour with one and with two workers, each with one thread, with the default model."""
    songs = write_noise(folder / "songs", n_songs, seconds)
    runs: dict[tuple[str, int], list[Run]] = {(engine, n): [] for engine in ("local", "ray") for n in (1, 2)}
    for _ in range(n_repeats):
        for (engine, n_workers), found in runs.items():
            found.append(run(songs, "default", engine, n_workers, folder / "out"))
    print(f"{n_songs} songs of {seconds:.0f} s, the default model, workers with one thread; median of {n_repeats}\n")
    print("| engine | workers | songs an hour | ratio | largest actor, MiB: first third | the rest |")
    print("|---|---|---|---|---|---|")
    pace = {key: [3600 / one.seconds_per_file(key[1]) for one in found] for key, found in runs.items()}
    for (engine, n_workers), found in runs.items():
        early, late = (statistics.median(values) for values in zip(*(one.peaks() for one in found), strict=True))
        ratio = statistics.median(pace[engine, n_workers]) / statistics.median(pace[engine, 1])
        memory = f"{early:.0f} | {late:.0f}" if engine == "ray" else "- | -"
        print(f"| {engine} | {n_workers} | {spread(pace[engine, n_workers])} | {ratio:.2f} | {memory} |", flush=True)


def write_noise(folder: Path, n_files: int, seconds: float) -> Path:
    """Files of noise in stereo."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(n_files):
        samples = random.uniform(-0.3, 0.3, (round(seconds * RATE), 2))
        soundfile.write(folder / f"{number:04d}.wav", samples, RATE, "PCM_16")
    return folder


def run(files: Path, model: str, engine: str, n_workers: int, out: Path) -> Run:
    """Separate all files, each worker with one thread."""
    found = Run()
    with watching(found):
        options = {"engine": "ray", "cpus": 1} if engine == "ray" else {"threads": 1}
        separate(files, model=model, workers=n_workers, out=out, overwrite=True, report=found.hear, **options)  # type: ignore[arg-type]
    return found


@contextmanager
def watching(found: Run) -> Iterator[None]:
    """Look at the memory of the actors, four times a second."""
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.25):
            found.memory_mib.append((time.monotonic(), max(map(_actor_mib, psutil.process_iter()), default=0.0)))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _actor_mib(process: psutil.Process) -> float:
    try:
        is_actor = any(ACTOR in word for word in process.cmdline()[:1])
        return process.memory_info().rss / 2**20 if is_actor else 0.0
    except psutil.Error:
        return 0.0


def spread(values: list[float]) -> str:
    """Median, least and greatest."""
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


if __name__ == "__main__":
    main()
