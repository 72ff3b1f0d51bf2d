"""Keys of the public state dicts of TFC-TDF v3 (MDX23C), and what its authors' code makes of a small random network.

    .venv/bin/python tests/data/make_tfc_tdf.py FOLDER

FOLDER is a checkout of github.com/kuielab/sdx23 at 79fbf48 (MIT licence). Written are keys/tfc_tdf.txt, a key and a
shape a line, and tfc_tdf_79fbf48.safetensors: a state dict, a mixture and its estimates.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors.torch import save_file

HERE = Path(__file__).parent
AUDIO = {"n_fft": 8192, "hop_length": 1024, "dim_f": 4096, "num_channels": 2}
MODEL = {
    "act": "gelu",
    "bottleneck_factor": 4,
    "growth": 128,
    "norm": "InstanceNorm",
    "num_blocks_per_scale": 2,
    "num_channels": 128,
    "num_scales": 5,
    "num_subbands": 4,
    "scale": [2, 2],
}
STEMS = ["vocals", "bass", "drums", "other"]
SMALL_AUDIO = {"n_fft": 256, "hop_length": 64, "dim_f": 96, "num_channels": 2}
SMALL_MODEL = MODEL | {
    "act": "elu0.7",
    "bottleneck_factor": 2,
    "growth": 4,
    "num_channels": 6,
    "num_scales": 2,
    "num_subbands": 3,
    "scale": [1, 2],
}


@torch.no_grad()
def main() -> None:
    """Write both files."""
    sys.path.insert(0, str(Path(sys.argv[1]) / "my_submission" / "src"))
    from tfc_tdf_v3 import TFC_TDF_net

    with torch.device("meta"):
        state = TFC_TDF_net(_config(AUDIO, MODEL, STEMS)).state_dict()
    lines = [f"{key} {' '.join(map(str, tensor.shape))}" for key, tensor in state.items()]
    (HERE / "keys").mkdir(exist_ok=True)
    (HERE / "keys" / "tfc_tdf.txt").write_text("\n".join(lines) + "\n")

    torch.manual_seed(20230615)
    model = TFC_TDF_net(_config(SMALL_AUDIO, SMALL_MODEL, STEMS[:3])).eval()
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:  # gains and shifts of normalisations, ones and zeros at first
            parameter.uniform_(0.5, 1.5) if name.endswith("weight") else parameter.uniform_(-0.2, 0.2)
    n_samples = 23 * 64
    mixture = 0.1 * torch.randn(2, 2, n_samples)
    mixture[1, :, 700:] = 0.3 * torch.sin(0.05 * torch.arange(n_samples - 700)) + 0.01
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its STFT is called in an old way
        estimates = model(mixture)
    tensors = {f"state.{key}": tensor for key, tensor in model.state_dict().items()}
    save_file(tensors | {"mixture": mixture, "estimates": estimates.contiguous()}, HERE / "tfc_tdf_79fbf48.safetensors")


def _config(audio: dict[str, Any], model: dict[str, Any], stems: list[str]) -> Any:
    training = SimpleNamespace(target_instrument=None, instruments=stems)
    return SimpleNamespace(audio=SimpleNamespace(**audio), model=SimpleNamespace(**model), training=training)


if __name__ == "__main__":
    main()
