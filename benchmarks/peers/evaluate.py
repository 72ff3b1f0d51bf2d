"""BSS Eval of one song by museval; run by benchmarks/evaluate.py in the peers' environment.

    .venv-peers/bin/python benchmarks/peers/evaluate.py SIGNALS.npz v4 --out SCORES.npy

Prints JSON: seconds, and the resident size before and at its highest.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np

# museval imports musdb, which wants an ffprobe; its metrics need neither.
sys.modules["musdb"] = mock.MagicMock()
from museval.metrics import bss_eval  # noqa: E402


def main() -> None:
    """Read the signals, score them, write the scores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("signals", type=Path)
    parser.add_argument("version", choices=["v4", "v3"])
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    saved = np.load(arguments.signals)
    # Its axes are (stem, time, channel).
    targets, estimates = (np.ascontiguousarray(saved[name].transpose(0, 2, 1)) for name in ("targets", "estimates"))
    rate = int(saved["sample_rate"])
    options = {"window": rate, "hop": rate, "framewise_filters": arguments.version == "v3"}
    bss_eval(targets[:, :rate], estimates[:, :rate], **options, bsseval_sources_version=False)
    base = memory_bytes("VmRSS")
    started = time.perf_counter()
    scores = bss_eval(targets, estimates, **options, bsseval_sources_version=False)
    seconds = time.perf_counter() - started
    np.save(arguments.out, np.stack(scores[:4]))
    print(json.dumps({"seconds": seconds, "base": base, "peak": memory_bytes("VmHWM")}))


def memory_bytes(name: str) -> int:
    """Resident size now (VmRSS) or at its highest (VmHWM)."""
    return int(Path("/proc/self/status").read_text().split(f"{name}:")[1].split()[0]) * 1024


if __name__ == "__main__":
    main()
