"""Make of a finished run the weights that come with the package, matrices in eight bits.

python recipes/small_4stem/bundle.py RUN src/auralflow/pretrained/bundled/spectrogram_net_octave.small_4stem
python recipes/small_4stem/bundle.py RUN BUNDLE --mean-with OTHER_RUN

Prints what that costs: the SDR of the stems of the small weights against those of the run, on a made song.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from auralflow.data.synth import SongConfig, mix_stems, render_song
from auralflow.pretrained.bundle import WEIGHTS, load_bundle, read_description, write_bundle
from auralflow.pretrained.eight_bits import shrink


def main() -> None:
    """Write the bundle, and say how large and how exact it is."""
    parser = argparse.ArgumentParser(description="bundle a run in eight bits")
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("bundle", type=Path, help="folder to write")
    parser.add_argument("--mean-with", type=Path, help="another run of the same network, whose weights count as much")
    arguments = parser.parse_args()
    description = read_description(arguments.run)
    exact = load_bundle(arguments.run)
    if arguments.mean_with:
        other = load_bundle(arguments.mean_with).state_dict()
        exact.load_state_dict({name: (own + other[name]) / 2 for name, own in exact.state_dict().items()})
    write_bundle(arguments.bundle, description, shrink(exact.state_dict()))
    loss_db = measure_loss_db(exact, load_bundle(arguments.bundle))
    size = (arguments.bundle / WEIGHTS).stat().st_size / 2**20
    print(f"{size:.2f} MiB; stems of a made song agree with those of the run to {loss_db:.1f} dB")


@torch.inference_mode()
def measure_loss_db(exact: torch.nn.Module, small: torch.nn.Module) -> float:
    """Power of the stems over that of what differs, in dB."""
    song = torch.from_numpy(mix_stems(render_song(SongConfig(seed=5, duration_s=8.0))))[None]
    wanted, got = exact(song), small(song)
    return float(10 * torch.log10(wanted.square().sum() / (got - wanted).square().sum()))


if __name__ == "__main__":
    main()
