"""How fast models separate on a GPU, in which batches, with how much of its memory, and how far from the CPU's stems.

python benchmarks/gpu.py
python benchmarks/gpu.py --model default htdemucs --batch 4 16 --seconds 180

A rendered song goes from memory to stems in memory, after one run that warms up; seconds are the median of three. The
default model has its own weights, architectures have random ones in their own sizes. The last column is the SDR of the
stems against those of the CPU in single precision, over the first seconds of the song: `exact` leaves to PyTorch what
it computes in TF32 on NVIDIA's GPUs.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import time

import numpy as np
import torch
from torch import nn

from auralflow import Audio, Separator, load_model
from auralflow.audio.types import Samples
from auralflow.data.synth import SongConfig, mix_stems, render_song
from auralflow.models import models
from auralflow.registry import config_class

MODELS = ("default", "open_unmix", "scnet", "htdemucs", "mel_band_roformer")
_COMPARED_S = 12.0
_N_RUNS = 3


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description="measure models on a GPU")
    parser.add_argument("--model", nargs="+", default=MODELS, help="`default`, or architectures")
    parser.add_argument("--batch", nargs="+", type=int, default=[4, 16], help="segments computed at once")
    parser.add_argument("--seconds", type=float, default=180.0, help="length of the song")
    parser.add_argument("--device", default="cuda")
    arguments = parser.parse_args()
    song = mix_stems(render_song(SongConfig(seed=11, duration_s=60.0)))
    song = np.tile(song, -(-round(arguments.seconds * 44100) // song.shape[1]))[:, : round(arguments.seconds * 44100)]
    name = torch.cuda.get_device_name(arguments.device) if arguments.device.startswith("cuda") else arguments.device
    print(f"{name}, torch {torch.__version__}, {platform.machine()}, {arguments.seconds:.0f} s of stereo\n")
    print("| model | precision | batch | s | times real time | memory of the GPU, GiB | SDR to the CPU, dB |")
    print("|---|---|---|---|---|---|---|")
    for name in arguments.model:
        model = make_model(name)
        wanted = separate(Separator(model, device="cpu"), song[:, : round(_COMPARED_S * 44100)])
        for precision in ("exact", "fast"):
            for batch in arguments.batch:
                separator = Separator(model, device=arguments.device, precision=precision, batch=batch)
                print(f"| `{name}` | {precision} | {batch} | {measure(separator, song, wanted)} |", flush=True)


def make_model(name: str) -> nn.Module:
    """The default model, or an architecture with random weights."""
    if name == "default":
        return load_model(name)
    torch.manual_seed(0)
    part = models.load(name)
    model: nn.Module = part(sys.modules[part.__module__].SPEC, config_class(part)())
    return model.eval()


def measure(separator: Separator, song: Samples, wanted: Samples) -> str:
    """Cells of a row."""
    found = separate(separator, song[:, : wanted.shape[-1]])
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    seconds = []
    for _ in range(_N_RUNS):
        started = time.perf_counter()
        separate(separator, song)
        seconds.append(time.perf_counter() - started)
    memory = f"{torch.cuda.max_memory_allocated() / 2**30:.2f}" if torch.cuda.is_available() else "-"
    taken = statistics.median(seconds)
    with np.errstate(divide="ignore"):  # the CPU against itself
        sdr_db = 10 * np.log10(np.square(wanted).sum() / np.square(found - wanted).sum())
    return f"{taken:.2f} | {song.shape[1] / 44100 / taken:.0f} | {memory} | {sdr_db:.0f}"


def separate(separator: Separator, mixture: Samples) -> Samples:
    """Stems (stem, channel, time)."""
    stems = separator.separate(Audio(np.ascontiguousarray(mixture), 44100))
    return np.stack([stem.samples for stem in stems.values()])


if __name__ == "__main__":
    main()
