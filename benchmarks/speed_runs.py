"""Run the processes of `benchmarks/speed.py`, in turns, and gather what they print."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PEER_PYTHON = HERE.parent / ".venv-peers" / "bin" / "python"
N_THREADS = 2
Numbers = dict[str, Any]


@dataclass(frozen=True)
class Runs:
    """Where the material lies, and how often each way is run."""

    folder: Path
    repeat: int

    def alternate(self, ways: Mapping[str, Sequence[str]], told: str) -> dict[str, list[Numbers]]:
        """Every way once a round, every other round from the last to the first."""
        found: dict[str, list[Numbers]] = {way: [] for way in ways}
        for number in range(self.repeat):
            for way in ways if number % 2 == 0 else reversed(list(ways)):
                numbers = run(ways[way])
                found[way].append(numbers)
                tell(f"{told} {number + 1}/{self.repeat} {way}: {numbers['seconds']:.2f} s")
        return found

    def ours(self, case: str, **task: object) -> list[str]:
        """Command that measures one of our ways."""
        about = {"case": case, "folder": str(self.folder), "n_threads": N_THREADS, **task}
        return [sys.executable, str(HERE / "speed_ours.py"), json.dumps(about)]

    def theirs(self, case: str, **task: object) -> list[str]:
        """Command that measures the other package's."""
        about = {"case": case, "folder": str(self.folder), "n_threads": N_THREADS, **task}
        return [str(PEER_PYTHON), str(HERE / "peers" / "speed.py"), json.dumps(about)]


def run(command: Sequence[str], **variables: str) -> Numbers:
    """The last line that a command prints, as JSON, with `wall`: its own seconds. Its error ends us."""
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, env=list_environment() | variables)
    wall = time.monotonic() - started
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr.strip()[-2000:]}")
    lines = done.stdout.splitlines()
    numbers: Numbers = json.loads(lines[-1]) if lines else {}
    return {"started": started, "wall": wall, **numbers}


def list_environment() -> dict[str, str]:
    """Ours without what tunes an allocator or a library of threads."""
    tuning = ("LD_PRELOAD", "GLIBC_TUNABLES", "MALLOC_", "OMP_", "KMP_", "GOMP_", "MKL_", "ONEDNN_", "DNNL_", "TORCH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(tuning)}
    return kept | {"OMP_NUM_THREADS": str(N_THREADS), "PYTHONWARNINGS": "ignore"}


def tell(text: str) -> None:
    """How far it is, beside the tables."""
    print(text, file=sys.stderr, flush=True)
