"""Training samples a second of our path, beside the plain fp32 eager loop of the same network; and what it learns.

    python benchmarks/train.py                    samples a second and peak memory at 44.1 kHz
    python benchmarks/train.py --compile          torch.compile in a row of its own; compiling takes minutes
    python benchmarks/train.py --quality          SDR of held-out songs after as many steps of either, small networks

"Plain" is the loop that anyone would write first: the same network from the same initial weights on the same chunks,
which lie in memory before the clock starts, the same loss and optimizer, all else as torch has it. "Ours" is
`auralflow.api.train` with `tune_process()`, channels_last and, where the CPU has it, bf16, its data from the PCM cache
through two workers.
Each run is a process of its own, and the ways take turns.
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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from auralflow.api import configure, synth_data, train
from auralflow.data.draw import ChunkDrawer
from auralflow.data.loader import Batch, RankSampler, Schedule, collate
from auralflow.data.prepare import TrainingData, build_cache, make_drawer, prepare_data
from auralflow.losses import build_losses
from auralflow.speed.precision import has_half_precision
from auralflow.speed.process import tune_process
from auralflow.training.config import TrainConfig
from auralflow.training.configure import read_overrides, write_run
from auralflow.training.epochs import EpochEnd
from auralflow.training.folder import RunFolder
from auralflow.training.rates import rate_factor
from auralflow.training.run import TrainEvents
from auralflow.training.start import build_model
from auralflow.training.task import TrainingTask
from auralflow.training.validate import Validator

BATCH = 4
N_BATCHES = 2
"""Of an epoch, where speed is measured; the first epoch warms up."""
CASES = ("spectrogram_net_simple", "spectrogram_net_lstm", "waveform_unet")
SMALL = {
    "spectrogram_net_simple": [
        "config.stft={n_fft: 256, hop_samples: 64}",
        "config.unet={widths: [12, 16, 24], n_frame_levels: 2}",
    ],
    "spectrogram_net_lstm": [
        "config.stft={n_fft: 256, hop_samples: 64}",
        "config.unet={widths: [12, 16, 24], n_frame_levels: 2}",
        "config.squeezed_width=4",
        "config.n_hidden=32",
    ],
    "waveform_unet": ["config.width=12", "config.depth=4", "config.n_hidden=32"],
}
ALWAYS = [
    "data.remix=0.0",
    "data.augment=[]",
    "data.keep_silent=1.0",
    f"data.batch_size={BATCH}",
    "log.tensorboard=false",
]
IS_HALF = has_half_precision(torch.device("cpu"))
FAST = [f"trainer.precision={'bf16' if IS_HALF else '32'}", "trainer.channels_last=true"]
ARITHMETIC = "bf16" if IS_HALF else "32 bits, since this CPU has no bf16"
WAYS = {"plain": [], "ours": FAST, "ours, compiled": [*FAST, "trainer.compile=true"]}


@dataclass(frozen=True)
class Run:
    """What a child process trains."""

    case: str
    way: str
    root: str
    """Of the songs and the cache."""
    n_steps: int
    seed: int = 0
    is_quality: bool = False

    @property
    def overrides(self) -> list[str]:
        """Its config."""
        if self.is_quality:
            return [*ALWAYS, *self._for_quality(), *WAYS[self.way]]
        return [*ALWAYS, *self._for_speed(), *WAYS[self.way]]

    def _for_speed(self) -> list[str]:
        """Four seconds at full rate, epochs of some batches, hardly any validation."""
        n_epochs = 1 + -(-self.n_steps // N_BATCHES)
        return [
            "data.chunk_s=4.0",
            f"data.n_samples={BATCH * N_BATCHES}",
            f"trainer.max_epochs={n_epochs}",
            "scheduler.name=constant",
            f"valid.every_epochs={n_epochs}",
            "valid.max_songs=1",
            "valid.max_s=4.0",
        ]

    def _for_quality(self) -> list[str]:
        """One second of mono at 8 kHz, one epoch of all steps, then whole songs; the rate falls to nothing, so that the
        last weights are no accident of the last batch."""
        return [
            *SMALL[self.case],
            "spec.sample_rate=8000",
            "spec.channels=1",
            "spec.segment_samples=8000",
            "spec.context_samples=500",
            f"data.n_samples={BATCH * self.n_steps}",
            "trainer.max_epochs=1",
            f"trainer.seed={self.seed}",
            "optimizer.learning_rate=2e-3",
            "scheduler.name=cosine",
        ]


def main() -> None:
    """Read the arguments, run the cases, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", choices=CASES, help="by default all")
    parser.add_argument("--steps", type=int, help="optimizer steps that count: 4, or 300 for --quality")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each way; seeds for --quality")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--quality", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(train_one(Run(**json.loads(arguments.one)))))
        return
    cases = arguments.case or CASES
    with tempfile.TemporaryDirectory() as root:
        if arguments.quality:
            print_quality(root, cases, arguments.steps or 300, arguments.repeat)
        else:
            ways = [way for way in WAYS if way != "ours, compiled" or arguments.compile]
            print_speed(root, cases, ways, arguments.steps or 4, arguments.repeat)


