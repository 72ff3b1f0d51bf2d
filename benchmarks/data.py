"""How fast training data comes: 6 s chunks of four stereo stems a second on one core, beside other packages' data sets.

    sh benchmarks/peers/make_env.sh               once, for the other packages; without it ours alone is measured
    python benchmarks/data.py                     the tables of chunks a second, and how long a small training waits
    python benchmarks/data.py --only chunks       or `wait`: one of the two

Every case runs in a process of its own, `--repeat` times with the cases interleaved; medians are printed. All read the
same rendered songs, 16 bit at 44.1 kHz in MUSDB18-HQ's layout, from memory (the system's file cache).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from peers.pace import chunks_per_s, stay_on_one_core

from auralflow.api import configure, train
from auralflow.audio.formats import OutputFormat
from auralflow.audio.read import read_audio
from auralflow.audio.types import Audio, Samples
from auralflow.audio.write import write_audio
from auralflow.data.config import DataConfig, SourceConfig
from auralflow.data.draw import Chunk, ChunkDrawer, ChunkKey
from auralflow.data.prepare import build_cache, make_drawer, prepare_data
from auralflow.data.synth import STEMS, SongConfig, mix_stems, render_song
from auralflow.spec import ModelSpec

PEERS = Path(__file__).parent / "peers"
PEER_PYTHON = PEERS.parent.parent / ".venv-peers" / "bin" / "python"
SAMPLE_RATE = 44100
CHUNK_S = 6
SPEC = ModelSpec(STEMS, SAMPLE_RATE, 2, segment_samples=CHUNK_S * SAMPLE_RATE, context_samples=0)
FORMATS = {
    "wav": OutputFormat("wav", "int16"),
    "flac": OutputFormat("flac", "int16"),
    "m4a": OutputFormat("m4a"),
}
PEER_NAMES = {
    "fixed_sources": "Open-Unmix 1.3.0 FixedSources, shimmed to run",
    "musdb": "Open-Unmix 1.3.0 MUSDB (ffmpeg), shimmed to run",
    "wavset": "Demucs 4.1.0 Wavset, shimmed to run",
}
SMALL_MODEL = ("waveform_unet", ["config.width=8", "config.depth=4", "config.n_hidden=32"])
N_WAIT_EPOCHS = 3


@dataclass(frozen=True)
class Case:
    """A data set on files of one format."""

    data_set: str
    """`ours`, or one of the peers."""
    files: str
    """wav, flac, m4a, or cache: of the wav files."""
    is_augmented: bool = False

    @property
    def name(self) -> str:
        """As the table has it."""
        return "auralflow" if self.data_set == "ours" else PEER_NAMES[self.data_set]


OURS = [Case("ours", files, augmented) for augmented in (False, True) for files in ("wav", "cache", "flac", "m4a")]
THEIRS = [
    Case("fixed_sources", "wav"),
    Case("fixed_sources", "flac"),
    Case("wavset", "wav"),
    Case("wavset", "flac"),
    Case("musdb", "wav"),
    Case("fixed_sources", "wav", True),
    Case("fixed_sources", "flac", True),
]


def main() -> None:
    """Read the arguments, run the cases, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=12)
    parser.add_argument("--duration", type=float, default=60.0, help="seconds of each song")
    parser.add_argument("--seconds", type=float, default=1.5, help="how long each run is timed")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", choices=("chunks", "wait"))
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--one-wait", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure_ours(*arguments.one, seconds=arguments.seconds)
        return
    if arguments.one_wait:
        measure_wait(*arguments.one_wait)
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_songs(root, arguments.songs, arguments.duration)
        if arguments.only != "wait":
            print_chunks(root, arguments.seconds, arguments.repeat)
        if arguments.only != "chunks":
            print_wait(root)


# One case in this process


def measure_ours(root: str, files: str, augmented: str, *, seconds: float) -> None:
    """Chunks per second of our own data path; the number as JSON."""
    stay_on_one_core()
    drawer = make_our_drawer(Path(root), files, is_augmented=augmented == "True")
    print(json.dumps({"chunks_per_s": chunks_per_s(lambda number: drawer.draw(ChunkKey(0, number)), seconds)}))


