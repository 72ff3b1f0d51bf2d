"""How fast is a causal model, block by block: latency, time for a block, load, memory, deviation from the whole.

python benchmarks/stream.py
python benchmarks/stream.py --model my_model --seconds 60 --memory-minutes 1

One thread. `load` is the processor's time for all blocks over the time that they last, whatever else the machine does;
the other columns are of single blocks, from a block's coming to its going. Memory is that of the process, after the
first tenth of a long stream and at its end. The deviation is the greatest of any sample from `forward` on the whole,
over the greatest sample.
"""

from __future__ import annotations

import argparse
import os
import platform
import time

import numpy as np
import psutil
import torch

from auralflow import Separator, load_model
from auralflow.audio.types import Samples
from auralflow.separation.live import is_causal
from auralflow.speed.process import tune_process


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description="measure a causal model block by block")
    parser.add_argument("--model", default="live", help="name or bundle of a causal model")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of each stream that is timed")
    parser.add_argument("--memory-minutes", type=float, default=10.0, help="length of the stream whose memory is told")
    arguments = parser.parse_args()

    torch.set_num_threads(1)
    tune_process()
    model = load_model(arguments.model)
    if not is_causal(model):
        parser.error(f"{arguments.model} is not causal")
    separator = Separator(model, device="cpu")
    rate = separator.spec.sample_rate
    hop = model.frames.config.hop_samples if hasattr(model, "frames") else 512
    latency_s = separator.latency_s(rate) or 0.0
    print(f"model {arguments.model}, {platform.machine()}, torch {torch.__version__}, one thread")
    print(f"algorithmic latency: {separator.latency_samples} samples, {1000 * latency_s:.1f} ms\n")
    print("| block | ms | median ms | 95 % | 99 % | max | load of one core |")
    print("|---|---|---|---|---|---|---|")
    for name, length in (("one hop", hop), ("10 ms", rate // 100), ("100 ms", rate // 10)):
        print(time_blocks(separator, name, length, arguments.seconds))
    print(f"\ngreatest deviation from the whole: {deviation(separator):.1e} of the greatest sample")
    print(tell_memory(separator, hop, arguments.memory_minutes))


def time_blocks(separator: Separator, name: str, length: int, seconds: float) -> str:
    """A row: times of single blocks of this length."""
    live = separator.open_stream(separator.spec.sample_rate, separator.spec.channels)
    block_s = length / separator.spec.sample_rate
    material = make_noise(separator, 16 * length)
    for index in range(16):
        live.push(material[:, index * length : (index + 1) * length])
    times_s, spent_s = [], -time.process_time()
    for index in range(max(20, round(seconds / block_s))):
        block = material[:, index % 16 * length : (index % 16 + 1) * length]
        begin_s = time.perf_counter()
        live.push(block)
        times_s.append(time.perf_counter() - begin_s)
    spent_s += time.process_time()
    median, p95, p99, greatest = 1000 * np.quantile(times_s, [0.5, 0.95, 0.99, 1.0])
    load = spent_s / (len(times_s) * block_s)
    return f"| {name} | {1000 * block_s:.1f} | {median:.2f} | {p95:.2f} | {p99:.2f} | {greatest:.2f} | {load:.1%} |"


def deviation(separator: Separator) -> float:
    """Of the stream from the model on the whole, in blocks of odd lengths."""
    mixture = make_noise(separator, 5 * separator.spec.sample_rate)
    with torch.inference_mode():
        whole = separator._model(torch.from_numpy(mixture)[None])[0].numpy()
    live, start, parts = separator.open_stream(separator.spec.sample_rate, separator.spec.channels), 0, []
    for length in [1, 2, 3, 499, 1021] * mixture.shape[1]:
        parts.append(np.stack(live.push(mixture[:, start : start + length])))
        if (start := start + length) >= mixture.shape[1]:
            break
    streamed = np.concatenate([*parts, np.stack(live.close())], -1)
    return float(np.abs(streamed - whole).max() / np.abs(whole).max())


def tell_memory(separator: Separator, hop: int, minutes: float) -> str:
    """Memory of the process after a tenth of a long stream, and at its end."""
    live = separator.open_stream(separator.spec.sample_rate, separator.spec.channels)
    material = make_noise(separator, 64 * hop)
    n_blocks = round(minutes * 60 * separator.spec.sample_rate / hop)
    early = 0
    for index in range(n_blocks):
        live.push(material[:, index % 64 * hop : (index % 64 + 1) * hop])
        if index == n_blocks // 10:
            early = resident()
    return (
        f"memory after {minutes / 10:g} and {minutes:g} minutes: {early / 2**20:.1f} and {resident() / 2**20:.1f} MiB"
    )


def make_noise(separator: Separator, n_samples: int) -> Samples:
    """Noise at the level of music."""
    random = np.random.default_rng(0)
    return (0.1 * random.standard_normal((separator.spec.channels, n_samples))).astype(np.float32)


def resident() -> int:
    """Bytes of the process in memory."""
    return int(psutil.Process(os.getpid()).memory_info().rss)


if __name__ == "__main__":
    main()
