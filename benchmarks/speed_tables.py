"""The tables of `benchmarks/speed.py`."""

from __future__ import annotations

import argparse
import platform
import shutil
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from speed_material import DEPTH, N_BANDS, N_FRAMES, SAMPLE_RATE, prepare_case, read_song
from speed_runs import N_THREADS, PEER_PYTHON, Numbers, Runs, run, tell

from auralflow.audio.formats import OutputFormat
from auralflow.audio.write import AudioWriter
from auralflow.speed.precision import has_half_precision

PEERS = {
    "htdemucs": "demucs 4.1.0",
    "open_unmix": "openunmix 1.3.0",
    "open_unmix_wiener": "openunmix 1.3.0",
    "roformer": "BS-RoFormer 1.2.4",
}
# What computes, and what is done to its process before.
PLAIN = {
    "plain module": ("plain", "none"),
    "plain module, allocator": ("plain", "allocator"),
    "plain module, allocator and products": ("plain", "all"),
}
STEPS = {
    "ours, process not tuned": ("exact", "none"),
    "ours, allocator": ("exact", "allocator"),
    "ours, one segment at a time": ("alone", "all"),
}
HAS_PLAIN = ("spectrogram_net_simple", "roformer")
IN_MEMORY = ("default", "htdemucs", "open_unmix", "open_unmix_wiener", "spectrogram_net_simple")
NO_HALF = "no 16-bit arithmetic on this machine"


def print_machine(seconds: float, repeat: int) -> None:
    """What the numbers were measured on, and how."""
    print(f"{find_processor()}, {platform.system()}, {N_THREADS} threads, torch {torch.__version__}.")
    print(f"Song of {seconds:g} s, stereo at {SAMPLE_RATE} Hz; median of {repeat}, in brackets least and greatest.")


def find_processor() -> str:
    """Its name, and the widest arithmetic that torch finds in it."""
    name = platform.processor() or platform.machine()
    about = Path("/proc/cpuinfo")
    if about.exists():
        name = next(
            (x.split(":")[1].strip() for x in about.read_text().splitlines() if x.startswith("model name")), name
        )
    half = "with" if has_half_precision(torch.device("cpu")) else "without"
    return f"{name} ({torch.backends.cpu.get_cpu_capability()}, {half} 16-bit arithmetic)"


# One case beside another package


def print_comparison(case: str, runs: Runs, options: argparse.Namespace) -> None:
    """Ours in each way, the other package, and the plain module."""
    ways = list_ways(case, runs, options)
    found = runs.alternate(ways, case)
    others = [way for way in ways if not way.startswith("ours")]
    base = (others or list(ways))[0]
    duration_s = N_FRAMES * 441 / SAMPLE_RATE if case == "roformer" else options.seconds
    print(f"\n<!-- {case} -->\n")
    if case == "roformer":
        print(f"{DEPTH} pairs of transformers over {N_FRAMES} frames of {N_BANDS} bands, one segment of 8 s.\n")
    print("| who | s | x real time | ratio | peak MiB (before) | largest difference | SDR, dB |")
    print("|---|---|---|---|---|---|---|")
    for way, measured in found.items():
        difference = "- | -" if way == base else find_difference(runs.folder, case, way, base, found)
        print(comparison_row(way, measured, found[base], duration_s, difference), flush=True)
    if "ours, fast" not in ways:
        print(f"| ours, fast | {NO_HALF} | | | | | |", flush=True)
    for way in ways:
        name_output(runs.folder, way).unlink(missing_ok=True)


def list_ways(case: str, runs: Runs, options: argparse.Namespace) -> dict[str, list[str]]:
    """The command of each way, others first."""
    ways = {}
    if case in PEERS and PEER_PYTHON.exists():
        ways[PEERS[case]] = runs.theirs(case, out=str(name_output(runs.folder, PEERS[case])))
    names = PLAIN if case in HAS_PLAIN else {}
    names = names | (STEPS if options.steps and case != "roformer" else {}) | {"ours, exact": ("exact", "all")}
    names |= {"ours, fast": ("fast", "all")} if has_half_precision(torch.device("cpu")) else {}
    names |= {"ours, compiled": ("compiled", "all")} if options.compile else {}
    return ways | {
        name: runs.ours(case, way=way, tuning=tuning, out=str(name_output(runs.folder, name)))
        for name, (way, tuning) in names.items()
    }


def name_output(folder: Path, way: str) -> Path:
    """Where a way's stems go."""
    return folder / f"stems {way}.npy"


def comparison_row(
    way: str, measured: Sequence[Numbers], base: Sequence[Numbers], duration_s: float, difference: str
) -> str:
    """One line of the table."""
    ratio = median(base, "seconds") / median(measured, "seconds")
    speed = duration_s / median(measured, "seconds")
    cells = [way, spread(measured, "seconds"), f"{speed:.2f}", f"**{ratio:.2f}**", show_memory(measured), difference]
    return f"| {' | '.join(cells)} |"