def make_our_drawer(root: Path, files: str, *, is_augmented: bool) -> ChunkDrawer:
    """As a training run makes it. Silent chunks are kept, for the others do not look at them either."""
    sources = (SourceConfig(str(root / ("wav" if files == "cache" else files))),)
    config = DataConfig(sources, chunk_s=CHUNK_S, keep_silent=1.0)
    if not is_augmented:
        config = DataConfig(sources, chunk_s=CHUNK_S, keep_silent=1.0, remix=0.0, augment=())
    data = prepare_data(config, SPEC)
    cache = build_cache(data, root / "cache", SPEC) if files == "cache" else None
    return make_drawer(data, config, SPEC, seed=0, cache=cache)


def measure_wait(root: str, files: str) -> None:
    """Train a small model; the share of each epoch that it waited for data, and its speed, as JSON."""
    # Here, for the other cases need not wait for Lightning.
    from auralflow.speed.process import tune_process
    from auralflow.training.epochs import EpochEnd
    from auralflow.training.run import TrainEvents

    tune_process()
    ends: list[EpochEnd] = []
    model, overrides = SMALL_MODEL
    cached = ["data.cache=pcm", f"data.cache_folder={root}/cache"] if files == "cache" else []
    run = f"{root}/run {files}"
    more = [
        "data.n_samples=96",
        "data.n_workers=2",
        f"trainer.max_epochs={N_WAIT_EPOCHS}",
        f"valid.every_epochs={N_WAIT_EPOCHS}",
        f"valid.max_s={CHUNK_S}",
        "log.tensorboard=false",
    ]
    configure(run, model=model, overrides=[*overrides, *more, *cached])
    train(run, f"{root}/wav", device="cpu", report=TrainEvents(epoch=ends.append))
    print(json.dumps([{"data_wait": end.data_wait, "samples_per_s": end.samples_per_s} for end in ends]))


# The tables


def print_chunks(root: Path, seconds: float, repeat: int) -> None:
    """Chunks per second, plain and augmented."""
    cases = OURS + (THEIRS if PEER_PYTHON.exists() else [])
    if not PEER_PYTHON.exists():
        print(f"The other packages are missing, ours alone is measured: sh {PEERS / 'make_env.sh'}\n")
    make_our_drawer(root, "cache", is_augmented=False)  # builds the cache
    runs: dict[Case, list[float]] = {case: [] for case in cases}
    for number in range(repeat):
        for case in cases:
            runs[case].append(run_case(root, case, seconds))
            print(f"{number + 1}/{repeat} {case.files} {case.name}: {runs[case][-1]:.1f}", file=sys.stderr, flush=True)
    deviations = {files: measure_deviation(root, files) for files in ("wav", "cache", "flac", "m4a")}
    print(f"{CHUNK_S} s chunks of four stereo stems a second, one process on one core; median of {repeat}, in brackets")
    print("least and greatest. The ratio is to the fastest other package on files of that format; for the cache, wav.")
    for is_augmented, title in ((False, "One song, one place"), (True, "Stems of several songs, gain, channel swap")):
        print(f"\n{title}:\n\n| files | data set | chunks/s | ratio | deviation |\n|---|---|---|---|---|")
        shown = {case: values for case, values in runs.items() if case.is_augmented == is_augmented}
        for case, values in shown.items():
            text = f"{deviations[case.files]:.1e}" if case.data_set == "ours" and not is_augmented else "-"
            print(f"| {case.files} | {case.name} | {spread(values)} | {ratio(case, shown)} | {text} |")
    print(
        "\nOurs gives the mixture and all four stems; Open-Unmix the mixture and one, Demucs the stems alone. Ours also"
    )
    print("inverts the polarity of some stems in the second table. Deviation: largest difference of a chunk, stems and")
    print("mixture, from the same place of the files, read by libsndfile (m4a: decoded from the start).")


def spread(values: Sequence[float]) -> str:
    """Median, least and greatest."""
    digits = 0 if min(values) > 20 else 1
    return f"**{statistics.median(values):.{digits}f}** ({min(values):.{digits}f} to {max(values):.{digits}f})"


def ratio(case: Case, runs: dict[Case, list[float]]) -> str:
    """Of our speed to that of the fastest peer on these files."""
    files = "wav" if case.files == "cache" else case.files
    peers = [statistics.median(v) for other, v in runs.items() if other.data_set != "ours" and other.files == files]
    if case.data_set != "ours" or not peers:
        return "-"
    return f"**{statistics.median(runs[case]) / max(peers):.2f}**"