# One run in this process


def train_one(run: Run) -> dict[str, Any]:
    """Train in one of the ways; speed, memory, loss and score."""
    with tempfile.TemporaryDirectory(dir=run.root) as folder:
        return train_plain(run, f"{folder}/run") if run.way == "plain" else train_ours(run, f"{folder}/run")


def train_ours(run: Run, folder: str) -> dict[str, Any]:
    """As the command line does it."""
    tune_process()
    ends: list[EpochEnd] = []
    cached = ["data.cache=pcm", f"data.cache_folder={run.root}/cache"]
    configure(folder, model=run.case, overrides=[*run.overrides, *cached])
    base = memory_bytes("VmRSS")
    train(folder, f"{run.root}/songs", device="cpu", report=TrainEvents(epoch=ends.append))
    counted = ends[1:] or ends
    return {
        "samples_per_s": statistics.harmonic_mean([end.samples_per_s for end in counted]),
        "data_wait": statistics.mean(end.data_wait for end in counted),
        "loss": ends[-1].train_loss,
        "sdr_db": ends[-1].valid.mean_sdr_db if ends[-1].valid else None,
        "base": base,
        "peak": memory_bytes("VmHWM"),
    }


def train_plain(run: Run, folder: str) -> dict[str, Any]:
    """The loop that anyone would write first."""
    overrides = read_overrides([*run.overrides, f"data.sources=[{{root: {run.root}/songs}}]"])
    description, config = write_run(RunFolder(Path(folder)), model=run.case, overrides=overrides)
    data = prepare_data(config.data, description.spec)
    cache = build_cache(data, Path(run.root, "cache"), description.spec)
    drawer = make_drawer(data, config.data, description.spec, seed=config.trainer.seed, cache=cache)
    schedule = Schedule(data.n_samples, BATCH, config.trainer.max_epochs)
    base = memory_bytes("VmRSS")

    n_steps = schedule.n_batches * schedule.n_epochs
    model = build_model(Path(folder), description, config.trainer.seed, config.fine_tune).model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.optimizer.learning_rate, weight_decay=0.0)
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_factor(step, n_steps, config.scheduler))
    seconds, losses = [], []
    for batch in draw_batches(drawer, schedule):
        started = time.perf_counter()
        optimizer.zero_grad()
        loss = (model(batch.mixture) - batch.targets).abs().mean()
        loss.backward()
        optimizer.step()
        rates.step()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - started)
    peak = memory_bytes("VmHWM")

    n_warm_up = schedule.n_batches if schedule.n_epochs > 1 else 0
    return {
        "samples_per_s": BATCH / statistics.mean(seconds[n_warm_up:]),
        "data_wait": 0.0,
        "loss": statistics.mean(losses[-schedule.n_batches :]),
        "sdr_db": score(model, config, data, schedule),
        "base": base,
        "peak": peak,
    }


def draw_batches(drawer: ChunkDrawer, schedule: Schedule) -> Iterator[Batch]:
    """The batches of our own training, one after the other, without workers."""
    keys = iter(RankSampler(schedule))
    for batch in zip(*[keys] * schedule.batch_size, strict=True):
        yield collate([drawer.draw(key) for key in batch])


def score(model: torch.nn.Module, config: TrainConfig, data: TrainingData, schedule: Schedule) -> float:
    """Mean SDR over stems and held-out songs, in the way our own training has it."""
    task = TrainingTask(model, build_losses(config.loss), config, schedule)
    return Validator(data.valid_songs, config.valid, data.n_chunk).run(task).mean_sdr_db