def find_difference(folder: Path, case: str, way: str, base: str, found: dict[str, list[Numbers]]) -> str:
    """Two cells: largest difference as a part of the greatest sample of any stem, and the SDR of the worst stem."""
    ours, theirs = (np.load(name_output(folder, name), mmap_mode="r") for name in (way, base))
    names, expected = found[way][0]["stems"], found[base][0]["stems"]
    largest, ratios = 0.0, []
    peak = max(float(np.abs(stem).max()) for stem in theirs)
    for number, stem in enumerate(expected):
        truth = theirs[number].astype(np.float64)
        error = ours[names.index(stem)] - truth
        largest = max(largest, float(np.abs(error).max()))
        ratios.append(10 * np.log10(max((truth**2).sum(), 1e-30) / max((error**2).sum(), 1e-30)))
    return f"{largest / peak:.1e} | {min(ratios):.0f}" if largest else "0 | bit-equal"


# The whole command


def print_cli(runs: Runs, models: Sequence[str]) -> None:
    """Wall time of the command, and what of it is neither start nor model."""
    song = runs.folder / "song.mp3"
    with AudioWriter(song, sample_rate=SAMPLE_RATE, channels=2, output_format=OutputFormat("mp3")) as writer:
        writer.write(np.asarray(read_song(runs.folder)))
    print("\n<!-- cli -->\n")
    print("| model | whole command, s | start, s | of it torch, s | model, s | the rest, s | the rest, % of model |")
    print("|---|---|---|---|---|---|---|")
    for model in models:
        source = runs.folder / model if (runs.folder / model).exists() else model
        found = [time_command(runs.folder, song, str(source), f"{n + 1}/{runs.repeat}") for n in range(runs.repeat)]
        names = ("wall", "start", "torch", "model", "rest")
        cells = [model, *(spread(found, name) for name in names)]
        cells.append(f"**{100 * median(found, 'rest') / median(found, 'model'):.1f}**")
        print(f"| {' | '.join(cells)} |", flush=True)


def time_command(folder: Path, song: Path, model: str, told: str) -> Numbers:
    """One run of the command; what it says its job took is what it took after starting."""
    torch_s = run([sys.executable, "-c", "import torch"])["wall"]
    out = folder / "separated"
    command = [sys.executable, "-m", "auralflow", "separate", str(song), "--model", model, "--format", "flac"]
    found = run([*command, "--out", str(out), "--json"])
    shutil.rmtree(out)
    wall, job, model_s = found["wall"], found["result"]["seconds"], found["result"]["done"][0]["seconds"]["model"]
    tell(f"cli {told}: {wall:.1f} s, of which the model {model_s:.1f} s")
    return {"wall": wall, "start": wall - job, "torch": torch_s, "model": model_s, "rest": job - model_s}


# From nothing to the first sample


def print_cold(runs: Runs, models: Sequence[str]) -> None:
    """Seconds from the start of a process to its first output sample."""
    print("\n<!-- cold -->\n")
    print("| model | first sample, s | importing torch, s | the model, s | the rest, s |")
    print("|---|---|---|---|---|")
    for model in models:
        if model == "htdemucs":
            prepare_case(model, runs.folder)
        source = runs.folder / model if (runs.folder / model).exists() else model
        found = []
        for number in range(runs.repeat):
            imported = run([sys.executable, "-c", "import torch"])["wall"]
            got = run(runs.ours("cold", model=str(source), seconds=60.0))
            total = got["first"] - got["started"]
            found.append({"total": total, "torch": imported, "model": got["model"]})
            found[-1]["rest"] = total - imported - got["model"]
            tell(f"cold {model} {number + 1}/{runs.repeat}: {total:.2f} s")
        cells = [model, *(spread(found, name) for name in ("total", "torch", "model", "rest"))]
        print(f"| {' | '.join(cells)} |", flush=True)


# Memory against length


def print_memory(runs: Runs, minutes: Sequence[float]) -> None:
    """Peak memory of a stream of each length."""
    print("\n<!-- memory -->\n")
    print("Highest resident size in MiB, in brackets before the song.\n")
    print(f"| model | {' | '.join(f'{length:g} min' for length in minutes)} |")
    print("|---|" + "---|" * len(minutes))
    for model in IN_MEMORY:
        if model != "default":
            prepare_case(model, runs.folder)
        source = str(runs.folder / model) if model != "default" else model
        cells = []
        for length in minutes:
            got = run(runs.ours("memory", model=source, seconds=60 * length))
            cells.append(show_memory([got]))
            tell(f"memory {model}, {length:g} min: {cells[-1]} MiB, {got['seconds']:.0f} s")
        print(f"| {model} | {' | '.join(cells)} |", flush=True)


# Cells


def median(runs: Sequence[Numbers], key: str) -> float:
    """Of one number of several runs."""
    return float(statistics.median(run[key] for run in runs))


def spread(runs: Sequence[Numbers], key: str) -> str:
    """Median, least and greatest."""
    values = [run[key] for run in runs]
    digits = 1 if statistics.median(values) >= 10 else 2
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def show_memory(runs: Sequence[Numbers]) -> str:
    """At its highest, and before."""
    return f"{median(runs, 'peak') / 2**20:.0f} ({median(runs, 'base') / 2**20:.0f})"