def print_wait(root: Path) -> None:
    """How long a small model's training waits for its data."""
    print(f"\nTraining of a small model ({SMALL_MODEL[0]}, {', '.join(SMALL_MODEL[1])}): batches of 4 chunks of")
    print(f"{CHUNK_S} s, 2 workers. The first epoch has the start of the workers in it.\n")
    print("| files | samples/s | data wait, first epoch | data wait, later epochs |")
    print("|---|---|---|---|")
    for files in ("wav", "cache"):
        first, *later = run_python([sys.executable, __file__, "--one-wait", str(root), files])
        speed, wait = (statistics.median(end[key] for end in later) for key in ("samples_per_s", "data_wait"))
        print(f"| {files} | {speed:.2f} | {100 * first['data_wait']:.1f} % | {100 * wait:.1f} % |", flush=True)


def run_case(root: Path, case: Case, seconds: float) -> float:
    """Chunks per second, measured in a process of its own."""
    if case.data_set == "ours":
        command = [sys.executable, __file__, "--one", str(root), case.files, str(case.is_augmented)]
    else:
        songs = root / case.files
        command = [str(PEER_PYTHON), str(PEERS / "data_sets.py"), case.data_set, str(songs), case.files]
        command += ["--augment"] if case.is_augmented else []
    return float(run_python([*command, "--seconds", str(seconds)])["chunks_per_s"])


def run_python(command: list[str]) -> Any:
    """What a process printed last, which is JSON; its error ends us."""
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONWARNINGS": "ignore"})
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


# Deviation


def measure_deviation(root: Path, files: str, n_chunks: int = 3) -> float:
    """Largest difference of some chunks from the nearest place in the songs."""
    drawer = make_our_drawer(root, files, is_augmented=False)
    kind = "wav" if files == "cache" else files
    chunks = [drawer.draw(ChunkKey(0, number)) for number in range(n_chunks)]
    nearest = np.full(n_chunks, np.inf)
    for folder in sorted((root / kind / "train").iterdir()):
        song = np.concatenate([read_whole(folder / f"{stem}.{kind}") for stem in STEMS])
        nearest = np.minimum(nearest, [compare(chunk, song) for chunk in chunks])
    return float(nearest.max())


def read_whole(path: Path) -> Samples:
    """A file from start to end, not by our own chunks."""
    if path.suffix == ".m4a":
        return read_audio(path).samples
    samples: Samples = soundfile.read(path, dtype="float32", always_2d=True)[0].T
    return samples


def compare(chunk: Chunk, song: Samples) -> float:
    """Largest difference of a chunk from the song at its place, which the loudest frame of the chunk tells."""
    stems = chunk.targets.reshape(len(song), -1)
    loudest = int(np.abs(stems).sum(axis=0).argmax())
    distance = sum(np.abs(row - value) for row, value in zip(song, stems[:, loudest], strict=True))
    start = int(np.argmin(distance)) - loudest
    if not 0 <= start <= song.shape[1] - stems.shape[1]:
        return float("inf")
    there = song[:, start : start + stems.shape[1]]
    mixture = there.reshape(chunk.targets.shape).sum(axis=0)
    return max(float(np.abs(stems - there).max()), float(np.abs(chunk.mixture - mixture).max()))


# Songs


def write_songs(root: Path, n_songs: int, duration_s: float) -> None:
    """Songs to train on in every format, and one that validates."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(partial(write_song, root, duration_s=duration_s), range(n_songs + 1)))


def write_song(root: Path, number: int, *, duration_s: float) -> None:
    """The stems and the mixture of a song; number 0 validates."""
    stems = render_song(SongConfig(seed=number, duration_s=duration_s, sample_rate=SAMPLE_RATE))
    for kind, output_format in FORMATS.items():
        folder = root / kind / ("train" if number else "valid") / f"song {number}"
        folder.mkdir(parents=True)
        for name, samples in {**stems, "mixture": mix_stems(stems)}.items():
            write_audio(folder / f"{name}.{kind}", Audio(samples, SAMPLE_RATE), output_format=output_format)


if __name__ == "__main__":
    main()
