"""Files of the package openunmix 1.3.0, and what it makes of them; run by the Python of benchmarks/peers/make_env.sh.

    .venv-peers/bin/python tests/data/make_open_unmix.py                          the committed files
    .venv-peers/bin/python tests/data/make_open_unmix.py weights FOLDER           random weights
    .venv-peers/bin/python tests/data/make_open_unmix.py separate FOLDER MIXTURE.npy ESTIMATES.npy
    .venv-peers/bin/python tests/data/make_open_unmix.py keys FILE                a key and its shape a line

Weights are saved in the package's own format, and loaded by its own loader.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "benchmarks" / "peers" / "stubs"))

from openunmix import model, umxhq_spec, utils  # noqa: E402  needs a torchaudio: the stub will do


def main() -> None:
    """Read the arguments and do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["all", "weights", "separate", "keys"], nargs="?", default="all")
    parser.add_argument("paths", type=Path, nargs="*")
    parser.add_argument("--stems", nargs="+", default=["vocals", "drums", "bass", "other"])
    parser.add_argument("--n-fft", type=int, default=4096)
    parser.add_argument("--hop", type=int, default=1024)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--rate", type=int, default=44100)
    parser.add_argument("--channels", type=int, default=2)
    parser.add_argument("--memory", type=float, default=0.0, help="added to the forget gates: how long they remember")
    parser.add_argument("--niter", type=int, default=1)
    parser.add_argument("--window", type=int, default=300)
    parser.add_argument("--softmask", action="store_true")
    parser.add_argument("--double", action="store_true", help="separate in double precision")
    arguments = parser.parse_args()
    if arguments.task == "weights":
        write_weights(arguments.paths[0], arguments)
    elif arguments.task == "separate":
        separate(*arguments.paths, arguments)
    elif arguments.task == "keys":
        write_keys(arguments.paths[0])
    else:
        write_all(parser)


def write_all(parser: argparse.ArgumentParser) -> None:
    """A small set of three stems, what it makes of 340 frames, and the keys."""
    small = ["--stems", "vocals", "drums", "other", "--n-fft", "64", "--hop", "16", "--hidden", "12", "--rate", "8000"]
    folder = HERE / "open_unmix_1_3_0"
    arguments = parser.parse_args(["weights", str(folder), *small])
    write_weights(folder, arguments)
    np.save(folder / "mixture.npy", draw_mixture(340 * 16 + 7))
    separate(folder, folder / "mixture.npy", folder / "estimates.npy", arguments)
    write_keys(HERE / "keys" / "open_unmix.txt")


def write_weights(folder: Path, arguments: argparse.Namespace) -> None:
    """Random weights of normal size, and the two files of JSON that the package's loader reads."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(1234)
    transform = {"nfft": arguments.n_fft, "nhop": arguments.hop}
    about = {**transform, "sample_rate": arguments.rate, "nb_channels": arguments.channels}
    (folder / "separator.json").write_text(json.dumps(about, indent=4, sort_keys=True))
    for number, stem in enumerate(arguments.stems):
        torch.manual_seed(number)
        n_freqs = arguments.n_fft // 2 + 1
        max_bin = utils.bandwidth_to_max_bin(44100, arguments.n_fft, 16000)
        network = model.OpenUnmix(n_freqs, arguments.channels, arguments.hidden, max_bin=int(max_bin))
        randomise(network, generator, arguments)
        torch.save(network.state_dict(), folder / f"{stem}.pth")
        settings = {**transform, "nb_channels": arguments.channels, "hidden_size": arguments.hidden}
        (folder / f"{stem}.json").write_text(json.dumps({"args": settings}, indent=4, sort_keys=True))


@torch.no_grad()
def randomise(network: torch.nn.Module, generator: torch.Generator, arguments: argparse.Namespace) -> None:
    """Statistics and gains as after training, roughly: masks from 0 to 2 that change from frame to frame."""

    def uniform(tensor: torch.Tensor, low: float, high: float) -> None:
        tensor.copy_(low + (high - low) * torch.rand(tensor.shape, generator=generator))

    # A full-scale sine has magnitude n_fft / 4; music, by far less in a bin.
    loud = arguments.n_fft / 400
    uniform(network.input_mean, -loud, 0)
    uniform(network.input_scale, 0.5 / loud, 1 / loud)
    uniform(network.output_scale, 0.3, 1.2)
    uniform(network.output_mean, 0.0, 0.8)
    for norm in (network.bn1, network.bn2, network.bn3):
        uniform(norm.running_mean, -0.1, 0.1)
        uniform(norm.running_var, 0.5, 1.5)
        uniform(norm.weight, 0.5, 1.5)
        uniform(norm.bias, -0.2, 0.2)
    network.fc3.weight.mul_(3)
    for name, parameter in network.lstm.named_parameters():
        if name.startswith("bias_ih"):
            size = len(parameter) // 4
            parameter[size : 2 * size] += arguments.memory


@torch.no_grad()
def separate(folder: Path, mixture: Path, estimates: Path, arguments: argparse.Namespace) -> None:
    """Estimates (stem, channel, time) of a mixture (channel, time)."""
    dtype = torch.float64 if arguments.double else torch.float32
    separator = utils.load_separator(
        folder, arguments.stems, niter=arguments.niter, wiener_win_len=arguments.window or None, pretrained=True
    )
    separator.softmask = arguments.softmask
    separator.freeze()
    audio = torch.from_numpy(np.load(mixture))[None].to(dtype)
    np.save(estimates, separator.to(dtype)(audio)[0].numpy())


def draw_mixture(n_samples: int) -> np.ndarray:
    """Partials that come and go at two places, noise, and a moment of silence; 16 bits, as float32."""
    random = np.random.default_rng(20190903)
    time = np.arange(n_samples) / 8000
    left, right = (0.1 * random.standard_normal(n_samples) * (np.sin(9 * time) > 0) for _ in range(2))
    for frequency, pan in ((150, 0.9), (440, 0.3), (1270, 0.5), (2900, 0.7)):
        tone = 0.15 * np.sin(2 * np.pi * frequency * time) * np.exp(-6 * (time * frequency / 150 % 1))
        left, right = left + pan * tone, right + (1 - pan) * tone
    sound = np.stack([left, right])
    sound[:, 2000:2300] = 0
    return (np.round(sound * 2**15) / 2**15).astype(np.float32)


def write_keys(path: Path) -> None:
    """Key and shape of each tensor of one network of the published set umxhq."""
    state = umxhq_spec(["vocals"], pretrained=False)["vocals"].state_dict()
    lines = [f"{key} {' '.join(map(str, tensor.shape))}".rstrip() for key, tensor in state.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
