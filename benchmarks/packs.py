"""How fast packs are read: 6 s chunks of four stereo stems a second on one core, beside folder, cache, other formats.

    sh benchmarks/peers/make_env.sh               once, for WebDataset's and LitData's own readers
    python benchmarks/packs.py

Every case runs in a process of its own, `--repeat` times in turns; medians are printed. All read the same made songs,
16 bit at 44.1 kHz, from the system's file cache, but for the last row: an S3 service on loopback (moto, in a process of
its own). Ours draws any place of a song, so each chunk lies in two pieces of 6 s; the other readers give whole pieces.
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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from peers.pace import chunks_per_s, stay_on_one_core

from auralflow.api import pack_data
from auralflow.data.config import DataConfig, SourceConfig
from auralflow.data.draw import ChunkDrawer, ChunkKey
from auralflow.data.prepare import build_cache, make_drawer, prepare_data
from data import CHUNK_S, PEER_PYTHON, PEERS, SPEC, spread, write_songs

BUCKET = "s3://music"
OURS = {
    "folder of wav": "wav",
    "cache": "cache",
    "folder of flac": "flac",
    "pack, wav": "pack_wav",
    "pack, flac": "pack_flac",
    "pack, wav, from S3 on loopback": f"{BUCKET}/pack_wav",
    "pack, flac, from S3 on loopback": f"{BUCKET}/pack_flac",
}
PEER_CASES = {
    "webdataset 1.0.2, in its order": "webdataset",
    "litdata 0.2.76, in its order": "litdata",
    "litdata 0.2.76, by index": "litdata_index",
}


def main() -> None:
    """Read the arguments, run the cases, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=12)
    parser.add_argument("--duration", type=float, default=60.0, help="seconds of each song")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each run is timed")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure(arguments.one, arguments.seconds)
        return
    with tempfile.TemporaryDirectory() as folder, serve_s3() as environment:
        root = Path(folder)
        os.environ |= environment
        prepare(root, arguments.songs, arguments.duration)
        print_table(root, arguments.seconds, arguments.repeat)


def prepare(root: Path, n_songs: int, duration_s: float) -> None:
    """Songs in folders, and packed."""
    write_songs(root, n_songs, duration_s)
    for kind in ("wav", "flac"):
        for out in (root / f"pack_{kind}", f"{BUCKET}/pack_{kind}"):
            pack_data(root / "wav", out, format=kind, piece=CHUNK_S, shard=64)  # type: ignore[arg-type]
    make(str(root / "cache"))


def make(root: str) -> ChunkDrawer:
    """As a training run makes it, with stems from several songs and nothing else."""
    source = root.removesuffix("cache") + "wav" if root.endswith("cache") else root
    config = DataConfig((SourceConfig(source),), chunk_s=CHUNK_S, keep_silent=1.0, remix=0.5, augment=())
    data = prepare_data(config, SPEC)
    cache = build_cache(data, Path(root), SPEC) if root.endswith("cache") else None
    return make_drawer(data, config, SPEC, seed=0, cache=cache)


def measure(root: str, seconds: float) -> None:
    """Chunks per second of our own data path, and what the chunks are; as JSON."""
    stay_on_one_core()
    drawer = make(root)
    sums = [float(np.abs(drawer.draw(ChunkKey(0, number)).targets).sum(dtype=np.float64)) for number in range(5)]
    pace = chunks_per_s(lambda number: drawer.draw(ChunkKey(0, number)), seconds)
    print(json.dumps({"chunks_per_s": pace, "sums": sums}))


def print_table(root: Path, seconds: float, n_repeats: int) -> None:
    """A row for each way."""
    peers = PEER_CASES if PEER_PYTHON.exists() else {}
    runs: dict[str, list[Any]] = {name: [] for name in (*OURS, *(f"{n}, {k}" for k in ("wav", "flac") for n in peers))}
    for number in range(n_repeats):
        for name, place in OURS.items():
            at = place if place.startswith("s3:") else str(root / place)
            runs[name].append(run([sys.executable, __file__, "--one", at], seconds))
        for kind in ("wav", "flac"):
            for name, package in peers.items():
                command = [str(PEER_PYTHON), str(PEERS / "shards.py"), package, str(root / f"pack_{kind}")]
                runs[f"{name}, {kind}"].append(run([*command, "--copy", str(root / f"litdata_{kind}")], seconds))
        print(f"{number + 1} of {n_repeats}", file=sys.stderr, flush=True)
    sums = {json.dumps(one["sums"]) for name in OURS for one in runs[name]}
    told = "the same ones from all of ours" if len(sums) == 1 else "NOT the same ones from ours"
    print(
        f"{CHUNK_S} s chunks of four stereo stems a second, one process on one core; median of {n_repeats}, in brackets"
    )
    print(f"least and greatest. Chunks are {told}.\n\n| read | chunks/s | ratio to the cache |\n|---|---|---|")
    cache = statistics.median(one["chunks_per_s"] for one in runs["cache"])
    for name, found in runs.items():
        values = [one["chunks_per_s"] for one in found]
        print(f"| {name} | {spread(values)} | {statistics.median(values) / cache:.2f} |")
    for kind in ("wav", "flac"):
        size = sum(path.stat().st_size for path in (root / f"pack_{kind}").glob("*.tar"))
        print(f"\nThe pack of {kind} has {size / 1e6:.0f} MB.", end="")
    print()


def run(command: list[str], seconds: float) -> Any:
    """What a process printed last, which is JSON; its error ends us."""
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    done = subprocess.run([*command, "--seconds", str(seconds)], capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def serve_s3() -> Iterator[dict[str, str]]:
    """A service with an empty bucket; what others need to find it."""
    with tempfile.TemporaryFile("w+") as told:  # a pipe that nobody reads would be full soon
        process = subprocess.Popen([sys.executable, "-m", "moto.server", "-p", "0"], stderr=told)
        address = ""
        while not address:
            time.sleep(0.2)
            told.seek(0)
            address = next((word for word in told.read().split() if word.startswith("http://127.0.0.1:")), "")
    keys = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
    environment = {**keys, "AWS_ENDPOINT_URL": address}
    try:
        code = f"import s3fs; s3fs.S3FileSystem().mkdir('{BUCKET.removeprefix('s3://')}')"
        subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | environment)
        yield environment
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
