"""One run of ours for `benchmarks/speed.py`, in this process; prints its numbers as JSON.

    python benchmarks/speed_ours.py '{"case": "htdemucs", "way": "exact", "folder": "...", "n_threads": 2}'

Imports stand in the functions: the case `cold` counts them.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

SAMPLE_RATE = 44100
WARM_UP_S = 3.0


def main() -> None:
    """Do the task that the argument describes."""
    task = json.loads(sys.argv[1])
    measure = {"roformer": measure_stack, "cold": measure_cold, "memory": measure_memory}
    print(json.dumps(measure.get(task["case"], measure_song)(task)))


def measure_song(task: dict[str, Any]) -> dict[str, Any]:
    """Seconds from the mixture to all stems, both in memory."""
    import numpy as np

    separate, stems = open_separator(task)
    song = np.load(Path(task["folder"], "song.npy"))
    return time_one(lambda: separate(song), task, lambda: separate(song[:, : round(WARM_UP_S * SAMPLE_RATE)])) | {
        "stems": stems
    }


def open_separator(task: dict[str, Any]) -> tuple[Callable[[Any], Any], tuple[str, ...]]:
    """A function from a mixture (channel, time) to stems (stem, channel, time), and their names."""
    import numpy as np
    import torch

    from auralflow.audio.types import Audio
    from auralflow.pretrained.bundle import load_bundle
    from auralflow.separation.engine import Separator

    tune(task["tuning"])
    torch.set_num_threads(task["n_threads"])
    model: Any = load_bundle(Path(task["folder"], task["case"]))
    stems: tuple[str, ...] = model.spec.stems
    if task["way"] == "plain":
        return lambda mixture: separate_plainly(model, mixture), stems
    options: dict[str, dict[str, Any]] = {
        "fast": {"precision": "fast"},
        "compiled": {"compile": True},
        "alone": {"batch": 1},
    }
    separator = Separator(model, device="cpu", **options.get(task["way"], {}))

    def separate(mixture: Any) -> Any:
        audio = Audio(np.ascontiguousarray(mixture), SAMPLE_RATE)
        return np.stack([estimate.samples for estimate in separator.separate(audio).values()])

    return separate, stems


def separate_plainly(model: Any, mixture: Any) -> Any:
    """The loop that anyone would write first, over the segments that ours takes."""
    import numpy as np
    import torch

    from auralflow.dsp.overlap_add import OverlapAdd, trapezoid
    from auralflow.separation.segments import Segmentation, cut_segments

    cut = Segmentation.of(model.spec)
    adder, ready, end = OverlapAdd(), [], 0
    with torch.no_grad():
        for segment in cut_segments([mixture[None]], cut):
            estimates = model(torch.from_numpy(segment.samples))[0]
            ready.append(adder.take(segment.start))
            edges = {"is_first": segment.is_first, "is_last": segment.is_last}
            window = trapezoid(estimates.shape[-1], cut.context_samples, cut.ramp_samples, **edges)
            adder.add(estimates, window, segment.start)
            end = segment.end
        ready.append(adder.take(end))
    return np.concatenate([piece.numpy() for piece in ready if piece.shape[-1]], axis=-1)


def measure_stack(task: dict[str, Any]) -> dict[str, Any]:
    """Seconds of one pass through the transformers of a RoFormer."""
    from contextlib import nullcontext

    import numpy as np
    import torch
    from speed_material import build_stack

    from auralflow.speed.compile import compile_model
    from auralflow.speed.precision import half_precision
    from auralflow.speed.prepare import prepare

    way = task["way"]
    tune(task["tuning"])
    torch.set_num_threads(task["n_threads"])
    with np.load(Path(task["folder"], "roformer", "stack.npz")) as arrays:
        features = torch.from_numpy(arrays["features"])
        state = {k.removeprefix("state."): torch.from_numpy(arrays[k]) for k in arrays.files if k.startswith("state.")}
    model: Any = build_stack().eval()
    model.load_state_dict(state)
    model = model if way == "plain" else prepare(model)
    model = compile_model(model) if way == "compiled" else model

    def compute(inputs: Any) -> Any:
        half = half_precision(torch.device("cpu")) if way == "fast" else nullcontext()
        with torch.no_grad() if way == "plain" else torch.inference_mode(), half:
            return model(inputs).float().numpy()

    warm_up = features if way == "compiled" else features[:, :50]
    return time_one(lambda: compute(features), task, lambda: compute(warm_up)) | {"stems": ("features",)}


def time_one(compute: Callable[[], Any], task: dict[str, Any], warm_up: Callable[[], Any]) -> dict[str, Any]:
    """Seconds of a computation after a short one, memory before it and at its highest; what it gives goes to a file."""
    import numpy as np

    warm_up()
    forget_peak()
    base, started = memory_bytes("VmRSS"), time.perf_counter()
    found = compute()
    numbers = {"seconds": time.perf_counter() - started, "base": base, "peak": memory_bytes("VmHWM")}
    if "out" in task:
        np.save(task["out"], found)
    return numbers


def measure_cold(task: dict[str, Any]) -> dict[str, Any]:
    """The moment of the first output sample, on the clock that all processes share."""
    tune()
    import auralflow
    from auralflow.separation.progress import Stopwatch

    model = auralflow.load_model(task["model"])
    separator = auralflow.Separator(model)
    loaded, watch = time.monotonic(), Stopwatch()
    statistics = separator.measure(read_blocks(task, task["seconds"]), SAMPLE_RATE, 2)
    blocks = read_blocks(task, task["seconds"])
    next(iter(separator.stream(blocks, SAMPLE_RATE, 2, statistics=statistics, stopwatch=watch)))
    return {"first": time.monotonic(), "loaded": loaded, "model": watch.seconds.get("model", 0.0), "seconds": 0.0}


def measure_memory(task: dict[str, Any]) -> dict[str, Any]:
    """Highest resident size of a stream whose stems go nowhere."""
    tune()
    import torch

    import auralflow

    torch.set_num_threads(task["n_threads"])
    separator = auralflow.Separator(auralflow.load_model(task["model"]))
    statistics = separator.measure(read_blocks(task, task["seconds"]), SAMPLE_RATE, 2)
    base, started = memory_bytes("VmRSS"), time.perf_counter()
    for _ in separator.stream(read_blocks(task, task["seconds"]), SAMPLE_RATE, 2, statistics=statistics):
        pass
    return {"seconds": time.perf_counter() - started, "base": base, "peak": memory_bytes("VmHWM")}


def read_blocks(task: dict[str, Any], seconds: float) -> Iterator[Any]:
    """The song from its file, a second at a time, over and over up to a length."""
    import numpy as np

    song = np.load(Path(task["folder"], "song.npy"), mmap_mode="r")
    left, start = round(seconds * SAMPLE_RATE), 0
    while left > 0:
        block = np.array(song[:, start : start + min(left, SAMPLE_RATE)])
        start = (start + block.shape[1]) % song.shape[1]
        left -= block.shape[1]
        yield block


def tune(what: str = "all") -> None:
    """All that our command line does to its process, one thing of it, or nothing."""
    if what == "all":
        from auralflow.speed.process import tune_process

        tune_process()
    elif what == "allocator":
        from auralflow.speed.process import keep_freed_memory

        keep_freed_memory()


def memory_bytes(name: str) -> int:
    """Resident size now (VmRSS) or at its highest (VmHWM), of this process alone."""
    return int(Path("/proc/self/status").read_text().split(f"{name}:")[1].split()[0]) * 1024


def forget_peak() -> None:
    """Start the highest resident size anew, where the system lets us: what loading took is no part of it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    main()
