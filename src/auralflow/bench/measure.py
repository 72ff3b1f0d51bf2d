"""The process that runs a model once: `python -m auralflow.bench.measure`.

It reads one order as JSON from its standard input, and answers with one line of JSON on what was its standard output;
whatever a library prints goes to the standard error. A process does nothing else before or after, so that its peak of
memory is that of the order.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
import psutil
import torch

from auralflow.audio.types import Samples
from auralflow.bench.plain import PlainSeparator
from auralflow.bench.signal import CHANNELS, make_blocks
from auralflow.config import from_dict, to_dict
from auralflow.errors import AuralflowError, ConfigError
from auralflow.separation.config import SeparationConfig
from auralflow.separation.engine import Separator
from auralflow.separation.networks import load_network, open_network
from auralflow.speed.process import tune_process


@dataclass(frozen=True)
class Order:
    """What to run."""

    config: SeparationConfig
    """Model and settings."""
    is_plain: bool
    """Leave process and model as torch has them."""
    n_threads: int
    """Threads of torch."""
    n_samples: int
    """Length of the sound, at the model's rate."""
    output: str | None = None
    """File for the samples of the stems, (time, stem, channel) in 32-bit floats."""


@dataclass(frozen=True)
class Measurement:
    """What came of it."""

    seconds: float
    """In the engine, for all of the sound."""
    peak_bytes: int
    """Largest resident memory of the process."""
    device_peak_bytes: int | None
    """Largest memory of the accelerator; None on a CPU."""
    batch: int
    """Segments that were computed at once."""
    notes: tuple[str, ...] = ()
    """What the engine had to say."""


def measure(order: Order) -> Measurement:
    """Run an order in this process, and change it for good."""
    torch.set_num_threads(order.n_threads)
    if not order.is_plain:
        tune_process()
    separator = _open(order)
    notes: list[str] = []
    _time(separator, _n_warm_samples(separator, order.n_samples), None, [])
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(Path(order.output).open("wb")) if order.output else None
        seconds = _time(separator, order.n_samples, file, notes)
    device = separator.device
    return Measurement(seconds, _peak_bytes(), _device_peak_bytes(device), separator.batch, tuple(notes))


def _n_warm_samples(separator: Separator, n_samples: int) -> int:
    """Length of a sound with every size of batch: the first alone, a full one, one as small as the last of all."""
    cut, batch = separator.segmentation, separator.batch
    n_segments = 1 + (n_samples - cut.segment_samples) // cut.hop_samples
    return cut.segment_samples + (batch + (n_segments - 1) % batch) * cut.hop_samples


def _open(order: Order) -> Separator:
    """A separator as ordered, on its device.

    Raises:
        ConfigError: half precision is asked for, and would not be used.
    """
    torch.manual_seed(0)  # a model that nobody has trained has random weights: the same ones in every process
    config, network = order.config, load_network(order.config)
    if order.is_plain:
        return PlainSeparator(network, device=config.device, batch=config.batch)
    separator = open_network(config, network)
    if separator.half_refusal is not None:
        raise ConfigError(separator.half_refusal)
    return separator


def _time(separator: Separator, n_samples: int, file: IO[bytes] | None, notes: list[str]) -> float:
    """Seconds in the engine; making the sound and writing the stems do not count."""
    rate = separator.spec.sample_rate
    making = _Clock()
    started = time.perf_counter()
    statistics = separator.measure(making.watch(make_blocks(n_samples, rate)), rate, CHANNELS)
    blocks = making.watch(make_blocks(n_samples, rate))
    for stems in separator.stream(blocks, rate, CHANNELS, statistics=statistics, warn=notes.append):
        if file is not None:
            with making:
                file.write(np.ascontiguousarray(np.stack(stems).transpose(2, 0, 1)).tobytes())
    return time.perf_counter() - started - making.seconds


class _Clock:
    """Adds up the time that is not the engine's."""

    def __init__(self) -> None:
        self.seconds, self._began = 0.0, 0.0

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._began

    def watch(self, blocks: Iterator[Samples]) -> Iterator[Samples]:
        while True:
            with self:
                block = list(islice(blocks, 1))
            if not block:
                return
            yield block[0]


def _peak_bytes() -> int:
    """Of this process since it began.

    On Linux `ru_maxrss` would be that of the process which started this one, where that is larger.
    """
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _device_peak_bytes(device: torch.device) -> int | None:
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    if device.type == "xpu":
        return int(torch.xpu.max_memory_reserved(device))
    # Metal has no peak; what its driver holds does not shrink by itself.
    return torch.mps.driver_allocated_memory() if device.type == "mps" else None


def main() -> None:
    """One order, one answer."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    order = from_dict(Order, json.loads(sys.stdin.readline()))
    try:
        answer: dict[str, Any] = {"measurement": to_dict(measure(order))}
    except AuralflowError as error:
        answer = {"error": str(error)}
    except Exception as error:  # whatever a compiler or an exporter throws costs only this setting
        answer = {"error": f"{type(error).__name__}: {' '.join(str(error).split())}"}
    channel.write(json.dumps(answer) + "\n")
    channel.close()


if __name__ == "__main__":
    main()
