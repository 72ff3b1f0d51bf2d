"""Raw sound in, one stem of it out, while it is heard: 16-bit stereo on the standard input and output.

arecord -t raw -f S16_LE -c 2 -r 44100 | python examples/live.py --stem vocals | aplay -t raw -f S16_LE -c 2 -r 44100
ffmpeg -v error -i song.m4a -f s16le -ac 2 -ar 44100 - | python examples/live.py --mix karaoke=-vocals > karaoke.raw
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import BinaryIO

import numpy as np

from auralflow import Separator, load_model, plan_outputs
from auralflow.audio.types import Samples

CHANNELS, FULL_SCALE = 2, 32768


def main() -> None:
    """Separate what comes in, block by block, until it ends."""
    parser = argparse.ArgumentParser(description="separate a stream while it is heard")
    parser.add_argument("--model", default="live", help="a causal model: its name, or the folder of its bundle")
    parser.add_argument("--stem", default="vocals", help="which stem to give")
    parser.add_argument("--mix", help="instead of a stem, a mix such as karaoke=-vocals")
    parser.add_argument("--rate", type=int, default=44100, help="samples per second")
    parser.add_argument("--block", type=int, default=512, help="samples in a block")
    arguments = parser.parse_args()

    separator = Separator(load_model(arguments.model), device="cpu")
    stems = [] if arguments.mix else [arguments.stem]
    plan = plan_outputs(separator.spec.stems, stems, mix=[arguments.mix] if arguments.mix else [])
    live = separator.open_stream(arguments.rate, CHANNELS, outputs=plan)
    latency_s = separator.latency_s(arguments.rate, arguments.block) or 0.0
    print(f"latency {1000 * latency_s:.1f} ms, and that of the device", file=sys.stderr)

    source, sink = sys.stdin.buffer, sys.stdout.buffer
    n_bytes = arguments.block * CHANNELS * 2
    while len(data := source.read(n_bytes)) >= CHANNELS * 2:
        write(sink, live.push(decode(data))[0])
    write(sink, live.close()[0])


def decode(data: bytes) -> Samples:
    """Bytes to samples (channel, time) from -1 to 1; a frame that is cut off at the end is left out."""
    whole = len(data) // (CHANNELS * 2) * CHANNELS
    return (np.frombuffer(data, "<i2", whole).reshape(-1, CHANNELS).T / FULL_SCALE).astype(np.float32)


def write(sink: BinaryIO, samples: Samples) -> None:
    """Samples to bytes; what is too loud is cut off."""
    rounded = np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
    sink.write(rounded.T.astype("<i2").tobytes())
    sink.flush()


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):  # whoever listens has heard enough
        main()
