"""What the server costs beside the plain command line: uploads per second, first progress, overhead, memory.

    python benchmarks/serve.py                     with a pass-through model, which leaves nothing but the overhead
    python benchmarks/serve.py --model default     with a model that computes

The command line and the server take turns, `--repeat` times; medians are printed. The outputs of both are compared bit
for bit.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile

from auralflow.fetch.service import API, Service

PASS_THROUGH = Path(__file__).parent.parent / "tests" / "models" / "pass_through.py"
PLAIN = """
import json, sys, time
started = float(sys.argv[1])
from auralflow import api
first = []
def hear(event):
    if event.kind == "progress" and event.fraction and not first:
        first.append(time.time() - started)
report = api.separate(sys.argv[2], model=sys.argv[3], out=sys.argv[4], overwrite=True, report=hear)
print(json.dumps({"first": first[0], "whole": time.time() - started, "computing": report.seconds}))
"""


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="pass_through")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--uploads", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=16)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        song = write_song(folder / "song.wav", arguments.seconds)
        small = write_song(folder / "small.wav", 0.5)
        with run_server(folder / "home") as (service, process):
            warm(service, small, arguments.model)
            compare(service, song, arguments.model, arguments.repeat, folder)
            load(service, small, arguments.uploads, arguments.at_once, process)


def write_song(path: Path, seconds: float) -> Path:
    """Noise in stereo."""
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (round(seconds * 44100), 2))
    soundfile.write(path, samples, 44100, "PCM_16")
    return path


@contextmanager
def run_server(home: Path) -> Iterator[tuple[Service, psutil.Process]]:
    """A server in a process of its own."""
    command = [sys.executable, "-m", "auralflow", "serve", "--home", str(home), "--port", "0"]
    process = subprocess.Popen([*command, "--model", str(PASS_THROUGH)], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    address = next(word for word in process.stderr.readline().split() if word.startswith("http"))
    try:
        yield Service(address.rstrip("/")), psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def warm(service: Service, song: Path, model: str) -> None:
    """Have the model loaded."""
    wait(service, service.send(song, {"model": model}, lambda: None)["id"])


def wait(service: Service, key: str) -> dict[str, float]:
    """Seconds from now to the first progress, and to the end."""
    started, first = time.time(), 0.0
    while (found := service.get(f"{API}/separations/{key}"))["state"] in ("queued", "running"):
        if found["progress"] and not first:
            first = time.time() - started
        time.sleep(0.5 if first else 0.1)  # whoever asks takes time from whoever computes
    if found["state"] != "done":
        raise SystemExit(found["error"])
    return {"first": first or time.time() - started, "whole": time.time() - started}


def compare(service: Service, song: Path, model: str, n_repeats: int, folder: Path) -> None:
    """The same song by the command line's function in a new process, and by the server."""
    source = str(PASS_THROUGH) if model == "pass_through" else model
    rows: dict[str, list[dict[str, float]]] = {"plain": [], "server": []}
    key = ""
    for _ in range(n_repeats):
        rows["plain"].append(run_plain(song, source, folder / "plain"))
        started = time.time()
        key = service.send(song, {"model": model}, lambda: None)["id"]
        sent = time.time() - started
        times = wait(service, key)
        rows["server"].append({"first": sent + times["first"], "whole": sent + times["whole"], "sending": sent})
    median = {name: {k: statistics.median(row[k] for row in runs) for k in runs[0]} for name, runs in rows.items()}
    print(
        f"a song of {song.stat().st_size / 176400:.0f} s, model {model}, seconds of wall time, median of {n_repeats}\n"
    )
    print("| | first progress | whole | of it |\n|---|---|---|---|")
    plain, server = median["plain"], median["server"]
    print(f"| command line | {plain['first']:.2f} | {plain['whole']:.2f} | separating {plain['computing']:.2f} |")
    print(f"| server, warm | {server['first']:.2f} | {server['whole']:.2f} | sending {server['sending']:.2f} |")
    print(f"\nserver against separating alone: {100 * (server['whole'] / plain['computing'] - 1):+.1f} %")
    print(f"server against the whole command: {100 * (server['whole'] / plain['whole'] - 1):+.1f} %")
    print(f"outputs equal bit for bit: {'yes' if is_equal(service, key, folder / 'plain' / 'song', folder) else 'NO'}")


def run_plain(song: Path, model: str, out: Path) -> dict[str, float]:
    command = [sys.executable, "-c", PLAIN, str(time.time()), str(song), model, str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    times: dict[str, float] = json.loads(done.stdout)
    return times


def is_equal(service: Service, key: str, plain: Path, folder: Path) -> bool:
    tracks: list[dict[str, Any]] = service.get(f"{API}/separations/{key}")["tracks"][1:]
    names = {path.stem for path in plain.iterdir()}
    for track in tracks:
        service.fetch(track["url"], folder / "one", lambda: None)
        file = plain / (track["name"] + Path(track["file_name"]).suffix)
        if (folder / "one").read_bytes() != file.read_bytes():
            return False
    return names == {track["name"] for track in tracks}


def load(service: Service, song: Path, n_uploads: int, n_at_once: int, process: psutil.Process) -> None:
    """Many small uploads at once, until all of them are done."""
    before = process.memory_info().rss
    peak, is_over = [before], threading.Event()
    watcher = threading.Thread(target=watch, args=(process, peak, is_over))
    watcher.start()
    started = time.time()
    with ThreadPoolExecutor(n_at_once) as pool:
        keys = list(
            pool.map(lambda _: service.send(song, {"model": "pass_through"}, lambda: None)["id"], range(n_uploads))
        )
    uploading = time.time() - started
    states = [wait(service, key) for key in keys]
    whole = time.time() - started
    is_over.set()
    watcher.join()
    print(f"\n{n_uploads} uploads of {song.stat().st_size / 1000:.0f} kB, {n_at_once} at once:")
    print(f"{n_uploads / uploading:.1f} uploads per second; all {len(states)} done after {whole:.1f} s, none lost")
    workers = sum(child.memory_info().rss for child in process.children())
    print(f"memory of the server: {before / 1e6:.0f} MB before, {peak[0] / 1e6:.0f} MB at most")
    print(f"memory of its workers: {workers / 1e6:.0f} MB")


def watch(process: psutil.Process, peak: list[int], is_over: threading.Event) -> None:
    """Note the highest memory."""
    with suppress(psutil.NoSuchProcess):
        while not is_over.wait(0.1):
            peak[0] = max(peak[0], process.memory_info().rss)


if __name__ == "__main__":
    main()
