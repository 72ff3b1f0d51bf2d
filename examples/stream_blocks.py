"""Blocks in, blocks out: separate audio that is never in memory as a whole.

python examples/stream_blocks.py
python examples/stream_blocks.py --model path/to/my_model.py --seconds 60
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from auralflow import Separator, load_model
from auralflow.audio.types import Samples

SAMPLE_RATE, CHANNELS, BLOCK_SAMPLES = 48_000, 2, 4_800


def main() -> None:
    """Separate a stream of noise bursts over a hum, and keep only a level per second."""
    parser = argparse.ArgumentParser(description="separate a stream of blocks")
    parser.add_argument("--model", default="default", help="name of a model, or a .py file")
    parser.add_argument("--seconds", type=int, default=12, help="length of the stream")
    arguments = parser.parse_args()

    # Short segments give results sooner; long ones let the model hear more.
    separator = Separator(load_model(arguments.model), segment_s=4.0)
    print(f"stems: {', '.join(separator.spec.stems)}")

    n_samples, power = 0, np.zeros(len(separator.spec.stems))
    for outputs in separator.stream(play(arguments.seconds), SAMPLE_RATE, CHANNELS):
        n_samples += outputs[0].shape[1]
        power += [np.sum(block.astype(np.float64) ** 2) for block in outputs]
        print(f"{n_samples / SAMPLE_RATE:6.2f} s are through")

    levels = 10 * np.log10(power / max(n_samples * CHANNELS, 1) + 1e-20)
    for name, level in zip(separator.spec.stems, levels, strict=True):
        print(f"{name:<10} {level:7.1f} dB")
    print(f"{n_samples} samples in and out")


def play(seconds: int) -> Iterator[Samples]:
    """Blocks of a tenth of a second: a hum, and a burst of noise every half second."""
    random = np.random.default_rng(0)
    for index in range(seconds * SAMPLE_RATE // BLOCK_SAMPLES):
        time_s = (index * BLOCK_SAMPLES + np.arange(BLOCK_SAMPLES)) / SAMPLE_RATE
        hum = 0.2 * np.sin(2 * np.pi * 110 * time_s)
        decay = np.exp(-40 * (time_s % 0.5))
        yield (hum + 0.3 * decay * random.standard_normal((CHANNELS, BLOCK_SAMPLES))).astype(np.float32)


if __name__ == "__main__":
    main()
