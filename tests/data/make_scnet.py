"""Keys of SCNet's public state dicts, and what its authors' code makes of a small random network.

    .venv/bin/python tests/data/make_scnet.py FOLDER

FOLDER is a checkout of github.com/starrytong/SCNet at 7393986 (MIT licence). Written are keys/scnet.txt, a key and a
shape a line, and scnet_7393986.safetensors: a state dict, a mixture, and estimates of all of it and of its beginning,
which are padded by different rules.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import torch
from safetensors.torch import save_file

HERE = Path(__file__).parent
PUBLIC = {"dims": [4, 32, 64, 128], "band_SR": [0.175, 0.392, 0.433], "band_stride": [1, 4, 16]}
SMALL = {
    "sources": ["drums", "bass", "other"],
    "dims": [4, 8, 6],
    "nfft": 256,
    "hop_size": 64,
    "win_size": 256,
    "band_SR": [0.2, 0.3, 0.5],
    "band_stride": [1, 2, 4],
    "band_kernel": [3, 2, 4],
    "conv_depths": [2, 1, 1],
    "num_dplayer": 2,
    "expand": 2,
}
N_SAMPLES, N_BEGINNING = 21 * 64, 900


@torch.no_grad()
def main() -> None:
    """Write both files."""
    sys.path.insert(0, sys.argv[1])
    from scnet.SCNet import SCNet

    lines = [f"{key} {' '.join(map(str, tensor.shape))}" for key, tensor in SCNet(**PUBLIC).state_dict().items()]
    (HERE / "keys").mkdir(exist_ok=True)
    (HERE / "keys" / "scnet.txt").write_text("\n".join(lines) + "\n")

    torch.manual_seed(20240124)
    model = SCNet(**SMALL).eval()
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1 and name.endswith("weight"):  # gains of normalisations, ones at first
            parameter.uniform_(0.5, 1.5)
    mixture = 0.1 * torch.randn(2, 2, N_SAMPLES)
    mixture[1, :, 700:] = 0.3 * torch.sin(0.05 * torch.arange(N_SAMPLES - 700)) + 0.01
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its STFT has no window, on purpose
        whole, beginning = model(mixture), model(mixture[..., :N_BEGINNING])
    tensors = {f"state.{key}": tensor for key, tensor in model.state_dict().items()}
    tensors |= {"mixture": mixture, "whole": whole.contiguous(), "beginning": beginning.contiguous()}
    save_file(tensors, HERE / "scnet_7393986.safetensors")


if __name__ == "__main__":
    main()
