"""BSS Eval and the other metrics of one song of four stereo stems: speed, memory, and distance from museval.

    sh benchmarks/peers/make_env.sh               once, for museval; without it ours alone is measured
    python benchmarks/evaluate.py                 three minutes, version 4, version 3, windowed SDR, all other metrics
    python benchmarks/evaluate.py --seconds 30 --version v4
    python benchmarks/evaluate.py --song FOLDER   a song of yours: a folder with a file for each stem

Every run is a process of its own, with two threads, which scores one second before the clock starts; ours and
museval's take turns, medians are printed. The song is rendered; its estimates are true stems with leaks, an echo and
noise. Both get float32, as an engine gives it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from auralflow.audio.read import read_audio
from auralflow.data.synth import SongConfig, render_song
from auralflow.evaluation.config import DEFAULT_METRICS
from auralflow.metrics import load_metric
from auralflow.speed.process import tune_process

PEERS = Path(__file__).parent / "peers"
PEER_PYTHON = PEERS.parent.parent / ".venv-peers" / "bin" / "python"
SAMPLE_RATE = 44100
N_THREADS = 2
METRICS = {"v4": "bss_eval_v4", "v3": "bss_eval_v3"}
OTHERS = ("windowed_sdr", *(name for name in DEFAULT_METRICS if name not in METRICS.values()))


def main() -> None:
    """Read the arguments, run the cases, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=180.0, help="length of the song")
    parser.add_argument("--song", type=Path, help="folder of stems in place of the rendered song")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--version", action="append", choices=list(METRICS), help="by default both")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(score_one(*arguments.one)))
        return
    with tempfile.TemporaryDirectory() as folder:
        signals = Path(folder, "signals.npz")
        make_signals(signals, arguments.seconds, arguments.song)
        told = "rendered" if arguments.song is None else arguments.song.name
        print(f"A song of {arguments.seconds:g} s ({told}): stereo stems at {SAMPLE_RATE} Hz. {N_THREADS} threads;")
        print(
            f"median of {arguments.repeat}, in brackets least and greatest. Peak: resident size with the signals in it,"
        )
        print("in brackets before the scoring.\n")
        print_versions(signals, arguments.version or list(METRICS), arguments.repeat)
        if not arguments.version:
            print_others(signals, arguments.repeat)


def make_signals(path: Path, seconds: float, song: Path | None = None) -> None:
    """The stems of a song, and estimates as a fair separator might give them."""
    if song is None:
        stems = list(render_song(SongConfig(duration_s=seconds, sample_rate=SAMPLE_RATE, seed=7)).values())
    else:
        stems = [read_audio(file, duration_s=seconds).samples for file in sorted(song.iterdir())]
    n_samples = min(stem.shape[-1] for stem in stems)
    targets = np.stack([stem[:, :n_samples] for stem in stems]).astype(np.float32)
    noise = np.random.default_rng(0).standard_normal(targets.shape, np.float32)
    leaks = 0.05 * (targets.sum(0) - targets)
    echo = 0.1 * np.roll(targets, 37, axis=-1)
    # A little noise on the targets, so that rests are quiet and not silent: museval leaves silent windows out.
    targets += 1e-5 * noise
    np.savez(path, targets=targets, estimates=0.9 * targets + leaks + echo + 1e-3 * noise, sample_rate=SAMPLE_RATE)


def score_one(signals: str, metric: str, out: str) -> dict[str, Any]:
    """One metric in this process."""
    tune_process()
    torch.set_num_threads(N_THREADS)
    with np.load(signals) as saved:
        targets, estimates = (torch.from_numpy(saved[name]) for name in ("targets", "estimates"))
    function = load_metric(metric).function
    second = targets[..., :SAMPLE_RATE].clone(), estimates[..., :SAMPLE_RATE].clone()
    function(*second, sample_rate=SAMPLE_RATE)  # torch loads its kernels when they are first called
    base = memory_bytes("VmRSS")
    started = time.perf_counter()
    scores = function(estimates, targets, sample_rate=SAMPLE_RATE)
    seconds = time.perf_counter() - started
    np.save(out, np.stack([values.double().numpy() for values in scores.values()]))
    return {"seconds": seconds, "base": base, "peak": memory_bytes("VmHWM")}