def memory_bytes(name: str) -> int:
    """Resident size now (VmRSS) or at its highest (VmHWM), of this process alone."""
    return int(Path("/proc/self/status").read_text().split(f"{name}:")[1].split()[0]) * 1024


# The tables


def print_speed(root: str, cases: Sequence[str], ways: Sequence[str], n_steps: int, repeat: int) -> None:
    """Samples per second of each network in each way."""
    synth_data(f"{root}/songs", songs=4, duration=20.0)
    runs: dict[tuple[str, str], list[dict[str, Any]]] = {(case, way): [] for case in cases for way in ways}
    for number in range(repeat):
        for case, way in runs:
            got = run_one(Run(case, way, root, n_steps))
            runs[case, way].append(got)
            told = f"{number + 1}/{repeat} {case} {way}: {got['samples_per_s']:.2f} samples/s"
            print(told, file=sys.stderr, flush=True)
    print(
        f"Batches of {BATCH} stereo chunks of 4 s at 44.1 kHz, four stems; {torch.get_num_threads()} threads. Median of"
    )
    print(f"{repeat}, in brackets least and greatest. Each network is as large as its default.")
    print(f"Ours computes in {ARITHMETIC}.\n")
    print("| network | way | samples/s | ratio | data wait | peak MiB (before training) | loss |")
    print("|---|---|---|---|---|---|---|")
    for (case, way), measured in runs.items():
        plain = median(runs[case, ways[0]], "samples_per_s")
        print(speed_row(case, way, measured, plain))
    print("\nThe peak is that of the process that trains, without its workers. The loss is the mean of the last epoch,")
    print("from the same weights on the same chunks.")


def speed_row(case: str, way: str, runs: Sequence[dict[str, Any]], plain: float) -> str:
    """One line of the table."""
    values = [run["samples_per_s"] for run in runs]
    speed = statistics.median(values)
    memory = f"{median(runs, 'peak') / 2**20:.0f} ({median(runs, 'base') / 2**20:.0f})"
    cells = [case, way, f"**{speed:.2f}** ({min(values):.2f} to {max(values):.2f})", f"**{speed / plain:.2f}**"]
    cells += [f"{100 * median(runs, 'data_wait'):.1f} %", memory, f"{median(runs, 'loss'):.5f}"]
    return f"| {' | '.join(cells)} |"


def print_quality(root: str, cases: Sequence[str], n_steps: int, n_seeds: int) -> None:
    """SDR of held-out songs after training in both ways."""
    synth_data(f"{root}/songs", songs=20, duration=20.0, rate=8000)
    print(
        f"{n_steps} steps with batches of {BATCH} chunks of 1 s, mono at 8 kHz, small networks; ours in {ARITHMETIC}."
    )
    print(f"Mean SDR over the stems of 3 songs that were held out, after the last step; seeds 0 to {n_seeds - 1}.\n")
    print("| network | plain, dB | ours, dB | ours minus plain, mean | of each seed |")
    print("|---|---|---|---|---|", flush=True)
    for case in cases:
        scores: dict[str, list[float]] = {"plain": [], "ours": []}
        for seed in range(n_seeds):
            for way, found in scores.items():
                found.append(run_one(Run(case, way, root, n_steps, seed, is_quality=True))["sdr_db"])
                print(f"{case} seed {seed} {way}: {found[-1]:.3f} dB", file=sys.stderr, flush=True)
        differences = [ours - plain for plain, ours in zip(scores["plain"], scores["ours"], strict=True)]
        cells = [case, *(f"{statistics.mean(found):.3f}" for found in scores.values())]
        cells += [f"**{statistics.mean(differences):+.3f}**", ", ".join(f"{value:+.3f}" for value in differences)]
        print(f"| {' | '.join(cells)} |", flush=True)


def median(runs: Sequence[dict[str, Any]], key: str) -> float:
    """Of one number of several runs."""
    return statistics.median(run[key] for run in runs)


def run_one(run: Run) -> dict[str, Any]:
    """`train_one` in a process of its own; its error ends us."""
    command = [sys.executable, __file__, "--one", json.dumps(vars(run))]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONWARNINGS": "ignore"})
    if done.returncode:
        sys.exit(f"{run}\n{done.stderr.strip()[-2000:]}")
    numbers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return numbers


if __name__ == "__main__":
    main()