def memory_bytes(name: str) -> int:
    """Resident size now (VmRSS) or at its highest (VmHWM)."""
    return int(Path("/proc/self/status").read_text().split(f"{name}:")[1].split()[0]) * 1024


def run(command: list[str]) -> dict[str, Any]:
    """A run in a process of its own; its error ends us."""
    limits = {name: str(N_THREADS) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | limits)
    if done.returncode:
        sys.exit(f"{command}\n{done.stderr.strip()[-2000:]}")
    numbers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return numbers


def print_versions(signals: Path, versions: list[str], repeat: int) -> None:
    """BSS Eval beside museval."""
    print("| BSS Eval | who | s | ratio | peak MiB (before) | largest difference, dB |")
    print("|---|---|---|---|---|---|", flush=True)
    for version in versions:
        ours, theirs = signals.with_name("ours.npy"), signals.with_name("theirs.npy")
        ways = {"auralflow": [sys.executable, __file__, "--one", str(signals), METRICS[version], str(ours)]}
        if PEER_PYTHON.exists():
            peer = [str(PEER_PYTHON), str(PEERS / "evaluate.py"), str(signals), version, "--out", str(theirs)]
            ways["museval 0.4.1"] = peer
        runs: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
        for number in range(repeat):
            for way, command in ways.items():
                runs[way].append(run(command))
                print(
                    f"{version} {number + 1}/{repeat} {way}: {runs[way][-1]['seconds']:.2f} s",
                    file=sys.stderr,
                    flush=True,
                )
        difference = f"{find_difference(ours, theirs):.1e}" if theirs.exists() else "-"
        slowest = statistics.median(r["seconds"] for r in list(runs.values())[-1])
        for way, found in runs.items():
            print(row(version, way, found, slowest, difference if way == "auralflow" else "-"), flush=True)
        theirs.unlink(missing_ok=True)


def print_others(signals: Path, repeat: int) -> None:
    """What the other metrics take."""
    print("\n| metric | s | peak MiB (before) |")
    print("|---|---|---|", flush=True)
    for metric in OTHERS:
        command = [sys.executable, __file__, "--one", str(signals), metric, str(signals.with_name("other.npy"))]
        found = [run(command) for _ in range(repeat)]
        print(f"| {metric} | {show_seconds(found)} | {show_memory(found)} |", flush=True)


def row(version: str, way: str, found: list[dict[str, Any]], slowest: float, difference: str) -> str:
    """One line of the table."""
    ratio = slowest / statistics.median(r["seconds"] for r in found)
    return f"| {version} | {way} | {show_seconds(found)} | **{ratio:.1f}** | {show_memory(found)} | {difference} |"


def show_seconds(found: list[dict[str, Any]]) -> str:
    """Median, least and greatest."""
    values = [r["seconds"] for r in found]
    return f"**{statistics.median(values):.2f}** ({min(values):.2f} to {max(values):.2f})"


def show_memory(found: list[dict[str, Any]]) -> str:
    """At its highest, and before."""
    peak, base = (statistics.median(r[name] for r in found) / 2**20 for name in ("peak", "base"))
    return f"{peak:.0f} ({base:.0f})"


def find_difference(ours: Path, theirs: Path) -> float:
    """Over all frames of all ratios that are finite for both; frames without a score must be the same."""
    a, b = np.load(ours), np.load(theirs)
    if not np.array_equal(np.isnan(a), np.isnan(b)):
        sys.exit("the two do not leave the same frames out")
    finite = np.isfinite(a) & np.isfinite(b)
    return float(np.abs(a - b)[finite].max())


if __name__ == "__main__":
    main()
